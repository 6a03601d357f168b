"""The cells of a pod: how many containers are ready, its state, how often it restarted."""

from typing import Any

from kiban.kube.objects import Manifest, is_deleting, is_true
from kiban.kube.printing.durations import age, human_duration
from kiban.primitives.instants import Instant, parse_rfc3339, seconds_between

Value = dict[str, Any]
NONE = "<none>"


def pod_cells(pod: Manifest, now: Instant) -> list[Any]:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    ready, total = ready_containers(pod)
    return [
        pod["metadata"]["name"],
        f"{ready}/{total}",
        pod_state(pod),
        _restarts(pod, now),
        age(pod["metadata"].get("creationTimestamp"), now),
        _address(status),
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _gates(pod),
    ]


def _address(status: Value) -> str:
    addresses = status.get("podIPs") or []
    return (addresses[0].get("ip") if addresses else status.get("podIP")) or NONE


def _sidecars(spec: Value) -> frozenset[str]:
    if not spec.get("initContainers"):
        return _NONE_OF_THEM
    return frozenset(
        container["name"]
        for container in spec.get("initContainers") or ()
        if container.get("restartPolicy") == "Always"
    )


_NONE_OF_THEM: frozenset[str] = frozenset()


def ready_containers(pod: Manifest) -> tuple[int, int]:
    """Ready and all containers; sidecars count among both."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    sidecars = _sidecars(spec)
    ready = 0
    for entry in status.get("containerStatuses") or ():
        if entry.get("ready") and "running" in (entry.get("state") or {}):
            ready += 1
    for entry in status.get("initContainerStatuses") or ():
        if entry.get("name") in sidecars and entry.get("started") and entry.get("ready"):
            ready += 1
    return ready, len(spec.get("containers") or ()) + len(sidecars)


def pod_state(pod: Manifest) -> str:
    """The Status column: a reason where there is one, else the phase."""
    status = pod.get("status") or {}
    state = status.get("reason") or status.get("phase") or ""
    if _is_gated(status):
        state = "SchedulingGated"
    starting = _starting(pod)
    if starting and not is_true(pod, "Initialized"):
        state = starting
    else:
        state = _running(pod, starting or state)
    if not is_deleting(pod):
        return str(state)
    if status.get("reason") == "NodeLost":
        return "Unknown"
    return str(state) if status.get("phase") in ("Succeeded", "Failed") else "Terminating"


def _is_gated(status: Value) -> bool:
    for entry in status.get("conditions") or ():
        if entry.get("type") == "PodScheduled":
            return bool(entry.get("reason") == "SchedulingGated")
    return False


def _starting(pod: Manifest) -> str:
    """What the first unfinished init container is doing; empty when all have finished."""
    spec, statuses = pod.get("spec") or {}, (pod.get("status") or {}).get("initContainerStatuses")
    if not statuses:
        return ""
    sidecars = _sidecars(spec)
    for index, entry in enumerate(statuses):
        state = entry.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if ended is not None and ended.get("exitCode", 0) == 0:
            continue
        if entry.get("name") in sidecars and entry.get("started"):
            continue
        if ended is not None:
            return f"Init:{_ending(ended)}"
        if waiting.get("reason") and waiting["reason"] != "PodInitializing":
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{len(spec.get('initContainers') or ())}"
    return ""


def _ending(ended: Value) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    if ended.get("signal"):
        return f"Signal:{ended['signal']}"
    return f"ExitCode:{ended.get('exitCode', 0)}"


def _running(pod: Manifest, state: str) -> str:
    has_running = False
    for entry in reversed((pod.get("status") or {}).get("containerStatuses") or ()):
        now = entry.get("state") or {}
        waiting, ended = now.get("waiting") or {}, now.get("terminated")
        if waiting.get("reason"):
            state = waiting["reason"]
        elif ended is not None:
            state = _ending(ended)
        elif entry.get("ready") and "running" in now:
            has_running = True
    if state == "Completed" and has_running:
        return "Running" if is_true(pod, "Ready") else "NotReady"
    return state


def _restarts(pod: Manifest, now: Instant) -> str:
    """`5`, or `5 (3m ago)` when it is known when the last one ended."""
    status = pod.get("status") or {}
    counted = status.get("containerStatuses") or []
    starting = status.get("initContainerStatuses")
    if starting and _starting(pod) and not is_true(pod, "Initialized"):
        counted = starting
    elif starting:
        sidecars = _sidecars(pod.get("spec") or {})
        counted = [*counted, *(entry for entry in starting if entry.get("name") in sidecars)]
    total = sum([entry.get("restartCount", 0) for entry in counted])
    if not total:
        return "0"
    ends = [
        parse_rfc3339(ended)
        for entry in counted
        if (ended := ((entry.get("lastState") or {}).get("terminated") or {}).get("finishedAt"))
    ]
    if not ends:
        return str(total)
    return f"{total} ({human_duration(seconds_between(max(ends), now))} ago)"


def _gates(pod: Manifest) -> str:
    gates = (pod.get("spec") or {}).get("readinessGates") or []
    if not gates:
        return NONE
    passed = sum(1 for gate in gates if is_true(pod, gate.get("conditionType", "")))
    return f"{passed}/{len(gates)}"
