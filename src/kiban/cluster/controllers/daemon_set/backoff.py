"""How long a DaemonSet waits before it removes another failed pod of a node.

1 s, doubled with every failed pod, at most 15 minutes; forgotten after twice that without one.
Kept in memory, as the real controller does. Source: failedPodsBackoff in
pkg/controller/daemon/daemon_controller.go.
"""

from dataclasses import dataclass, field

from kiban.kube.objects import Manifest, get_in, uid_of
from kiban.primitives.instants import Instant, later, seconds_between

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 900.0


@dataclass(slots=True)
class _Delay:
    seconds: float
    since: Instant


@dataclass
class FailureDelays:
    """The delays by set and node; a new generation of the set begins anew."""

    _delays: dict[tuple[str, int, str], _Delay] = field(default_factory=dict)

    def remaining_seconds(self, daemon_set: Manifest, node: str, now: Instant) -> float:
        """How long a failed pod of the node has to stay still; 0 when it may go, and then the next
        one waits longer."""
        key = (uid_of(daemon_set), _generation(daemon_set), node)
        delay = self._delays.get(key)
        if delay is None or seconds_between(delay.since, now) > 2 * LONGEST_SECONDS:
            self._delays[key] = _Delay(FIRST_SECONDS, now)
            return 0.0
        left = seconds_between(now, later(delay.since, delay.seconds))
        if left > 0:
            return left
        self._delays[key] = _Delay(min(delay.seconds * 2, LONGEST_SECONDS), now)
        return 0.0

    def forget(self, uid: str) -> None:
        """The set is gone."""
        for key in [key for key in self._delays if key[0] == uid]:
            del self._delays[key]


def _generation(daemon_set: Manifest) -> int:
    generation: int = get_in(daemon_set, "status", "observedGeneration", default=0)
    return generation
