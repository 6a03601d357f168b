"""The containers of a pod that the kubelet meets for the first time: new, or found after a restart.

After a restart no process is left, as after a node's reboot: what ran starts again with one more
restart, unless the pod must never be restarted; what had ended stays ended. Init containers run
again, because the pod's environment is new.
"""

from collections.abc import Iterator
from typing import Any

from kiban.cluster.kubelet.container import Container, Ended, Role, Stage
from kiban.cluster.kubelet.status import OVER
from kiban.kube.objects import Manifest, get_in
from kiban.primitives.instants import Instant, parse_rfc3339

# What the kubelet reports for containers that vanished (pkg/kubelet/kubelet_pods.go).
LOST_EXIT_CODE = 137
LOST_REASON = "ContainerStatusUnknown"
LOST_MESSAGE = "The container could not be located when the pod was terminated"


STATUS_FIELDS = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")


def containers_of(pod: Manifest, now: Instant) -> list[Container]:
    """Init containers first, then the others, each as its status says it was."""
    statuses = {
        status["name"]: status
        for field in STATUS_FIELDS
        for status in get_in(pod, "status", field, default=[])
    }
    policy = get_in(pod, "spec", "restartPolicy", default="Always")
    is_over = get_in(pod, "status", "phase") in OVER
    found = []
    for role, spec in _specs(pod):
        container = Container(pod["metadata"]["uid"], spec["name"], spec, role)
        if status := statuses.get(spec["name"]):
            _take_over(container, status, now)
            if not is_over and _runs_again(container, policy):
                container.next_attempt()
        found.append(container)
    return found


def ephemeral_containers(pod: Manifest) -> Iterator[Container]:
    """The containers that were put into a pod to look at it, none of them started yet."""
    for spec in get_in(pod, "spec", "ephemeralContainers", default=[]):
        yield Container(pod["metadata"]["uid"], spec["name"], spec, "ephemeral")


def _specs(pod: Manifest) -> Iterator[tuple[Role, dict[str, Any]]]:
    for spec in get_in(pod, "spec", "initContainers", default=[]):
        yield ("sidecar" if spec.get("restartPolicy") == "Always" else "init"), spec
    for spec in get_in(pod, "spec", "containers", default=[]):
        yield "main", spec
    for spec in get_in(pod, "spec", "ephemeralContainers", default=[]):
        yield "ephemeral", spec


def _take_over(container: Container, status: dict[str, Any], now: Instant) -> None:
    """Make a container what its status says, as far as that can still be so."""
    attempt = int(status.get("restartCount") or 0)
    running = get_in(status, "state", "running")
    terminated = get_in(status, "state", "terminated") or get_in(status, "lastState", "terminated")
    if running is not None:
        started_at = _instant(running.get("startedAt"))
        container.exited(
            Ended(attempt, LOST_EXIT_CODE, started_at, now, 0, LOST_REASON, LOST_MESSAGE)
        )
    elif terminated is not None:
        container.exited(_ended(attempt, terminated, now))
    else:
        return
    container.attempt = attempt
    container.image_id = status.get("imageID") or ""


def _runs_again(container: Container, policy: str) -> bool:
    if container.stage is not Stage.EXITED or container.role == "ephemeral":
        return False
    if container.role != "main" or policy == "Always":
        return True
    return policy == "OnFailure" and not container.has_succeeded


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
