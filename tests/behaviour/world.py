"""A recorded scenario played again: the real cluster on a virtual clock, with modelled nodes."""

from collections.abc import Callable, Sequence
from typing import Any

from metrics import RecordedMetrics
from names import Manifest
from nodes import Delays, RecordedMachines, node_manifest
from timeline import NAMESPACE, Timeline

from kiban.cluster.api.calls import DeleteOptions
from kiban.cluster.api.failures import Failure
from kiban.cluster.cluster import assembled
from kiban.cluster.controllers.catalog import controllers
from kiban.cluster.controllers.node_lifecycle import MONITOR, NodeLifecycleController
from kiban.cluster.history import Write
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
from kiban.reconcile.loop import Task
from kiban.reconcile.trace import Trace
from kiban.rehearsal.driver import VirtualDriver
from kiban.rehearsal.requests import Requests

# Nodes are ready and the namespace is there before second 0.
WARM_UP_SECONDS = 30
START = parse_rfc3339("2026-01-15T10:00:00Z")
DRAIN_RETRY_SECONDS = 5.0
# Reconciles in the time that a client needs to create the next manifest.
STEPS_BETWEEN_REQUESTS = 2
Act = Callable[[Instant], None]


class World:
    """One scenario under way."""

    def __init__(self, case: dict[str, Any], seed: int = 1) -> None:
        self._case = case
        self.timeline = Timeline()
        self.zero = later(START, float(case.get("second_of_minute", 0)))
        metrics = RecordedMetrics(
            case["setup"].get("metrics"), self.zero, self.timeline.aliases.learn
        )
        kubelet = case["setup"].get("kubelet") or {}
        self._nodes = RecordedMachines(Delays(**kubelet), self._node_fell_silent)
        self._cluster = assembled(
            seed,
            controllers(metrics=metrics, heartbeats=self._nodes.heartbeats),
            trace=Trace(),
            tracks_ownership=False,
        )
        self._api = Requests(self._cluster.registry, namespace=NAMESPACE)
        start = later(self.zero, -WARM_UP_SECONDS)
        # One reconcile at a time, so that every state that others could see is recorded.
        self._driver = VirtualDriver(self._cluster, start, reconciles_a_step=1)
        self._driver.watch(self._see)
        self._nodes.attach(self._api, self._driver.at)
        self._recording = False

    def play(self) -> list[dict[str, Any]]:
        """The timeline of the whole scenario."""
        self._prepare()
        for action in self._case["actions"]:
            self._driver.at(later(self.zero, action["at"]), self._acting(action["do"]))
        # What begins in the last instant was seen a moment later, after the recording.
        self._driver.run_until(later(self.zero, self._case["duration"] - 0.001))
        return self.timeline.facts

    def _prepare(self) -> None:
        now = self._driver.now
        self._cluster.bootstrap(now)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        self._api.create(namespace, now)
        for node in self._case["setup"]["nodes"]:
            self._nodes.add(node_manifest(node), now)
        self._driver.run_until(later(self.zero, -0.001))
        self._recording = True
        self._driver.at(self.zero, self._create_manifests)

    def _create_manifests(self, now: Instant) -> None:
        for manifest in self._case["setup"]["manifests"]:
            self._api.create(manifest, now)
            # Whoever creates them does not wait: the controllers get a little done in between.
            self._driver.settle(at_most=STEPS_BETWEEN_REQUESTS)

    # What is seen

    def _see(self, write: Write, now: Instant) -> None:
        """Show what was written to the recording and to the nodes."""
        before = write.before.object if write.before else None
        after = write.after.object if write.after else None
        if self._recording:
            self.timeline.write(seconds_between(self.zero, now), before, after)
        if write.key.group_kind == POD:
            self._nodes.observe(before, after, now)
        elif write.key.group_kind == NODE and after is None:
            self._nodes.heartbeats.forget(write.key.name)

    def _node_fell_silent(self, now: Instant) -> None:
        self._cluster.loop.wake(Task(NodeLifecycleController.name, MONITOR), now)

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
            now,
            DeleteOptions(
                grace_seconds=options.get("gracePeriodSeconds"),
                propagation=options.get("propagationPolicy", ""),
                orphan_dependents=options.get("orphanDependents"),
            ),
        )
        return 200

    def _do_evict(self, do: dict[str, Any], now: Instant) -> dict[str, Any]:
        self._api.evict(key_of(self._pod(do["pod"])), now)
        return {"code": 201}

    def _do_pod_ready(self, do: dict[str, Any], now: Instant) -> None:
        self._nodes.report_ready(self._pod(do["pod"]), do["ready"], now)

    def _do_add_node(self, do: dict[str, Any], now: Instant) -> None:
        self._nodes.add(node_manifest(do["node"]), now)

    def _do_remove_node(self, do: dict[str, Any], now: Instant) -> None:
        self._nodes.remove(do["node"], now)

    def _do_stop_node(self, do: dict[str, Any], now: Instant) -> None:
        self._nodes.stop(do["node"], now)

    def _do_start_node(self, do: dict[str, Any], now: Instant) -> None:
        self._nodes.start(do["node"], now)

    def _do_node_ready(self, do: dict[str, Any], now: Instant) -> None:
        self._nodes.report_node(do["node"], do["ready"], now)

    def _do_drain(self, do: dict[str, Any], now: Instant) -> None:
        self._api.patch(Key(*NODE, "", do["node"]), {"spec": {"unschedulable": True}}, now)
        pods = self._api.store.on_node(do["node"])
        if all(_may_be_drained(pod, do.get("flags") or ()) for pod in pods):
            for pod in pods:
                if _is_drained(pod):
                    self._drain_pod(pod, now)

    def _drain_pod(self, pod: Manifest, now: Instant) -> None:
        live = self._api.store.get(key_of(pod))
        if live is None or uid_of(live) != uid_of(pod):
            return
        try:
            self._api.evict(key_of(pod), now)
        except Failure as failure:
            if failure.code == 429:
                again = later(now, DRAIN_RETRY_SECONDS)
                self._driver.at(again, lambda at: self._drain_pod(pod, at))

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


def _is_daemon(pod: Manifest) -> bool:
    owner = controller_of(pod)
    return owner is not None and owner["kind"] == "DaemonSet"


def _is_drained(pod: Manifest) -> bool:
    mirrored = get_in(pod, "metadata", "annotations", "kubernetes.io/config.mirror")
    return not _is_daemon(pod) and mirrored is None


def _may_be_drained(pod: Manifest, flags: Sequence[str]) -> bool:
    """Whether kubectl goes on with a drain in spite of the pod: else it evicts none."""
    if get_in(pod, "status", "phase") in ("Succeeded", "Failed"):
        return True
    if _is_daemon(pod):
        return "--ignore-daemonsets" in flags
    holds_data = any("emptyDir" in volume for volume in pod["spec"].get("volumes") or ())
    if holds_data and "--delete-emptydir-data" not in flags:
        return False
    return controller_of(pod) is not None or "--force" in flags


def _answer(failure: Failure) -> dict[str, Any]:
    return {
        "code": failure.code,
        "reason": None if failure.code == 500 else failure.reason,
        "message": failure.message.removeprefix("Internal error occurred: "),
        "causes": [cause.get("message", "") for cause in failure.causes],
    }
