"""The containers of a pod that the kubelet meets for the first time: new, or found after a restart.

After a restart no process is left, as after a node's reboot: what ran starts again with one more
restart, unless the pod must never be restarted; what had ended stays ended. Init containers run
again, because the pod's environment is new.
"""

from collections.abc import Iterator
from typing import Any

from kiban.cluster.kubelet.container import Container, Ended, Role, Stage
from kiban.kube.objects import Manifest, get_in
from kiban.primitives.instants import Instant, parse_rfc3339

# What the kubelet reports for containers that vanished (pkg/kubelet/kubelet_pods.go).
LOST_EXIT_CODE = 137
LOST_REASON = "ContainerStatusUnknown"
LOST_MESSAGE = "The container could not be located when the pod was terminated"


def containers_of(pod: Manifest, now: Instant) -> list[Container]:
    """Init containers first, then the others, each as its status says it was."""
    statuses = {
        status["name"]: status
        for field in ("initContainerStatuses", "containerStatuses")
        for status in get_in(pod, "status", field, default=[])
    }
    policy = get_in(pod, "spec", "restartPolicy", default="Always")
    found = []
    for role, spec in _specs(pod):
        container = Container(pod["metadata"]["uid"], spec["name"], spec, role)
        if status := statuses.get(spec["name"]):
            _resume(container, status, policy, now)
        found.append(container)
    return found


def _specs(pod: Manifest) -> Iterator[tuple[Role, dict[str, Any]]]:
    for spec in get_in(pod, "spec", "initContainers", default=[]):
        yield ("sidecar" if spec.get("restartPolicy") == "Always" else "init"), spec
    for spec in get_in(pod, "spec", "containers", default=[]):
        yield "main", spec


def _resume(container: Container, status: dict[str, Any], policy: str, now: Instant) -> None:
    attempt = int(status.get("restartCount") or 0)
    running = get_in(status, "state", "running")
    terminated = get_in(status, "state", "terminated") or get_in(status, "lastState", "terminated")
    if running is None and terminated is None:
        return
    container.attempt = attempt
    if running is not None:
        started_at = _instant(running.get("startedAt"))
        lost = LOST_EXIT_CODE, started_at, now, 0, LOST_REASON, LOST_MESSAGE
        container.exited(Ended(attempt, *lost))
    else:
        assert terminated is not None
        container.exited(_ended(attempt, terminated, now))
    container.image_id = status.get("imageID") or ""
    again = container.role != "main" or running is not None or _restarts(policy, container)
    if again and (policy != "Never" or container.role == "init"):
        container.next_attempt()
    if container.stage is Stage.WAITING:
        container.waiting_reason = "ContainerCreating"


def _restarts(policy: str, container: Container) -> bool:
    return policy == "Always" or (policy == "OnFailure" and not container.has_succeeded)


def _ended(attempt: int, terminated: dict[str, Any], now: Instant) -> Ended:
    return Ended(
        attempt=attempt,
        exit_code=int(terminated.get("exitCode") or 0),
        started_at=_instant(terminated.get("startedAt")),
        finished_at=_instant(terminated.get("finishedAt")) or now,
        signal=int(terminated.get("signal") or 0),
        reason=terminated.get("reason") or "",
        message=terminated.get("message") or "",
    )


def _instant(text: str | None) -> Instant | None:
    return parse_rfc3339(text) if text else None
