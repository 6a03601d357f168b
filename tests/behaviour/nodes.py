"""The modelled nodes of the recordings: pods start, turn ready, end and stop after fixed times.

They are the rehearsal's machines; the delays and annotations are those of the recordings' README.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kiban.kube.objects import Manifest, annotations_of, get_in, is_deleting
from kiban.primitives.instants import Instant, later
from kiban.rehearsal.machines import Farewell, Life, Machines
from kiban.rehearsal.machines.pods import ModelledPod

JOB_READY_SECONDS = 0.3
# In the recordings a pod is Running this much after its delay: the way to the node and back.
SEEN_AFTER_SECONDS = 0.1


@dataclass(frozen=True)
class Delays:
    start: float = 1.2
    ready: float = 2.2
    ready_gap: float = 1.0
    stop: float = 1.7


class RecordedConduct:
    """The `Conduct` that annotations describe."""

    def __init__(self, delays: Delays) -> None:
        self._delays = delays
        self._starts: dict[tuple[str, str], int] = {}

    def images(self, pod: Manifest) -> Mapping[str, int]:
        return {}

    def creation(self, pod: Manifest) -> float:
        return self._delays.start + SEEN_AFTER_SECONDS

    def life(self, pod: Manifest, attempt: int) -> Life:
        code = self._exit_code(pod)
        if annotations_of(pod).get("behaviour.test/never-ready") == "true":
            return Life(None)
        seconds = _run_seconds(pod)
        if seconds is None:
            return Life(self._delays.ready)
        reason = "Error" if code else "Completed"
        return Life(JOB_READY_SECONDS, JOB_READY_SECONDS + seconds, code, reason)

    def farewell(self, pod: Manifest, grace: float) -> Farewell:
        wanted = float(annotations_of(pod).get("behaviour.test/stop", self._delays.stop))
        return Farewell(0.0, min(grace, wanted))

    def _exit_code(self, pod: Manifest) -> int:
        """Count the starts of a job's pods, because the exit code depends on it."""
        table = annotations_of(pod).get("behaviour.test/exits")
        if table is None:
            return 0
        exits: dict[str, list[int]] = json.loads(table)
        index = _index(pod)
        column = index if index in exits else "*"
        owner = pod["metadata"]["ownerReferences"][0]["uid"]
        number = self._starts.get((owner, column), 0)
        self._starts[owner, column] = number + 1
        codes = exits.get(column, [0])
        return codes[min(number, len(codes) - 1)]


class RecordedMachines(Machines):
    """The recorder's nodes let pods turn ready one after the other, and restart none."""

    def __init__(self, delays: Delays, fell_silent: Any) -> None:
        super().__init__(RecordedConduct(delays), None, fell_silent, writes_all_steps=True)
        self._gap = delays.ready_gap
        self._last_ready: Instant | None = None

    def _turn_ready(self, pod: ModelledPod, live: Manifest, now: Instant) -> None:
        is_up = pod.is_running and not is_deleting(live)
        if is_up and _run_seconds(live) is None:
            if self._last_ready is not None and now < later(self._last_ready, self._gap):
                self._after(pod, later(self._last_ready, self._gap), self._turn_ready)
                return
            self._last_ready = now
        super()._turn_ready(pod, live, now)

    def _end(self, pod: ModelledPod, live: Manifest, now: Instant) -> None:
        life = pod.life
        assert life is not None, "only what runs ends"
        if not pod.is_stopping and get_in(live, "status", "phase") not in ("Succeeded", "Failed"):
            pod.is_running = pod.is_ready = False
            self._finish(pod, live, now, life.exit_code, life.end_reason)


def _index(pod: Manifest) -> str:
    return annotations_of(pod).get("batch.kubernetes.io/job-completion-index", "")


def _run_seconds(pod: Manifest) -> float | None:
    annotations = annotations_of(pod)
    runs = json.loads(annotations.get("behaviour.test/runs", "{}"))
    if _index(pod) in runs:
        return float(runs[_index(pod)])
    seconds = annotations.get("behaviour.test/run")
    return float(seconds) if seconds is not None else None


def node_manifest(node: dict[str, Any]) -> Manifest:
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
        "status": {"capacity": capacity, "allocatable": capacity},
    }
