"""What a machine remembers of one pod."""

from dataclasses import dataclass

from kiban.kube.objects import Key
from kiban.primitives.instants import Instant, seconds_between
from kiban.rehearsal.machines.conduct import Life

# The restart back-off of a container: none, then 10 s doubling to 300 s; forgotten after 10 min
# (kubelet MaxContainerBackOff, twice the maximum).
FIRST_BACKOFF_SECONDS = 10.0
LONGEST_BACKOFF_SECONDS = 300.0
FORGOTTEN_SECONDS = 600.0


@dataclass(slots=True)
class ModelledPod:
    """One pod on one machine. `run` counts its runs, so that what was planned for an earlier one
    is recognised and dropped."""

    key: Key
    uid: str
    node: str
    accepted_at: Instant
    has_address: bool = False
    is_stopping: bool = False
    has_term: bool = False
    is_running: bool = False
    is_ready: bool = False
    restarts: int = 0
    run: int = 0
    began_at: Instant | None = None
    life: Life | None = None

    def restart_delay(self, now: Instant) -> float:
        """Seconds until it is started again after it has ended: 0, 10, 20, 40, … 300."""
        assert self.began_at is not None, "it has run"
        if not self.restarts or seconds_between(self.began_at, now) >= FORGOTTEN_SECONDS:
            return 0.0
        delay = FIRST_BACKOFF_SECONDS * 2.0 ** min(self.restarts - 1, 10)
        return min(delay, LONGEST_BACKOFF_SECONDS)
