"""One container as the kubelet knows it: where it is in its life, its attempts, its probes.

`attempt` counts starts from 0 and is the restart count that clients see. The restart back-off is
Kubernetes': at once, then 10 s doubling to 300 s, forgotten after ten minutes without a restart.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from kiban.cluster.asks import ContainerId
from kiban.cluster.kubelet.probing import Probe
from kiban.primitives.instants import Instant, later, seconds_between

FIRST_BACKOFF_SECONDS = 10.0
LONGEST_BACKOFF_SECONDS = 300.0
# Twice the longest back-off (client-go util/flowcontrol/backoff.go).
FORGET_SECONDS = 2 * LONGEST_BACKOFF_SECONDS

Role = Literal["init", "sidecar", "main", "ephemeral"]


class Stage(Enum):
    """Where a container is. `WAITING` has not been started since it last had to be."""

    WAITING = "waiting"
    PULLING = "pulling"
    STARTING = "starting"
    RUNNING = "running"
    EXITED = "exited"


@dataclass(frozen=True, slots=True)
class Ended:
    """How one attempt ended."""

    attempt: int
    exit_code: int
    started_at: Instant | None
    finished_at: Instant
    signal: int = 0
    reason: str = ""
    message: str = ""


@dataclass(slots=True)
class Stop:
    """A container on its way out: the hook first, then TERM, then KILL at `kill_at`."""

    kill_at: Instant
    hook_until: Instant | None = None
    hook_over: bool = True
    terminated: bool = False
    killed: bool = False


@dataclass(slots=True)
class DoublingBackoff:
    """Seconds before the next try: 10 doubling to 300, after an optional free first one."""

    free: int
    failures: int = 0
    last_at: Instant | None = None

    def next_delay(self, now: Instant) -> float:
        if self.last_at is not None and seconds_between(self.last_at, now) > FORGET_SECONDS:
            self.failures = 0
        self.failures += 1
        self.last_at = now
        doublings = self.failures - 1 - self.free
        if doublings < 0:
            return 0.0
        return min(FIRST_BACKOFF_SECONDS * 2.0 ** min(doublings, 10), LONGEST_BACKOFF_SECONDS)


@dataclass(slots=True)
class Container:
    """The state of one container of one pod."""

    pod_uid: str
    name: str
    spec: dict[str, Any]
    role: Role
    stage: Stage = Stage.WAITING
    attempt: int = 0
    waiting_reason: str = "ContainerCreating"
    waiting_message: str = ""
    retry_at: Instant | None = None
    delay_seconds: float = 0.0
    started_at: Instant | None = None
    ended: Ended | None = None
    last_ended: Ended | None = None
    image_id: str = ""
    post_start_over: bool = True
    stop: Stop | None = None
    probes: dict[str, Probe] = field(default_factory=dict)
    restarts: DoublingBackoff = field(default_factory=lambda: DoublingBackoff(free=1))
    pulls: DoublingBackoff = field(default_factory=lambda: DoublingBackoff(free=0))

    @property
    def id(self) -> ContainerId:
        return ContainerId(self.pod_uid, self.name, self.attempt)

    @property
    def is_alive(self) -> bool:
        """Whether there is, or may soon be, a process."""
        return self.stage in (Stage.STARTING, Stage.RUNNING)

    @property
    def is_started(self) -> bool:
        """Running, its postStart hook over and its startup probe passed."""
        startup = self.probes.get("startup")
        passed = startup is None or startup.passed
        return self.stage is Stage.RUNNING and self.post_start_over and passed

    @property
    def is_ready(self) -> bool:
        readiness = self.probes.get("readiness")
        return self.is_started and (readiness is None or readiness.passed)

    @property
    def has_succeeded(self) -> bool:
        return self.stage is Stage.EXITED and self.ended is not None and self.ended.exit_code == 0

    def exited(self, ended: Ended) -> None:
        """The attempt is over."""
        self.stage = Stage.EXITED
        self.ended = ended
        self.stop = None
        self.waiting_reason, self.waiting_message = "ContainerCreating", ""
        self.post_start_over = True
        self.probes = {}
        self.retry_at = None
        self.delay_seconds = 0.0

    def plan_restart(self, now: Instant) -> None:
        """Say when an exited container starts again, once for each exit."""
        if self.retry_at is None:
            assert self.ended is not None
            self.delay_seconds = self.restarts.next_delay(now)
            self.retry_at = later(self.ended.finished_at, self.delay_seconds)

    def next_attempt(self) -> None:
        """Leave the exited attempt behind."""
        self.last_ended, self.ended = self.ended, None
        self.attempt += 1
        self.stage = Stage.WAITING
        self.retry_at = None
        self.started_at = None
