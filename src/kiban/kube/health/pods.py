"""The health of a pod, and what is wrong with one that does not start: image, configuration,
crash, memory, scheduling or probe, each with what to look at."""

from typing import Any

from kiban.kube.health.verdicts import Health, degraded, healthy, progressing
from kiban.kube.objects import Manifest, condition_of, get_in, is_true

Value = dict[str, Any]

_IMAGE = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName",
          "ImageInspectError", "RegistryUnavailable")  # fmt: skip
_CONFIGURATION = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
_HINTS = {
    "image": "check that the image and its tag exist and that the node may pull them",
    "configuration": "check the secrets and config maps that the container refers to",
    "crash": "read the logs of the previous run",
    "memory": "raise the memory limit or find the leak",
}


def pod_health(pod: Manifest) -> Health:
    """A pod that ought to run is healthy when ready; one that ought to end, when it succeeded."""
    status = pod.get("status") or {}
    phase = status.get("phase", "")
    if phase == "Succeeded":
        return healthy("Completed")
    if phase == "Failed":
        return degraded(status.get("reason") or "Failed", _failure(pod))
    fault = starting_fault(pod)
    if fault is not None:
        return fault
    if phase == "Running":
        return _running(pod)
    return _pending(pod)


def starting_fault(pod: Manifest) -> Health | None:
    """Why a container of the pod does not start or stay, if that is so."""
    for entry in _statuses(pod):
        waiting = get_in(entry, "state", "waiting", default={})
        reason = waiting.get("reason", "")
        if reason in _IMAGE:
            return _fault(entry, reason, waiting.get("message", ""), "image")
        if reason in _CONFIGURATION:
            return _fault(entry, reason, waiting.get("message", ""), "configuration")
        last = get_in(entry, "lastState", "terminated", default={})
        if last.get("reason") == "OOMKilled" and (reason or not entry.get("ready")):
            return _fault(entry, "OOMKilled", "killed for using too much memory", "memory")
        if reason.endswith(("BackOff", "Error")) or reason.startswith("Err"):
            return _fault(entry, reason, _last_words(last, waiting), "crash")
    return None


def _statuses(pod: Manifest) -> list[Value]:
    status = pod.get("status") or {}
    return [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]


def _fault(entry: Value, reason: str, what: str, kind: str) -> Health:
    text = f"container {entry.get('name')}: {what or reason}; {_HINTS[kind]}"
    return degraded(reason, text)


def _last_words(last: Value, waiting: Value) -> str:
    if not last:
        return str(waiting.get("message", ""))
    code = f"exited with code {last.get('exitCode', 0)}"
    return f"{code} ({last['message'].strip()})" if last.get("message") else code


def _failure(pod: Manifest) -> str:
    status = pod.get("status") or {}
    if status.get("message"):
        return str(status["message"])
    for entry in _statuses(pod):
        ended = get_in(entry, "state", "terminated", default={})
        if ended.get("reason") == "OOMKilled":
            return f"container {entry.get('name')} was killed for using too much memory"
        if ended.get("exitCode"):
            return f"container {entry.get('name')} exited with code {ended['exitCode']}"
    return "the pod failed"


def _running(pod: Manifest) -> Health:
    if get_in(pod, "spec", "restartPolicy", default="Always") != "Always":
        return progressing("Running", "running to completion")
    if is_true(pod, "Ready"):
        return healthy()
    waiting = [
        str(entry.get("name"))
        for entry in (pod.get("status") or {}).get("containerStatuses") or ()
        if not entry.get("ready")
    ]
    text = f"waiting for the readiness probe of {', '.join(waiting)}" if waiting else "not ready"
    return progressing("NotReady", text)


def _pending(pod: Manifest) -> Health:
    scheduled = condition_of(pod, "PodScheduled")
    if scheduled is not None and scheduled.get("status") == "False":
        reason = scheduled.get("reason") or "Unschedulable"
        text = scheduled.get("message") or "no node fits the pod"
        if reason == "SchedulingGated":
            return progressing(reason, text)
        return progressing("Unschedulable", text)
    return progressing("Pending", "waiting for the pod to start")
