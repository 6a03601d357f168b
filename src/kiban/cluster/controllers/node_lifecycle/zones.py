"""How fast nodes of a zone may be emptied: slower when much of it is gone, for then it is likely
the network between us and it. Source: ComputeZoneState and handleDisruption of
pkg/controller/nodelifecycle."""

from dataclasses import dataclass, field
from typing import Literal

from kiban.primitives.instants import Instant, later

State = Literal["Initial", "Normal", "PartialDisruption", "FullDisruption"]

# --node-eviction-rate, --secondary-node-eviction-rate, --large-cluster-size-threshold,
# --unhealthy-zone-threshold of kube-controller-manager.
NORMAL_RATE = 0.1
REDUCED_RATE = 0.01
LARGE_ZONE = 50
UNHEALTHY_SHARE = 0.55
# A zone of one or two unready nodes is not disrupted.
FEW_UNREADY = 2


def zone_state(ready: int, unready: int) -> State:
    """The state of a zone with so many nodes."""
    if ready == 0 and unready > 0:
        return "FullDisruption"
    if unready > FEW_UNREADY and unready / (ready + unready) >= UNHEALTHY_SHARE:
        return "PartialDisruption"
    return "Normal"


def rate_of(state: State, size: int) -> float:
    """Nodes a second that may be emptied."""
    if state == "PartialDisruption":
        return REDUCED_RATE if size > LARGE_ZONE else 0.0
    return NORMAL_RATE


@dataclass(slots=True)
class Zone:
    """A zone's state, the nodes that wait to be emptied, and when the next one may be.

    Who was taken is not remembered: a node that still has no taint at the next look is one whose
    taint was refused or taken off, and waits again.
    """

    state: State = "Initial"
    rate: float = NORMAL_RATE
    waiting: dict[str, None] = field(default_factory=dict)
    next_at: Instant | None = None

    def set_rate(self, rate: float) -> None:
        """A new rate begins with one node at once."""
        if rate != self.rate:
            self.rate, self.next_at = rate, None

    def add(self, node: str) -> None:
        """The node is to be emptied."""
        self.waiting[node] = None

    def discard(self, node: str) -> None:
        self.waiting.pop(node, None)

    def take(self, now: Instant) -> str | None:
        """The next node to empty, if its time has come."""
        if not self.waiting or not self.rate or (self.next_at is not None and self.next_at > now):
            return None
        node = next(iter(self.waiting))
        del self.waiting[node]
        self.next_at = later(now, 1 / self.rate)
        return node
