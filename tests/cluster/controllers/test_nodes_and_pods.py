"""Nodes that fall silent, pods that are left behind, budgets and claims: on a virtual clock."""

from typing import Any

import pytest

from kiban.cluster.api.calls import Call
from kiban.cluster.api.failures import Failure
from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.controllers.disruption import DisruptionController
from kiban.cluster.controllers.node_lifecycle import (
    MONITOR,
    Heartbeats,
    NodeLifecycleController,
)
from kiban.cluster.controllers.node_lifecycle.zones import rate_of, zone_state
from kiban.cluster.controllers.persistent_volume_claim import PersistentVolumeClaimController
from kiban.cluster.controllers.pod_garbage_collector import PodGarbageCollector
from kiban.cluster.controllers.service_account import ServiceAccountController
from kiban.cluster.controllers.taint_eviction import TaintEvictionController
from kiban.kube.objects import (
    LEASE,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_DISRUPTION_BUDGET,
    Key,
    Manifest,
    condition_of,
    get_in,
    is_deleting,
)
from kiban.primitives.instants import Instant, later, rfc3339_micro
from kiban.reconcile.commands import Bind, Command, Create, Delete, Patch
from kiban.reconcile.loop import Task

NOW = Instant(1_800_000_000_000_000)
READY = [{"type": "Ready", "status": "True"}]


class World:
    def __init__(self, heartbeats: Heartbeats | None = None) -> None:
        self.now = NOW
        self.beating: dict[str, None] = {}
        self.cluster: Cluster = assembled(
            7,
            [
                NodeLifecycleController(heartbeats),
                TaintEvictionController(),
                PodGarbageCollector(),
                DisruptionController(),
                PersistentVolumeClaimController(),
                ServiceAccountController(),
            ],
        )
        self.cluster.bootstrap(NOW)
        self.wait(0)

    def wait(self, seconds: float) -> None:
        """Let time pass; nodes that are alive renew their leases every 10 s."""
        until = later(self.now, seconds)
        beat = self.now
        for _ in range(100_000):
            due = self.cluster.next_due()
            at = min(max(due, self.now) if due is not None else until, beat)
            if at > until or (due is None and beat > until):
                break
            self.now = at
            if at == beat:
                self._beat()
                beat = later(beat, 10)
            self.cluster.step(self.now)
        self.now = until

    def _beat(self) -> None:
        for name in self.beating:
            patch = {"spec": {"renewTime": rfc3339_micro(self.now)}}
            self.cluster.executor.execute(
                "kubelet", [Patch(Key(*LEASE, "kube-node-lease", name), patch)], self.now
            )

    def do(self, *commands: Command) -> None:
        assert self.cluster.executor.execute("test", commands, self.now) == ()
        self.wait(0)

    def node(self, name: str, zone: str = "a") -> None:
        labels = {"topology.kubernetes.io/zone": zone}
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": "kube-node-lease"},
            "spec": {"holderIdentity": name},
        }
        manifest = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": labels},
            "status": {"conditions": READY},
        }
        self.beating[name] = None
        self.do(Create(manifest), Create(lease))

    def pod(self, name: str, node: str = "", **spec: Any) -> None:
        metadata = {"name": name, "namespace": "default", "labels": {"app": "web"}}
        wished = {"containers": [{"name": "c", "image": "i"}], **spec}
        key = Key(*POD, "default", name)
        self.do(Create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": wished}))
        if node:
            status = {"status": {"phase": "Running", "conditions": READY}}
            self.do(Bind(key, node), Patch(key, status, "status"))

    def get(self, kind: Any, name: str, namespace: str = "default") -> Manifest | None:
        return self.cluster.store.get(Key(*kind, namespace, name))

    def taints(self, name: str) -> list[tuple[str, str]]:
        node = self.get(NODE, name, "")
        taints = get_in(node, "spec", "taints", default=[])
        return sorted((taint["key"].rpartition("/")[2], taint["effect"]) for taint in taints)


@pytest.fixture
def world() -> World:
    return World()


def ready(manifest: Manifest | None) -> str:
    assert manifest is not None
    condition = condition_of(manifest, "Ready")
    assert condition is not None
    status: str = condition["status"]
    return status


def test_a_node_that_is_heard_from_is_left_alone(world: World) -> None:
    world.node("n1")
    world.wait(300)
    assert ready(world.get(NODE, "n1", "")) == "True"
    assert world.taints("n1") == []


def test_a_silent_node_is_unknown_its_pods_unready_and_gone_in_time(world: World) -> None:
    world.node("n1")
    world.node("n2", "b")
    world.pod("p", "n1")
    del world.beating["n1"]
    world.wait(45)
    assert ready(world.get(NODE, "n1", "")) == "True"
    world.wait(20)
    assert ready(world.get(NODE, "n1", "")) == "Unknown"
    assert ready(world.get(POD, "p")) == "False"
    assert world.taints("n1") == [("unreachable", "NoExecute"), ("unreachable", "NoSchedule")]
    world.wait(280)
    assert not is_deleting(world.get(POD, "p") or {"metadata": {}})
    world.wait(40)
    assert is_deleting(world.get(POD, "p") or {"metadata": {}})


def test_a_node_that_comes_back_keeps_its_pods(world: World) -> None:
    world.node("n1")
    world.node("n2", "b")
    world.pod("p", "n1")
    del world.beating["n1"]
    world.wait(70)
    world.beating["n1"] = None
    world.do(Patch(Key(*NODE, "", "n1"), {"status": {"conditions": READY}}, "status"))
    world.wait(400)
    assert world.taints("n1") == []
    assert not is_deleting(world.get(POD, "p") or {"metadata": {}})


class Heard:
    """Nodes that are heard all the time, except those that are silent since some time."""

    def __init__(self) -> None:
        self.silent: dict[str, Instant] = {}

    def last(self, node: str, now: Instant) -> Instant | None:
        return self.silent.get(node, now)

    def is_heard(self, node: str) -> bool:
        return node not in self.silent

    def are_all_heard(self) -> bool:
        return not self.silent


def refuse_taints_of(world: World, name: str, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Refuse the next requests for a change of the node's taints that drive pods away."""
    executor, left = world.cluster.executor, [times]
    carry_out = executor.carry_out

    def hindered(command: Command, call: Call) -> None:
        if isinstance(command, Patch) and command.key == Key(*NODE, "", name) and left[0]:
            node = world.get(NODE, name, "")
            driving = [
                [taint for taint in taints or () if taint["effect"] == "NoExecute"]
                for taints in (
                    get_in(node, "spec", "taints", default=[]),
                    get_in(command.patch, "spec", "taints", default=[]),
                )
            ]
            if "spec" in command.patch and driving[0] != driving[1]:
                left[0] -= 1
                raise Failure(500, "InternalError", "leader changed")
        carry_out(command, call)

    monkeypatch.setattr(executor, "carry_out", hindered)


def test_a_taint_that_could_not_be_taken_off_a_ready_node_is_at_the_next_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = Heard()
    world = World(heard)
    world.node("n1")
    world.node("n2", "b")
    world.wait(20)
    heard.silent["n1"] = world.now
    world.cluster.loop.wake(Task(NodeLifecycleController.name, MONITOR), world.now)
    world.wait(70)
    assert ("unreachable", "NoExecute") in world.taints("n1")
    refuse_taints_of(world, "n1", monkeypatch, times=3)
    del heard.silent["n1"]
    world.do(Patch(Key(*NODE, "", "n1"), {"status": {"conditions": READY}}, "status"))
    world.wait(60)
    assert world.taints("n1") == []


def test_a_taint_that_was_refused_is_given_at_a_later_look(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.node("n1")
    world.node("n2", "b")
    del world.beating["n1"]
    refuse_taints_of(world, "n1", monkeypatch, times=3)
    world.wait(150)
    assert ("unreachable", "NoExecute") in world.taints("n1")


def test_nobody_is_driven_away_when_every_zone_is_silent(world: World) -> None:
    for name, zone in (("n1", "a"), ("n2", "b")):
        world.node(name, zone)
    world.beating.clear()
    world.wait(90)
    assert world.taints("n1") == world.taints("n2") == [("unreachable", "NoSchedule")]


def test_a_zone_that_is_mostly_gone_is_emptied_slowly_or_not_at_all() -> None:
    assert zone_state(3, 0) == "Normal"
    assert zone_state(1, 2) == "Normal"
    assert zone_state(2, 3) == "PartialDisruption"
    assert zone_state(0, 1) == "FullDisruption"
    assert [rate_of(state, 10) for state in ("Normal", "FullDisruption")] == [0.1, 0.1]
    assert [rate_of("PartialDisruption", size) for size in (50, 51)] == [0.0, 0.01]


def test_a_cordoned_node_is_tainted_and_an_uncordoned_one_is_not(world: World) -> None:
    world.node("n1")
    world.do(Patch(Key(*NODE, "", "n1"), {"spec": {"unschedulable": True}}))
    assert world.taints("n1") == [("unschedulable", "NoSchedule")]
    world.do(Patch(Key(*NODE, "", "n1"), {"spec": {"unschedulable": None}}))
    assert world.taints("n1") == []


def test_pods_bear_a_taint_as_long_as_they_tolerate_it(world: World) -> None:
    world.node("n1")
    toleration = {"key": "k", "operator": "Exists", "effect": "NoExecute"}
    world.pod("never", "n1")
    world.pod("a-while", "n1", tolerations=[{**toleration, "tolerationSeconds": 10}])
    world.pod("always", "n1", tolerations=[toleration])
    taint = {"key": "k", "effect": "NoExecute"}
    world.do(Patch(Key(*NODE, "", "n1"), {"spec": {"taints": [taint]}}))

    def going() -> list[str]:
        pods = world.cluster.store.list(POD)
        return [pod["metadata"]["name"] for pod in pods if is_deleting(pod)]

    assert going() == ["never"]
    world.wait(11)
    assert going() == ["a-while", "never"]


def test_pods_of_a_node_that_is_gone_fail_and_are_removed(world: World) -> None:
    world.node("n1")
    world.pod("p", "n1")
    world.do(Delete(Key(*NODE, "", "n1")))
    world.wait(39)
    assert world.get(POD, "p") is not None
    world.wait(42)
    assert world.get(POD, "p") is None


def budget(**spec: Any) -> Create:
    wished = {"selector": {"matchLabels": {"app": "web"}}, **spec}
    kind = {"apiVersion": "policy/v1", "kind": POD_DISRUPTION_BUDGET.kind}
    return Create({**kind, "metadata": {"name": "b", "namespace": "default"}, "spec": wished})


def test_a_budget_allows_as_many_as_are_healthy_beyond_its_minimum(world: World) -> None:
    world.node("n1")
    for name in ("p1", "p2", "p3"):
        world.pod(name, "n1")
    world.do(budget(minAvailable=2))
    status = (world.get(POD_DISRUPTION_BUDGET, "b") or {})["status"]
    assert (status["expectedPods"], status["currentHealthy"], status["disruptionsAllowed"]) == (
        3,
        3,
        1,
    )


def test_a_share_is_of_what_the_owners_want(world: World) -> None:
    world.node("n1")
    labels = {"matchLabels": {"app": "web"}}
    container = {"containers": [{"name": "c", "image": "i"}]}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": container}
    spec = {"replicas": 7, "selector": labels, "template": template}
    kind = {"apiVersion": "apps/v1", "kind": "ReplicaSet"}
    world.do(Create({**kind, "metadata": {"name": "web", "namespace": "default"}, "spec": spec}))
    owner = world.cluster.store.get(Key("apps", "ReplicaSet", "default", "web"))
    assert owner is not None
    reference = {**kind, "name": "web", "uid": owner["metadata"]["uid"], "controller": True}
    world.pod("p", "n1")
    world.do(
        Patch(Key(*POD, "default", "p"), {"metadata": {"ownerReferences": [reference]}}),
        budget(minAvailable="50%"),
    )
    status = (world.get(POD_DISRUPTION_BUDGET, "b") or {})["status"]
    assert (status["expectedPods"], status["desiredHealthy"]) == (7, 4)


def test_a_claim_is_bound_when_its_first_pod_has_a_node(world: World) -> None:
    world.node("n1")
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "gp3",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    kind = {"apiVersion": "v1", "kind": PERSISTENT_VOLUME_CLAIM.kind}
    world.do(Create({**kind, "metadata": {"name": "data", "namespace": "default"}, "spec": spec}))

    def phase() -> str:
        found: str = get_in(world.get(PERSISTENT_VOLUME_CLAIM, "data"), "status", "phase")
        return found

    assert phase() == "Pending"
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "data"}}
    world.pod("p", "n1", volumes=[volume])
    assert phase() == "Bound"
    claim = world.get(PERSISTENT_VOLUME_CLAIM, "data")
    assert claim is not None and claim["status"]["capacity"] == {"storage": "1Gi"}
    name = claim["spec"]["volumeName"]
    made = world.cluster.store.get(Key("", "PersistentVolume", "", name))
    assert made is not None and made["status"]["phase"] == "Bound"
