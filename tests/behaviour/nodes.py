"""The modelled nodes of the recordings: pods start, turn ready, end and stop after fixed times.

The delays and annotations are those of the recordings' README.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kiban.kube.objects import (
    LEASE,
    NODE,
    POD,
    Key,
    Manifest,
    annotations_of,
    get_in,
    is_deleting,
    is_true,
)
from kiban.primitives.instants import Instant, later, rfc3339, rfc3339_micro

LEASE_SECONDS = 10
JOB_READY_SECONDS = 0.3
# In the recordings a pod is Running this much after its delay: the way to the node and back.
SEEN_AFTER_SECONDS = 0.1
STATUS_SECONDS = 300
Schedule = Callable[[Instant, Callable[[Instant], None]], None]


@dataclass(frozen=True)
class Delays:
    start: float = 1.2
    ready: float = 2.2
    ready_gap: float = 1.0
    stop: float = 1.7


@dataclass
class _Machine:
    name: str
    alive: bool = True
    waiting: list[Callable[[Instant], None]] = field(default_factory=list)


class Nodes:
    """All nodes of a scenario. `api` carries out what a kubelet asks of the API server."""

    def __init__(self, api: Any, delays: Delays, schedule: Schedule) -> None:
        self._api = api
        self._delays = delays
        self._schedule = schedule
        self._machines: dict[str, _Machine] = {}
        self._last_ready: Instant | None = None
        self._started: dict[str, None] = {}
        self._stopping: dict[str, None] = {}
        self._starts: dict[tuple[str, str], int] = {}
        self._exit_codes: dict[str, int] = {}

    # Nodes

    def add(self, node: dict[str, Any], now: Instant) -> None:
        """A node registers; it is Ready at once."""
        name = node["name"]
        self._machines[name] = _Machine(name)
        self._api.create(node_manifest(node, now), now)
        self._lease(name, now)

    def stop(self, name: str) -> None:
        self._machines[name].alive = False

    def start(self, name: str, now: Instant) -> None:
        machine = self._machines[name]
        machine.alive = True
        self._report_node(name, now)
        waiting, machine.waiting = machine.waiting, []
        for act in waiting:
            act(now)
        self._schedule(later(now, 1.0), lambda at: self._ready_again(name, at))

    def _ready_again(self, name: str, now: Instant) -> None:
        for pod in self._api.store.on_node(name):
            runs = get_in(pod, "status", "phase") == "Running" and not is_deleting(pod)
            if runs and not is_true(pod, "Ready") and _may_be_ready(pod):
                self._status(pod, now, {}, ready=True)

    def ready(self, name: str, ready: bool, now: Instant) -> None:
        """The node reports that condition."""
        self._report_node(name, now, ready=ready)

    def remove(self, name: str) -> None:
        self._machines.pop(name, None)

    def _lease(self, name: str, now: Instant) -> None:
        machine = self._machines.get(name)
        if machine is None:
            return
        if machine.alive:
            self._renew(name, now)
        self._schedule(later(now, LEASE_SECONDS), lambda at: self._lease(name, at))

    def _renew(self, name: str, now: Instant) -> None:
        key = Key(*LEASE, "kube-node-lease", name)
        if self._api.store.get(Key(*NODE, "", name)) is None:
            return
        if self._api.store.get(key) is None:
            lease = {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": name, "namespace": "kube-node-lease"},
                "spec": {
                    "holderIdentity": name,
                    "leaseDurationSeconds": 40,
                    "renewTime": rfc3339_micro(now),
                },
            }
            self._api.create(lease, now)
        else:
            self._api.patch(key, {"spec": {"renewTime": rfc3339_micro(now)}}, now)

    def _report_node(self, name: str, now: Instant, *, ready: bool = True) -> None:
        key = Key(*NODE, "", name)
        live = self._api.store.get(key)
        if live is None:
            return
        self._renew(name, now)
        condition = ready_condition(now, ready=ready)
        others = [
            entry
            for entry in get_in(live, "status", "conditions", default=[])
            if entry["type"] != "Ready"
        ]
        self._api.patch(key, {"status": {"conditions": [*others, condition]}}, now, "status")

    # Pods

    def observe(self, before: Manifest | None, after: Manifest | None, now: Instant) -> None:
        """See a pod's write: start what was bound here, stop what was asked to go."""
        if after is None:
            return
        name = get_in(after, "spec", "nodeName")
        uid = after["metadata"]["uid"]
        if not name or name not in self._machines:
            return
        if uid not in self._started:
            self._started[uid] = None
            self._on(name, now, lambda at: self._accept(after, at))
        if "deletionTimestamp" in after["metadata"] and uid not in self._stopping:
            self._stopping[uid] = None
            self._on(name, now, lambda at: self._stop(after, at))

    def _on(self, node: str, now: Instant, act: Callable[[Instant], None]) -> None:
        """Do something on a node, or when it is back."""
        machine = self._machines.get(node)
        if machine is None:
            return
        if machine.alive:
            act(now)
        else:
            machine.waiting.append(act)

    def _after(self, pod: Manifest, at: Instant, act: Callable[[Manifest, Instant], None]) -> None:
        """Do something with a pod at an instant, if it is still there and its node alive."""
        node = pod["spec"]["nodeName"]

        def run(now: Instant) -> None:
            live = self._live(pod)
            if live is not None:
                act(live, now)

        self._schedule(at, lambda now: self._on(node, now, run))

    def _live(self, pod: Manifest) -> Manifest | None:
        metadata = pod["metadata"]
        live = self._api.store.get(Key(*POD, metadata["namespace"], metadata["name"]))
        if live is None or live["metadata"]["uid"] != metadata["uid"]:
            return None
        found: Manifest = live
        return found

    def _accept(self, pod: Manifest, now: Instant) -> None:
        live = self._live(pod)
        if live is None or "deletionTimestamp" in live["metadata"]:
            return
        self._status(live, now, {"startTime": rfc3339(now)}, ready=False)
        self._after(live, later(now, self._delays.start + SEEN_AFTER_SECONDS), self._run)

    def _run(self, pod: Manifest, now: Instant) -> None:
        if "deletionTimestamp" in pod["metadata"]:
            return
        self._note_start(pod)
        running = {"state": {"running": {"startedAt": rfc3339(now)}}, "ready": False}
        self._status(
            pod, now, {"phase": "Running", "containerStatuses": _containers(pod, running)},
            ready=False,
        )  # fmt: skip
        if not _may_be_ready(pod):
            return
        if _run_seconds(pod) is not None:
            self._after(pod, later(now, JOB_READY_SECONDS), self._ready_to_end)
        else:
            self._after(pod, later(now, self._delays.ready), self._turn_ready)

    def _turn_ready(self, pod: Manifest, now: Instant) -> None:
        if "deletionTimestamp" in pod["metadata"] or get_in(pod, "status", "phase") != "Running":
            return
        if self._last_ready is not None:
            free = later(self._last_ready, self._delays.ready_gap)
            if now < free:
                self._after(pod, free, self._turn_ready)
                return
        self._last_ready = now
        self._become_ready(pod, now)

    def _become_ready(self, pod: Manifest, now: Instant) -> None:
        running = {"state": {"running": {"startedAt": rfc3339(now)}}, "ready": True}
        self._status(pod, now, {"containerStatuses": _containers(pod, running)}, ready=True)

    def _ready_to_end(self, pod: Manifest, now: Instant) -> None:
        if "deletionTimestamp" in pod["metadata"]:
            return
        self._become_ready(pod, now)
        seconds = _run_seconds(pod)
        assert seconds is not None
        self._after(pod, later(now, seconds), self._end)

    def _end(self, pod: Manifest, now: Instant) -> None:
        if "deletionTimestamp" in pod["metadata"] or _is_over(pod):
            return
        self._finish(pod, now, self._exit_codes.get(pod["metadata"]["uid"], 0))

    def _note_start(self, pod: Manifest) -> None:
        """Count the starts of a job's pods, because the exit code depends on it."""
        table = annotations_of(pod).get("behaviour.test/exits")
        if table is None:
            return
        exits: dict[str, list[int]] = json.loads(table)
        index = _index(pod)
        column = index if index in exits else "*"
        owner = pod["metadata"]["ownerReferences"][0]["uid"]
        number = self._starts.get((owner, column), 0)
        self._starts[owner, column] = number + 1
        codes = exits.get(column, [0])
        self._exit_codes[pod["metadata"]["uid"]] = codes[min(number, len(codes) - 1)]

    def _finish(self, pod: Manifest, now: Instant, code: int) -> None:
        ended = {
            "exitCode": code,
            "reason": "Completed" if code == 0 else "Error",
            "finishedAt": rfc3339(now),
        }
        state = {"state": {"terminated": ended}, "ready": False}
        phase = "Succeeded" if code == 0 else "Failed"
        status = {"phase": phase, "containerStatuses": _containers(pod, state)}
        self._status(pod, now, status, ready=False)

    def _stop(self, pod: Manifest, now: Instant) -> None:
        grace = float(pod["metadata"].get("deletionGracePeriodSeconds", 0))
        wanted = float(annotations_of(pod).get("behaviour.test/stop", self._delays.stop))
        live = self._live(pod)
        if live is None:
            return
        if _is_over(live):
            self._remove(live, now)
        else:
            self._after(live, later(now, min(grace, wanted)), self._stopped)

    def _stopped(self, pod: Manifest, now: Instant) -> None:
        if not _is_over(pod):
            always = pod["spec"].get("restartPolicy", "Always") == "Always"
            self._finish(pod, now, 0 if always else 143)
        live = self._live(pod)
        if live is not None:
            self._remove(live, now)

    def _remove(self, pod: Manifest, now: Instant) -> None:
        self._api.delete_now(pod, now)

    def report_ready(self, pod: Manifest, ready: bool, now: Instant) -> None:
        """The node reports that readiness, as after a failed probe."""
        self._status(pod, now, {}, ready=ready)

    def _status(self, pod: Manifest, now: Instant, fields: dict[str, Any], *, ready: bool) -> None:
        live = self._live(pod)
        if live is None:
            return
        conditions = list(get_in(live, "status", "conditions", default=[]))
        for type_ in ("Initialized", "ContainersReady", "Ready"):
            status = "True" if type_ == "Initialized" or ready else "False"
            conditions = _with(conditions, type_, status, now)
        key = Key(*POD, live["metadata"]["namespace"], live["metadata"]["name"])
        self._api.patch(key, {"status": {**fields, "conditions": conditions}}, now, "status")


def _with(
    conditions: list[dict[str, Any]], type_: str, status: str, now: Instant
) -> list[dict[str, Any]]:
    for entry in conditions:
        if entry["type"] == type_ and entry["status"] == status:
            return conditions
    others = [entry for entry in conditions if entry["type"] != type_]
    return [*others, {"type": type_, "status": status, "lastTransitionTime": rfc3339(now)}]


def _containers(pod: Manifest, fields: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "restartCount": 0,
            **fields,
        }
        for container in pod["spec"]["containers"]
    ]


def _may_be_ready(pod: Manifest) -> bool:
    return annotations_of(pod).get("behaviour.test/never-ready") != "true"


def _is_over(pod: Manifest) -> bool:
    return get_in(pod, "status", "phase") in ("Succeeded", "Failed")


def _index(pod: Manifest) -> str:
    return annotations_of(pod).get("batch.kubernetes.io/job-completion-index", "")


def _run_seconds(pod: Manifest) -> float | None:
    annotations = annotations_of(pod)
    runs = json.loads(annotations.get("behaviour.test/runs", "{}"))
    if _index(pod) in runs:
        return float(runs[_index(pod)])
    seconds = annotations.get("behaviour.test/run")
    return float(seconds) if seconds is not None else None


def ready_condition(now: Instant, *, ready: bool = True) -> dict[str, Any]:
    """What a kubelet says of itself."""
    return {
        "type": "Ready",
        "status": "True" if ready else "False",
        "reason": "KubeletReady" if ready else "KubeletNotReady",
        "message": "kubelet is posting ready status" if ready else "kubelet is not ready",
        "lastHeartbeatTime": rfc3339(now),
        "lastTransitionTime": rfc3339(now),
    }


def node_manifest(node: dict[str, Any], now: Instant) -> Manifest:
    """A node as it registers."""
    labels = {
        "kubernetes.io/hostname": node["name"],
        "topology.kubernetes.io/zone": node["zone"],
        "topology.kubernetes.io/region": "test-1",
        "node.kubernetes.io/instance-type": node.get("type", "m.xlarge"),
        "karpenter.sh/capacity-type": node.get("capacity_type", "on-demand"),
        **node.get("labels", {}),
    }
    capacity = {
        "cpu": str(node.get("cpu", "4")),
        "memory": str(node.get("memory", "16Gi")),
        "pods": str(node.get("pods", "58")),
    }
    spec = {"taints": node["taints"]} if node.get("taints") else {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node["name"], "labels": labels},
        "spec": spec,
        "status": {
            "capacity": capacity,
            "allocatable": capacity,
            "conditions": [ready_condition(now)],
        },
    }
