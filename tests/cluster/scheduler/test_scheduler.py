"""The scheduler on a real cluster in process: pods in, nodes chosen, reasons given."""

from typing import Any

import pytest

from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.controllers.service_account import ServiceAccountController
from kiban.cluster.scheduler import Scheduler
from kiban.kube.objects import (
    EVENT,
    NODE,
    POD,
    POD_DISRUPTION_BUDGET,
    Key,
    Manifest,
    condition_of,
    get_in,
    is_deleting,
)
from kiban.primitives.instants import Instant, later
from kiban.reconcile.commands import Command, Create, Delete, Patch

NOW = Instant(1_800_000_000_000_000)
ZONE = "topology.kubernetes.io/zone"
HOST = "kubernetes.io/hostname"


class World:
    """A cluster with a scheduler, and a clock that moves when told to."""

    def __init__(self) -> None:
        self.now = NOW
        self.cluster: Cluster = assembled(7, [Scheduler(), ServiceAccountController()])
        self.cluster.bootstrap(NOW)
        self.settle()

    def settle(self) -> None:
        for _ in range(10_000):
            due = self.cluster.next_due()
            if due is None or due > self.now:
                return
            self.cluster.step(self.now)
        raise AssertionError("it does not settle")

    def wait(self, seconds: float) -> None:
        until = later(self.now, seconds)
        for _ in range(10_000):
            due = self.cluster.next_due()
            if due is None or due > until:
                break
            self.now = max(due, self.now)
            self.cluster.step(self.now)
        self.now = until

    def do(self, *commands: Command) -> None:
        assert self.cluster.executor.execute("test", commands, self.now) == ()
        self.settle()

    def node(self, name: str, zone: str = "a", *, cpu: str = "4", **spec: Any) -> None:
        labels = {HOST: name, ZONE: zone, **spec.pop("labels", {})}
        size = {"cpu": cpu, "memory": "16Gi", "pods": spec.pop("pods", "58")}
        manifest = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": labels},
            "spec": spec,
            "status": {"capacity": size, "allocatable": size},
        }
        taints = {"spec": {"taints": spec.get("taints")}}
        self.do(Create(manifest), Patch(Key(*NODE, "", name), taints))

    def pods(self, count: int, base: str = "p", **wishes: Any) -> None:
        self.do(*(Create(pod(f"{base}{index:02}", **wishes)) for index in range(count)))

    def get(self, name: str) -> Manifest:
        found = self.cluster.store.get(Key(*POD, "default", name))
        assert found is not None
        return found

    def node_of(self, name: str) -> str:
        found: str = get_in(self.get(name), "spec", "nodeName", default="")
        return found

    def counts(self) -> dict[str, int]:
        """Pods by node; `-` for those without one."""
        found: dict[str, int] = {}
        for entry in self.cluster.store.list(POD):
            node = entry["spec"].get("nodeName", "-")
            found[node] = found.get(node, 0) + 1
        return dict(sorted(found.items()))

    def message(self, name: str) -> str:
        condition = condition_of(self.get(name), "PodScheduled")
        assert condition is not None and condition["status"] == "False"
        text: str = condition["message"]
        return text

    def events(self, reason: str) -> list[str]:
        return [
            event["message"]
            for event in self.cluster.store.list(EVENT)
            if event["reason"] == reason
        ]


def pod(name: str, *, cpu: str = "", labels: dict[str, str] | None = None, **spec: Any) -> Manifest:
    container: dict[str, Any] = {"name": "c", "image": spec.pop("image", "i")}
    if cpu:
        container["resources"] = {"requests": {"cpu": cpu}}
    if "ports" in spec:
        container["ports"] = spec.pop("ports")
    metadata = {"name": name, "namespace": "default", "labels": labels or {"app": "web"}}
    manifest = {"containers": [container], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": manifest}


def priority_class(name: str, value: int) -> Create:
    return Create(
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": name},
            "value": value,
        }
    )


@pytest.fixture
def world() -> World:
    return World()


def spread(key: str = ZONE, when: str = "DoNotSchedule", **more: Any) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": when,
        "labelSelector": {"matchLabels": {"app": "web"}},
        **more,
    }


def near(key: str = ZONE, app: str = "web") -> dict[str, Any]:
    return {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}


def required(part: str, *terms: dict[str, Any]) -> dict[str, Any]:
    return {part: {"requiredDuringSchedulingIgnoredDuringExecution": list(terms)}}


def test_a_pod_is_bound_and_an_event_says_so(world: World) -> None:
    world.node("n1")
    world.pods(1)
    assert world.node_of("p00") == "n1"
    assert world.events("Scheduled") == ["Successfully assigned default/p00 to n1"]


def test_a_pod_waits_for_the_first_node(world: World) -> None:
    world.pods(1)
    assert world.message("p00") == "no nodes available to schedule pods"
    world.node("n1")
    assert world.node_of("p00") == "n1"


def test_pods_go_where_most_is_free(world: World) -> None:
    for name in ("n1", "n2", "n3"):
        world.node(name)
    world.pods(9, cpu="1")
    assert world.counts() == {"n1": 3, "n2": 3, "n3": 3}


def test_what_does_not_fit_waits_and_says_why_for_every_node(world: World) -> None:
    world.node("n1", cpu="1")
    world.node("n2", unschedulable=True)
    world.node("n3", taints=[{"key": "k", "value": "v", "effect": "NoSchedule"}])
    world.pods(1, cpu="2")
    assert world.message("p00") == (
        "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 1 node(s)"
        " were unschedulable. no new claims to deallocate, preemption: 0/3 nodes are available: 3 "
        "Preemption is not helpful for scheduling."
    )
    assert world.events("FailedScheduling") == [world.message("p00")]


def test_too_many_pods_wait_until_one_is_gone(world: World) -> None:
    world.node("n1", pods="2")
    world.pods(3)
    assert world.counts() == {"-": 1, "n1": 2}
    world.do(Delete(Key(*POD, "default", "p00"), grace_seconds=0))
    assert world.counts() == {"n1": 2}


def test_the_room_of_a_pod_that_has_ended_is_free(world: World) -> None:
    world.node("n1", cpu="2")
    world.pods(2, cpu="2")
    assert world.counts() == {"-": 1, "n1": 1}
    world.do(Patch(Key(*POD, "default", "p00"), {"status": {"phase": "Succeeded"}}, "status"))
    assert world.counts() == {"n1": 2}


def test_a_pod_chooses_nodes_by_label_and_by_expression(world: World) -> None:
    world.node("n1", "a", labels={"gen": "5"})
    world.node("n2", "b", labels={"gen": "7"})
    term = {"matchExpressions": [{"key": "gen", "operator": "Gt", "values": ["6"]}]}
    needs = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    world.pods(2, affinity={"nodeAffinity": needs})
    world.pods(2, "q", nodeSelector={ZONE: "a"})
    assert world.counts() == {"n1": 2, "n2": 2}


def test_a_host_port_is_taken_once_per_node(world: World) -> None:
    world.node("n1")
    world.node("n2")
    world.pods(3, ports=[{"containerPort": 80, "hostPort": 80}])
    assert world.counts() == {"-": 1, "n1": 1, "n2": 1}
    [waiting] = [name for name in ("p00", "p01", "p02") if not world.node_of(name)]
    assert "2 node(s) didn't have free ports for the requested pod ports" in world.message(waiting)


def test_preferred_taints_and_labels_sway_but_do_not_bind(world: World) -> None:
    world.node("n1", taints=[{"key": "k", "effect": "PreferNoSchedule"}])
    world.node("n2")
    world.node("n3", labels={"kind": "spot"})
    world.pods(1)
    assert world.node_of("p00") in ("n2", "n3")
    term = {"matchExpressions": [{"key": "kind", "operator": "In", "values": ["spot"]}]}
    wish = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 80, "preference": term}]}
    world.pods(3, "q", affinity={"nodeAffinity": wish})
    assert [world.node_of(f"q0{index}") for index in range(3)] == ["n3", "n3", "n3"]


def test_hard_spread_keeps_zones_even_whatever_their_size(world: World) -> None:
    for name, zone in (("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("c1", "c")):
        world.node(name, zone)
    world.pods(6, topologySpreadConstraints=[spread()])
    counts = world.counts()
    assert sum(counts.get(name, 0) for name in ("a1", "a2", "a3")) == 2
    assert (counts["b1"], counts["c1"]) == (2, 2)


def test_hard_spread_makes_pods_wait_though_other_zones_have_room(world: World) -> None:
    world.node("a1", "a")
    world.node("b1", "b", cpu="1")
    world.pods(4, cpu="1", topologySpreadConstraints=[spread()])
    assert world.counts() == {"-": 1, "a1": 2, "b1": 1}


def test_fewer_domains_than_wanted_count_as_an_empty_one(world: World) -> None:
    world.node("a1", "a")
    world.node("b1", "b")
    world.pods(4, topologySpreadConstraints=[spread(minDomains=3)])
    assert world.counts() == {"-": 2, "a1": 1, "b1": 1}
    world.node("c1", "c")
    assert world.counts() == {"a1": 2, "b1": 1, "c1": 1} or sum(world.counts().values()) == 4
    assert "-" not in world.counts()


def test_a_node_without_the_key_takes_no_pod_that_must_spread(world: World) -> None:
    world.node("n1")
    world.pods(1, topologySpreadConstraints=[spread("rack")])
    assert "(missing required label)" in world.message("p00")


def test_pods_of_a_service_spread_by_default(world: World) -> None:
    for name, zone in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("b2", "b")):
        world.node(name, zone)
    service = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    metadata = {"name": "web", "namespace": "default"}
    world.do(Create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service}))
    world.pods(8)
    assert world.counts() == {"a1": 2, "a2": 2, "b1": 2, "b2": 2}


def test_anti_affinity_gives_every_pod_a_host_of_its_own(world: World) -> None:
    for name in ("n1", "n2"):
        world.node(name)
    world.pods(3, affinity=required("podAntiAffinity", near(HOST)))
    assert world.counts() == {"-": 1, "n1": 1, "n2": 1}
    world.pods(1, "other")
    assert "2 node(s) didn't satisfy existing pods anti-affinity rules" in world.message("other00")


def test_affinity_waits_for_its_company_and_follows_it(world: World) -> None:
    world.node("n1", "a")
    world.node("n2", "b")
    world.pods(1, "client", labels={"app": "client"}, affinity=required("podAffinity", near()))
    assert world.message("client00").startswith(
        "0/2 nodes are available: 2 node(s) didn't match pod affinity rules."
    )
    world.pods(1, "web", nodeSelector={HOST: "n2"})
    assert world.node_of("client00") == "n2"


def test_the_first_of_a_group_may_found_it(world: World) -> None:
    world.node("n1", "a")
    world.node("n2", "b")
    world.pods(4, affinity=required("podAffinity", near()))
    assert list(world.counts().values()) == [4]


def test_preferred_anti_affinity_alternates_zones(world: World) -> None:
    world.node("n1", "a")
    world.node("n2", "b")
    term = {"weight": 100, "podAffinityTerm": near()}
    wish = {"preferredDuringSchedulingIgnoredDuringExecution": [term]}
    world.pods(4, affinity={"podAntiAffinity": wish})
    assert world.counts() == {"n1": 2, "n2": 2}


def test_a_gated_pod_is_not_looked_at_until_its_gate_is_gone(world: World) -> None:
    world.node("n1")
    world.pods(1, schedulingGates=[{"name": "wait"}])
    assert world.node_of("p00") == "" and world.events("FailedScheduling") == []
    world.do(Patch(Key(*POD, "default", "p00"), {"spec": {"schedulingGates": None}}))
    assert world.node_of("p00") == "n1"


def test_higher_priority_goes_first(world: World) -> None:
    world.do(priority_class("low", 1), priority_class("high", 100))
    world.pods(1, "low", cpu="3", priorityClassName="low")
    world.pods(1, "high", cpu="3", priorityClassName="high")
    world.node("n1")
    assert (world.node_of("high00"), world.node_of("low00")) == ("n1", "")


def test_lower_priority_makes_room_within_its_grace(world: World) -> None:
    world.do(priority_class("low", 1), priority_class("high", 100))
    world.node("n1")
    world.pods(4, "low", cpu="1", priorityClassName="low")
    world.pods(1, "high", cpu="2", priorityClassName="high")
    victims = [entry for entry in world.cluster.store.list(POD) if is_deleting(entry)]
    assert len(victims) == 2
    assert {(condition_of(v, "DisruptionTarget") or {})["reason"] for v in victims} == {
        "PreemptionByScheduler"
    }
    assert get_in(world.get("high00"), "status", "nominatedNodeName") == "n1"
    assert world.events("FailedScheduling") == ["0/1 nodes are available: 1 Insufficient cpu."]
    assert len(world.events("Preempted")) == 2
    world.pods(1, "sneak", cpu="1", priorityClassName="low")
    for victim in victims:
        name = victim["metadata"]["name"]
        world.do(Delete(Key(*POD, "default", name), grace_seconds=0))
    assert world.node_of("high00") == "n1"
    assert world.node_of("sneak00") == ""


def test_a_pod_that_may_not_preempt_waits(world: World) -> None:
    world.do(priority_class("low", 1))
    never = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 100}
    world.do(Create({**never, "metadata": {"name": "polite"}, "preemptionPolicy": "Never"}))
    world.node("n1")
    world.pods(1, "low", cpu="4", priorityClassName="low")
    world.pods(1, "polite", cpu="1", priorityClassName="polite")
    assert world.message("polite00").endswith(
        "preemption: not eligible due to preemptionPolicy=Never."
    )


def test_a_budget_is_spared_when_another_node_can_do(world: World) -> None:
    world.do(priority_class("high", 100))
    for name in ("n1", "n2"):
        world.node(name)
    world.pods(1, "safe", cpu="3", labels={"app": "safe"}, nodeSelector={HOST: "n1"})
    world.pods(1, "free", cpu="3", labels={"app": "free"}, nodeSelector={HOST: "n2"})
    budget = {"selector": {"matchLabels": {"app": "safe"}}, "minAvailable": 1}
    metadata = {"name": "b", "namespace": "default"}
    kind = {"apiVersion": "policy/v1", "kind": POD_DISRUPTION_BUDGET.kind}
    world.do(Create({**kind, "metadata": metadata, "spec": budget}))
    world.pods(1, "high", cpu="3", priorityClassName="high")
    assert is_deleting(world.get("free00")) and not is_deleting(world.get("safe00"))


def test_a_pod_that_waits_in_vain_is_tried_again_after_five_minutes(world: World) -> None:
    world.node("n1", cpu="1")
    world.pods(1, cpu="2")
    world.wait(301)
    [event] = [e for e in world.cluster.store.list(EVENT) if e["reason"] == "FailedScheduling"]
    assert event["count"] == 2


def test_a_heartbeat_of_a_node_wakes_nobody(world: World) -> None:
    world.node("n1", cpu="1")
    world.pods(1, cpu="2")
    beat = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    world.do(Patch(Key(*NODE, "", "n1"), beat, "status"))
    [event] = [e for e in world.cluster.store.list(EVENT) if e["reason"] == "FailedScheduling"]
    assert event["count"] == 1


def test_pods_of_another_scheduler_are_left_alone(world: World) -> None:
    world.node("n1")
    world.pods(1, schedulerName="other")
    assert world.node_of("p00") == ""


def test_a_pod_whose_claim_is_missing_says_so(world: World) -> None:
    world.node("n1")
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "data"}}
    world.pods(1, volumes=[volume])
    assert world.message("p00") == (
        '0/1 nodes are available: persistentvolumeclaim "data" not found. not found'
    )
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    metadata = {"name": "data", "namespace": "default"}
    kind = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    world.do(Create({**kind, "metadata": metadata, "spec": claim}))
    assert world.node_of("p00") == "n1"


def test_a_pod_waits_for_a_claim_that_waits_for_nobody(world: World) -> None:
    world.node("n1")
    size = {"requests": {"storage": "1Gi"}}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": size, "storageClassName": ""}
    metadata = {"name": "data", "namespace": "default"}
    kind = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    world.do(Create({**kind, "metadata": metadata, "spec": spec}))
    world.pods(1, volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}])
    assert world.message("p00") == (
        "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
    )


def test_a_pod_goes_where_its_image_is_when_all_else_is_equal(world: World) -> None:
    for name in ("n1", "n2", "n3"):
        world.node(name)
    images = [{"names": ["registry.example.com/app"], "sizeBytes": 600 * 1024 * 1024}]
    world.do(Patch(Key(*NODE, "", "n3"), {"status": {"images": images}}, "status"))
    world.pods(1, image="registry.example.com/app:latest")
    assert world.node_of("p00") == "n3"


def test_a_daemon_is_told_that_only_its_node_was_looked_at(world: World) -> None:
    world.node("n1", cpu="1")
    world.node("n2")
    field = {"key": "metadata.name", "operator": "In", "values": ["n1"]}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    world.pods(1, cpu="2", affinity=affinity)
    assert world.message("p00").startswith(
        "0/2 nodes are available: 1 Insufficient cpu, "
        "1 node(s) didn't satisfy plugin(s) [NodeAffinity]."
    )


def test_a_pod_stays_in_the_zone_of_its_volume(world: World) -> None:
    world.node("n1", "a")
    size = {"storage": "1Gi"}
    modes = ["ReadWriteOnce"]
    world.do(
        Create(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": "disk", "labels": {ZONE: "b"}},
                "spec": {"capacity": size, "accessModes": modes, "hostPath": {"path": "/disk"}},
            }
        ),
        Create(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": "data", "namespace": "default"},
                "spec": {
                    "accessModes": modes,
                    "resources": {"requests": size},
                    "volumeName": "disk",
                },
            }
        ),
    )
    world.pods(1, volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}])
    assert "1 node(s) had no available volume zone." in world.message("p00")
    world.node("n2", "b")
    assert world.node_of("p00") == "n2"
