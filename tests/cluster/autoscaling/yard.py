"""A yard of machines for autoscalers: a real cluster on a virtual clock, groups in memory.

Machines register and are Ready a fixed time after they were asked for. Pods that are bound are
made Running and Ready at once; pods that are deleted go at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kiban.cluster.api.calls import Call, DeleteOptions, User
from kiban.cluster.api.deleting import delete
from kiban.cluster.autoscaling.cluster_autoscaler import ClusterAutoscaler, Settings
from kiban.cluster.autoscaling.provider import Group, Instance, LaunchError, ProviderRefusal
from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.controllers.catalog import controllers
from kiban.kube.merges.merge_patch import merge_patch
from kiban.kube.objects import EVENT, NODE, POD, Key, Manifest, get_in, is_deleting, key_of, uid_of
from kiban.primitives.instants import Instant, later, parse_rfc3339, rfc3339, seconds_between
from kiban.reconcile.controller import Controller

START = parse_rfc3339("2026-01-15T00:00:00Z")
USER = User("admin", ("system:masters", "system:authenticated"))


def call(now: Instant) -> Call:
    return Call(USER, now, manager="kubectl")


class AllHeard:
    """Every node is heard from."""

    def last(self, node: str, now: Instant) -> Instant | None:
        return now

    def are_all_heard(self) -> bool:
        return True

    def is_heard(self, node: str) -> bool:
        return True


def node(name: str, zone: str = "a", cpu: str = "4", memory: str = "16Gi", **more: Any) -> Manifest:
    size = {"cpu": cpu, "memory": memory, "pods": str(more.get("pods", 58))}
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {**labels, **more.get("labels", {})}},
        "spec": {"providerID": name, "taints": more.get("taints", [])},
        "status": {"capacity": size, "allocatable": size},
    }


@dataclass
class Machines:
    """A `NodeProvider` whose machines come `delay` seconds after they were asked for. Groups in
    `broken` have no machines to give; those in `mute` never register."""

    delay: float = 60.0
    templates: dict[str, Manifest] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    prices: dict[str, float] = field(default_factory=dict)
    targets: dict[str, int] = field(default_factory=dict)
    instances: dict[str, list[Instance]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    mute: list[str] = field(default_factory=list)
    asked: list[tuple[float, str, int]] = field(default_factory=list)
    deleted: list[tuple[float, str]] = field(default_factory=list)
    serial: int = 0
    yard: "Yard | None" = None

    def add_group(
        self, name: str, template: Manifest, most: int, least: int = 0, price: float = 1.0
    ) -> None:
        self.templates[name], self.sizes[name] = template, (least, most)
        self.prices[name] = price
        self.targets[name], self.instances[name] = 0, []

    def groups(self) -> Sequence[Group]:
        return [
            Group(
                name, *self.sizes[name], self.targets[name], self.templates[name],
                tuple(self.instances[name]), self.prices[name],
            )
            for name in sorted(self.templates)
        ]  # fmt: skip

    def increase(self, group: str, delta: int, now: Instant) -> None:
        assert self.yard is not None
        self.asked.append((self.yard.seconds(now), group, delta))
        self.targets[group] += delta
        for _ in range(delta):
            self.serial += 1
            name = f"{group}-{self.serial}"
            error = LaunchError("InsufficientInstanceCapacity", "none left")
            broken = group in self.broken
            self.instances[group].append(Instance(name, "creating", error if broken else None))
            if not broken and group not in self.mute:
                self.yard.at(
                    later(now, self.delay), lambda at, name=name: self.register(group, name, at)
                )

    def register(self, group: str, name: str, now: Instant) -> None:
        assert self.yard is not None
        if not any(instance.provider_id == name for instance in self.instances[group]):
            return
        self.instances[group] = [
            replace(entry, state="running") if entry.provider_id == name else entry
            for entry in self.instances[group]
        ]
        template = self.templates[group]
        labels = {**template["metadata"]["labels"], "kubernetes.io/hostname": name}
        self.yard.add_node(
            {
                **template,
                "metadata": {"name": name, "labels": labels},
                "spec": {**template["spec"], "providerID": name},
            },
            now,
        )

    def decrease_target(self, group: str, delta: int, now: Instant) -> None:
        self.targets[group] -= delta

    def delete(self, group: str, provider_ids: Sequence[str], now: Instant) -> None:
        assert self.yard is not None
        for name in provider_ids:
            if self.targets[group] <= self.sizes[group][0]:
                raise ProviderRefusal("min size reached")
            self.targets[group] -= 1
            self.instances[group] = [i for i in self.instances[group] if i.provider_id != name]
            self.deleted.append((self.yard.seconds(now), name))
            self.yard.at(later(now, 1), lambda at, name=name: self.yard.drop_node(name, at))


class Yard:
    """The cluster and its clock."""

    def __init__(
        self,
        machines: Machines,
        settings: Settings | None = None,
        autoscaler: Callable[[Machines], Controller] | None = None,
    ) -> None:
        self.machines = machines
        machines.yard = self
        self.autoscaler = (
            autoscaler(machines)
            if autoscaler
            else ClusterAutoscaler(machines, settings or Settings())
        )
        self.cluster: Cluster = assembled(1, [*controllers(heartbeats=AllHeard()), self.autoscaler])
        self.now = START
        self._acts: list[tuple[Instant, int, Callable[[Instant], None]]] = []
        self._count = 0
        self.cluster.bootstrap(self.now)
        self.settle()
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})

    def seconds(self, now: Instant) -> float:
        return seconds_between(START, now)

    def at(self, instant: Instant, act: Callable[[Instant], None]) -> None:
        self._count += 1
        self._acts.append((instant, self._count, act))
        self._acts.sort()

    def run(self, seconds: float) -> None:
        """Let time pass until so many seconds after the start."""
        end = later(START, seconds)
        self.settle()
        while True:
            dues = [self.cluster.next_due(), self._acts[0][0] if self._acts else None]
            due = min((at for at in dues if at is not None), default=None)
            if due is None or due > end:
                self.now = end
                return
            self.now = max(self.now, due)
            if self._acts and self._acts[0][0] <= self.now:
                self._acts.pop(0)[2](self.now)
            self.settle()

    def settle(self) -> None:
        store = self.cluster.store
        while True:
            due = self.cluster.next_due()
            if due is None or due > self.now:
                return
            self.cluster.step(self.now)
            for write in store.take_unwritten():
                if write.key.group_kind == POD and write.after is not None:
                    self._kubelet(write.after.object)

    def _kubelet(self, pod: Manifest) -> None:
        live = self.cluster.store.get(key_of(pod))
        if live is None or uid_of(live) != uid_of(pod) or not get_in(live, "spec", "nodeName"):
            return
        registry = self.cluster.registry
        info = registry.info_of(key_of(pod))
        if is_deleting(live):
            options = DeleteOptions(grace_seconds=0)
            delete(registry, info, key_of(pod), options, call(self.now))
        elif get_in(live, "status", "phase") != "Running":
            self.patch(
                key_of(pod),
                {"status": {"phase": "Running", "conditions": ready(self.now)}},
                "status",
            )

    # The API

    def create(self, manifest: Manifest) -> Manifest:
        registry = self.cluster.registry
        info = registry.info_of_manifest(manifest)
        namespace = manifest["metadata"].get("namespace", "shop" if info.namespaced else "")
        created = registry.create(info, namespace, manifest, call(self.now))
        self.settle()
        return created

    def patch(self, key: Key, patch: dict[str, Any], subresource: str = "") -> None:
        registry = self.cluster.registry
        registry.update(
            registry.info_of(key),
            key,
            lambda live: merge_patch(live, patch),
            call(self.now),
            subresource,
        )

    def add_node(self, manifest: Manifest, now: Instant, is_ready: bool = True) -> None:
        status = {**manifest["status"], "conditions": ready(now) if is_ready else []}
        self.create({**manifest, "status": status})

    def drop_node(self, name: str, now: Instant) -> None:
        key = Key(*NODE, "", name)
        if self.cluster.store.get(key) is not None:
            registry = self.cluster.registry
            delete(registry, registry.info_of(key), key, DeleteOptions(), call(now))

    def deploy(
        self, name: str, replicas: int, cpu: str = "1", memory: str = "1Gi", **more: Any
    ) -> None:
        self.create(deployment(name, replicas, cpu, memory, **more))

    def scale(self, name: str, replicas: int) -> None:
        self.patch(Key("apps", "Deployment", "shop", name), {"spec": {"replicas": replicas}})

    def node(self, name: str) -> Manifest | None:
        return self.cluster.store.get(Key(*NODE, "", name))

    def nodes(self) -> list[str]:
        return [manifest["metadata"]["name"] for manifest in self.cluster.store.list(NODE)]

    def pods(self) -> Sequence[Manifest]:
        return self.cluster.store.list(POD)

    def pending(self) -> int:
        return sum(not pod["spec"].get("nodeName") for pod in self.pods())

    def events(self, *reasons: str) -> list[str]:
        return [
            event["message"]
            for event in self.cluster.store.list(EVENT)
            if event["reason"] in reasons
        ]


def ready(now: Instant) -> list[dict[str, Any]]:
    stamp = rfc3339(now)
    return [{"type": "Ready", "status": "True", "lastTransitionTime": stamp, "reason": "Ready"}]


def deployment(name: str, replicas: int, cpu: str, memory: str, **more: Any) -> Manifest:
    resources = {"requests": {"cpu": cpu, "memory": memory}}
    spec = {
        "containers": [{"name": "a", "image": "x", "resources": resources}],
        **more.get("spec", {}),
    }
    labels = {"app": name}
    metadata = {"labels": labels, "annotations": more.get("annotations", {})}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": metadata, "spec": spec},
        },
    }
