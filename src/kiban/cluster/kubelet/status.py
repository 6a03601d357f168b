"""The status of a pod, from its containers: phase, conditions, container statuses.

The rules are the kubelet's (pkg/kubelet/kubelet_pods.go getPhase, pkg/kubelet/status/generate.go).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kiban.cluster.kubelet.container import Container, Ended, Stage
from kiban.kube.objects import Manifest, condition_of, get_in
from kiban.primitives.instants import Instant, rfc3339

OWN_CONDITIONS = (
    "PodReadyToStartContainers",
    "Initialized",
    "Ready",
    "ContainersReady",
    "PodScheduled",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided about the whole pod, whatever its containers say."""

    phase: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class PodFacts:
    """Everything a status is made of."""

    pod: Manifest
    inits: Sequence[Container]
    mains: Sequence[Container]
    address: str
    host_address: str
    started_at: Instant
    verdict: Verdict | None = None
    ephemerals: Sequence[Container] = ()

    @property
    def restart_policy(self) -> str:
        return str(get_in(self.pod, "spec", "restartPolicy", default="Always"))

    @property
    def is_initialized(self) -> bool:
        return all(_init_is_over(container) for container in self.inits)


def status_of(facts: PodFacts, now: Instant) -> dict[str, Any]:
    """The status fields that the kubelet owns."""
    phase = facts.verdict.phase if facts.verdict else phase_of(facts)
    status: dict[str, Any] = {
        "phase": phase,
        "conditions": _conditions(facts, phase, now),
        "startTime": rfc3339(facts.started_at),
        "hostIP": facts.host_address,
        "hostIPs": [{"ip": facts.host_address}],
        "podIP": facts.address,
        "podIPs": [{"ip": facts.address}],
        "containerStatuses": [_container_status(c, facts) for c in facts.mains],
    }
    if facts.inits:
        status["initContainerStatuses"] = [_container_status(c, facts) for c in facts.inits]
    if facts.ephemerals:
        status["ephemeralContainerStatuses"] = [
            _container_status(c, facts) for c in facts.ephemerals
        ]
    if facts.verdict and facts.verdict.reason:
        status |= {"reason": facts.verdict.reason, "message": facts.verdict.message}
    if generation := facts.pod["metadata"].get("generation"):
        status["observedGeneration"] = generation
    return status


def phase_of(facts: PodFacts) -> str:
    """The phase that the containers alone give."""
    policy = facts.restart_policy
    failed_init = any(
        c.role == "init" and c.stage is Stage.EXITED and not c.has_succeeded for c in facts.inits
    )
    if failed_init and policy == "Never":
        return "Failed"
    if not facts.is_initialized or any(_never_ran(c) for c in facts.mains):
        return "Pending"
    if any(c.stage is not Stage.EXITED for c in facts.mains) or policy == "Always":
        return "Running"
    if any(c.role == "sidecar" and c.is_alive for c in facts.inits):
        return "Running"
    if all(c.has_succeeded for c in facts.mains):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def _init_is_over(container: Container) -> bool:
    if container.role == "sidecar":
        return container.is_started or container.stage is Stage.EXITED
    return container.has_succeeded


def _never_ran(container: Container) -> bool:
    waiting = container.stage in (Stage.WAITING, Stage.PULLING, Stage.STARTING)
    return waiting and container.last_ended is None


def _conditions(facts: PodFacts, phase: str, now: Instant) -> list[dict[str, Any]]:
    claims = {
        "PodReadyToStartContainers": _plain(bool(facts.address) and phase not in OVER),
        "Initialized": _initialized(facts, phase),
        "Ready": _ready(facts, phase),
        "ContainersReady": _containers_ready(facts, phase),
        "PodScheduled": _plain(True),
    }
    foreign = [
        condition
        for condition in get_in(facts.pod, "status", "conditions", default=[])
        if condition.get("type") not in claims
    ]
    own = [_dated(facts.pod, {"type": name, **claim}, now) for name, claim in claims.items()]
    return [*own, *foreign]


OVER = ("Succeeded", "Failed")
_Claim = dict[str, Any]


def _plain(holds: bool) -> _Claim:
    return {"status": "True" if holds else "False"}


def _refuted(reason: str, message: str = "") -> _Claim:
    claim = {"status": "False", "reason": reason}
    return claim | {"message": message} if message else claim


def _initialized(facts: PodFacts, phase: str) -> _Claim:
    if facts.is_initialized:
        return _plain(True) | ({"reason": "PodCompleted"} if phase == "Succeeded" else {})
    waiting = " ".join(c.name for c in facts.inits if not _init_is_over(c))
    return _refuted("ContainersNotInitialized", f"containers with incomplete status: [{waiting}]")


def _containers_ready(facts: PodFacts, phase: str) -> _Claim:
    if phase in OVER:
        return _refuted("PodCompleted" if phase == "Succeeded" else "PodFailed")
    sidecars = [c for c in facts.inits if c.role == "sidecar"]
    unready = " ".join(c.name for c in (*sidecars, *facts.mains) if not c.is_ready)
    if unready:
        return _refuted("ContainersNotReady", f"containers with unready status: [{unready}]")
    return _plain(True)


def _ready(facts: PodFacts, phase: str) -> _Claim:
    claim = _containers_ready(facts, phase)
    if claim["status"] == "False":
        return claim
    for gate in get_in(facts.pod, "spec", "readinessGates", default=[]):
        name = gate["conditionType"]
        found = condition_of(facts.pod, name)
        if found is None or found.get("status") != "True":
            lack = (
                "does not exist." if found is None else f'is not "True", but "{found["status"]}".'
            )
            message = f'corresponding condition of pod readiness gate "{name}" {lack}'
            return _refuted("ReadinessGatesNotReady", message)
    return claim


def _dated(pod: Manifest, claim: _Claim, now: Instant) -> _Claim:
    before = condition_of(pod, claim["type"])
    same = before is not None and before.get("status") == claim["status"]
    since = before.get("lastTransitionTime") if before is not None and same else None
    return {
        "type": claim["type"],
        "status": claim["status"],
        "lastProbeTime": None,
        "lastTransitionTime": since or rfc3339(now),
        **{key: claim[key] for key in ("reason", "message") if key in claim},
    }


def _container_status(container: Container, facts: PodFacts) -> dict[str, Any]:
    status: dict[str, Any] = {
        "name": container.name,
        "state": _state(container, facts),
        "lastState": _last_state(container),
        "ready": _shows_ready(container),
        "restartCount": container.attempt,
        "image": container.spec["image"],
        "imageID": container.image_id,
        "started": container.is_started,
    }
    if container.started_at is not None or container.ended or container.last_ended:
        ran = container.attempt if container.stage in _RAN else max(0, container.attempt - 1)
        status["containerID"] = _container_id(container, ran)
    return status


_RAN = (Stage.RUNNING, Stage.EXITED)


def _shows_ready(container: Container) -> bool:
    if container.role == "init":
        return container.has_succeeded
    return container.is_ready


def _shows_ended(container: Container) -> bool:
    """Between two attempts that follow at once, the first one's end is what is shown."""
    between = container.stage in (Stage.WAITING, Stage.PULLING, Stage.STARTING)
    return between and container.last_ended is not None and not _is_faulted(container)


def _is_faulted(container: Container) -> bool:
    return container.waiting_reason not in ("ContainerCreating", "CrashLoopBackOff")


def _last_state(container: Container) -> dict[str, Any]:
    if _backs_off(container):
        return {"terminated": _terminated(container, container.ended)}
    if container.last_ended is None or _shows_ended(container):
        return {}
    return {"terminated": _terminated(container, container.last_ended)}


def _backs_off(container: Container) -> bool:
    return (
        container.stage is Stage.EXITED
        and container.delay_seconds > 0
        and container.waiting_reason == "CrashLoopBackOff"
        and container.retry_at is not None
    )


def _state(container: Container, facts: PodFacts) -> dict[str, Any]:
    if container.stage is Stage.RUNNING and container.started_at is not None:
        return {"running": {"startedAt": rfc3339(container.started_at)}}
    if _backs_off(container):
        return _waiting("CrashLoopBackOff", container.waiting_message)
    if container.stage is Stage.EXITED:
        return {"terminated": _terminated(container, container.ended)}
    if _shows_ended(container):
        return {"terminated": _terminated(container, container.last_ended)}
    if container.role == "main" and not facts.is_initialized:
        return _waiting("PodInitializing", "")
    if container.role != "main" and not _is_faulted(container):
        return _waiting("PodInitializing", "")
    return _waiting(container.waiting_reason, container.waiting_message)


def _waiting(reason: str, message: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason} | ({"message": message} if message else {})}


def _terminated(container: Container, ended: Ended | None) -> dict[str, Any]:
    assert ended is not None
    state: dict[str, Any] = {
        "exitCode": ended.exit_code,
        "reason": ended.reason,
        "startedAt": rfc3339(ended.started_at) if ended.started_at is not None else None,
        "finishedAt": rfc3339(ended.finished_at),
        "containerID": _container_id(container, ended.attempt),
    }
    if ended.signal:
        state["signal"] = ended.signal
    if ended.message:
        state["message"] = ended.message
    return state


def _container_id(container: Container, attempt: int) -> str:
    return f"kiban://{container.pod_uid}/{container.name}/{attempt}"
