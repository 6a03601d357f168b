"""What a machine remembers of one pod."""

from dataclasses import dataclass

from kiban.kube.objects import Key
from kiban.primitives.instants import Instant
from kiban.rehearsal.machines.conduct import Life


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
