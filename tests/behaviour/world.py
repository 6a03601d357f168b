"""A recorded scenario played again: the real cluster on a virtual clock, with modelled nodes."""

import heapq
from collections.abc import Callable
from typing import Any

from metrics import RecordedMetrics
from names import Manifest
from nodes import Delays, Nodes
from timeline import NAMESPACE, Timeline

from kiban.cluster.api import eviction
from kiban.cluster.api.calls import Call, DeleteOptions, User
from kiban.cluster.api.deleting import delete
from kiban.cluster.api.failures import Failure
from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.controllers.catalog import controllers
from kiban.cluster.store import Store
from kiban.kube.merges.merge_patch import merge_patch
from kiban.kube.objects import (
    NODE,
    POD,
    Key,
    controller_of,
    get_in,
    is_deleting,
    is_true,
    key_of,
    uid_of,
)
from kiban.primitives.instants import Instant, later, parse_rfc3339, seconds_between
from kiban.reconcile.trace import Trace

# Nodes are ready and the namespace is there before second 0.
WARM_UP_SECONDS = 30
START = parse_rfc3339("2026-01-15T10:00:00Z")
DRAIN_RETRY_SECONDS = 5.0
# More reconciles than this without time passing, and two controllers undo each other's work.
STEPS_AT_ONE_INSTANT = 3000
DRAIN_POLL_SECONDS = 1.0
# Reconciles in the time that a client needs to create the next manifest.
STEPS_BETWEEN_REQUESTS = 2
_USER = User("kubernetes-admin", ("system:masters", "system:authenticated"))
Act = Callable[[Instant], None]


class Api:
    """Requests of clients and kubelets, as a person or a node would send them."""

    def __init__(self, cluster: Cluster) -> None:
        self._registry = cluster.registry
        self.store: Store = cluster.registry.store

    def _call(self, now: Instant) -> Call:
        return Call(_USER, now, manager="kubectl")

    def create(self, manifest: Manifest, now: Instant) -> Manifest:
        info = self._registry.info_of_manifest(manifest)
        namespace = manifest["metadata"].get("namespace", "") or (
            NAMESPACE if info.namespaced else ""
        )
        return self._registry.create(info, namespace, manifest, self._call(now))

    def patch(
        self, key: Key, patch: dict[str, Any], now: Instant, subresource: str = ""
    ) -> Manifest:
        info = self._registry.info_of(key)

        def merged(live: Manifest) -> Manifest:
            found: Manifest = merge_patch(live, patch)
            return found

        return self._registry.update(info, key, merged, self._call(now), subresource)

    def delete(self, key: Key, options: DeleteOptions, now: Instant) -> None:
        delete(self._registry, self._registry.info_of(key), key, options, self._call(now))

    def delete_now(self, pod: Manifest, now: Instant) -> None:
        """A kubelet's last act for a pod."""
        options = DeleteOptions(grace_seconds=0, uid=uid_of(pod))
        self.delete(key_of(pod), options, now)

    def evict(self, key: Key, now: Instant) -> None:
        eviction.evict(self._registry, key, DeleteOptions(), self._call(now))

    def key(self, kind: str, name: str) -> Key:
        info = next(entry for entry in self._registry.kinds if entry.kind == kind)
        return Key(info.group, kind, NAMESPACE if info.namespaced else "", name)


class World:
    """One scenario under way."""

    def __init__(self, case: dict[str, Any], seed: int = 1) -> None:
        self._case = case
        self.timeline = Timeline()
        self.zero = later(START, float(case.get("second_of_minute", 0)))
        metrics = RecordedMetrics(
            case["setup"].get("metrics"), self.zero, self.timeline.aliases.learn
        )
        self._cluster = assembled(
            seed, controllers(metrics=metrics), trace=Trace(), tracks_ownership=False
        )
        self._api = Api(self._cluster)
        self._events: list[tuple[Instant, int, Act]] = []
        self._sequence = 0
        self.now = later(self.zero, -WARM_UP_SECONDS)
        kubelet = case["setup"].get("kubelet") or {}
        self._nodes = Nodes(self._api, Delays(**kubelet), self._schedule)
        self._recording = False

    def play(self) -> list[dict[str, Any]]:
        """The timeline of the whole scenario."""
        self._prepare()
        for action in self._case["actions"]:
            self._schedule(later(self.zero, action["at"]), self._acting(action["do"]))
        # What begins in the last instant was seen a moment later, after the recording.
        self._run_until(later(self.zero, self._case["duration"] - 0.001))
        return self.timeline.facts

    def _prepare(self) -> None:
        self._cluster.bootstrap(self.now)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        self._api.create(namespace, self.now)
        for node in self._case["setup"]["nodes"]:
            self._nodes.add(node, self.now)
        self._run_until(later(self.zero, -0.001))
        self._look()
        self._recording = True
        self._schedule(self.zero, self._create_manifests)

    def _create_manifests(self, now: Instant) -> None:
        for manifest in self._case["setup"]["manifests"]:
            self._api.create(manifest, now)
            # Whoever creates them does not wait: the controllers get a little done in between.
            self._settle(at_most=STEPS_BETWEEN_REQUESTS)

    # The clock

    def _schedule(self, at: Instant, act: Act) -> None:
        self._sequence += 1
        heapq.heappush(self._events, (at, self._sequence, act))

    def _run_until(self, end: Instant) -> None:
        self._settle()
        while True:
            dues = [self._cluster.next_due(), self._events[0][0] if self._events else None]
            due = min((at for at in dues if at is not None), default=None)
            if due is None or due > end:
                self.now = end
                return
            self.now = max(self.now, due)
            if self._events and self._events[0][0] <= self.now:
                heapq.heappop(self._events)[2](self.now)
            self._settle()

    def _settle(self, at_most: int | None = None) -> None:
        """Let the cluster do everything that is due now, or that many reconciles of it."""
        self._look()
        steps = 0
        while (due := self._cluster.next_due()) is not None and due <= self.now:
            if steps == at_most:
                return
            steps += 1
            if steps > STEPS_AT_ONE_INSTANT:
                trace = self._cluster.loop.trace
                last = [f"{d.controller} {d.key.name}" for d in trace.decisions] if trace else []
                raise RuntimeError(f"the controllers chase each other: {last[-6:]}")
            # One reconcile at a time, so that every state that others could see is recorded.
            self._cluster.step(self.now, limit=1)
            self._look()

    def _look(self) -> None:
        """Show what was written to the recording and to the nodes."""
        while writes := self._api.store.take_unwritten():
            t = seconds_between(self.zero, self.now)
            for write in writes:
                before = write.before.object if write.before else None
                after = write.after.object if write.after else None
                if self._recording:
                    self.timeline.write(t, before, after)
                if write.key.group_kind == POD:
                    self._nodes.observe(before, after, self.now)

    # Actions

    def _acting(self, do: dict[str, Any]) -> Act:
        verb: str = do["verb"]
        act = getattr(self, "_do_" + verb.replace("-", "_"))

        def run(now: Instant) -> None:
            result: Any = None
            try:
                result = act(do, now)
            except Failure as failure:
                result = _answer(failure)
            t = seconds_between(self.zero, now)
            fields = {} if result is None else {"result": result}
            self.timeline.facts.append({"t": t, "what": "action", "do": verb, **fields})

        return run

    def _do_create(self, do: dict[str, Any], now: Instant) -> None:
        self._api.create(do["manifest"], now)

    def _do_patch(self, do: dict[str, Any], now: Instant) -> int:
        name = self.timeline.aliases.real(do["kind"], do["name"])
        key = self._api.key(do["kind"], name)
        self._api.patch(key, do["patch"], now, do.get("subresource", ""))
        return 200

    def _do_delete(self, do: dict[str, Any], now: Instant) -> int:
        options = do.get("options") or {}
        name = self.timeline.aliases.real(do["kind"], do["name"])
        self._api.delete(
            self._api.key(do["kind"], name),
            DeleteOptions(
                grace_seconds=options.get("gracePeriodSeconds"),
                propagation=options.get("propagationPolicy", ""),
                orphan_dependents=options.get("orphanDependents"),
            ),
            now,
        )
        return 200

    def _do_evict(self, do: dict[str, Any], now: Instant) -> dict[str, Any]:
        self._api.evict(key_of(self._pod(do["pod"])), now)
        return {"code": 201}

    def _do_pod_ready(self, do: dict[str, Any], now: Instant) -> None:
        self._nodes.report_ready(self._pod(do["pod"]), do["ready"], now)

    def _do_add_node(self, do: dict[str, Any], now: Instant) -> None:
        self._nodes.add(do["node"], now)

    def _do_remove_node(self, do: dict[str, Any], now: Instant) -> None:
        self._nodes.remove(do["node"])
        self._api.delete(Key(*NODE, "", do["node"]), DeleteOptions(), now)

    def _do_stop_node(self, do: dict[str, Any], now: Instant) -> None:
        self._nodes.stop(do["node"])

    def _do_start_node(self, do: dict[str, Any], now: Instant) -> None:
        self._nodes.start(do["node"], now)

    def _do_node_ready(self, do: dict[str, Any], now: Instant) -> None:
        self._nodes.ready(do["node"], do["ready"], now)

    def _do_drain(self, do: dict[str, Any], now: Instant) -> None:
        self._api.patch(Key(*NODE, "", do["node"]), {"spec": {"unschedulable": True}}, now)
        pods = [pod for pod in self._api.store.on_node(do["node"]) if _is_drained(pod)]
        for pod in pods:
            self._drain_pod(pod, now)

    def _drain_pod(self, pod: Manifest, now: Instant) -> None:
        live = self._api.store.get(key_of(pod))
        if live is None or uid_of(live) != uid_of(pod):
            return
        try:
            self._api.evict(key_of(pod), now)
        except Failure as failure:
            if failure.code == 429:
                self._schedule(later(now, DRAIN_RETRY_SECONDS), lambda at: self._drain_pod(pod, at))

    def _pod(self, alias: str) -> Manifest:
        if alias.endswith("/*"):
            return self._oldest_ready(alias.removesuffix("/*"))
        key = Key(*POD, NAMESPACE, self.timeline.aliases.real("Pod", alias))
        pod = self._api.store.get(key)
        assert pod is not None, f"{alias} ({key.name}) is not there"
        return pod

    def _oldest_ready(self, owner: str) -> Manifest:
        aliases = self.timeline.aliases
        ready = [
            pod
            for pod in self._api.store.list(POD, NAMESPACE)
            if is_true(pod, "Ready") and not is_deleting(pod)
            and (reference := controller_of(pod)) is not None
            and aliases.by_uid.get(reference["uid"]) == owner
        ]  # fmt: skip
        return min(ready, key=lambda pod: int(aliases.learn(pod).rpartition("/")[2]))


def _is_drained(pod: Manifest) -> bool:
    owner = controller_of(pod)
    if owner is not None and owner["kind"] == "DaemonSet":
        return False
    return get_in(pod, "metadata", "annotations", "kubernetes.io/config.mirror") is None


def _answer(failure: Failure) -> dict[str, Any]:
    return {
        "code": failure.code,
        "reason": None if failure.code == 500 else failure.reason,
        "message": failure.message.removeprefix("Internal error occurred: "),
        "causes": [cause.get("message", "") for cause in failure.causes],
    }
