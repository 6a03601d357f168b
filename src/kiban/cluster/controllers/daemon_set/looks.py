"""When a DaemonSet with `minReadySeconds` is looked at again, though nothing happens.

So long after a look that found a pod ready and not yet available, and a second later than that
after a pod turned ready; of all that is planned the first only. So a pod is seen to be available
at the next planned look rather than at its own time, as ReplicaSets and StatefulSets see it.
Source: enqueueDaemonSetAfter in pkg/controller/daemon/daemon_controller.go.
"""

from dataclasses import dataclass, field

from kiban.kube.objects import Key
from kiban.primitives.instants import Instant, later, seconds_between

# Added where a pod turned ready, for the time of its condition has lost its fraction.
SKEW_SECONDS = 1.0


@dataclass
class Looks:
    """The next planned look at each DaemonSet, and the sets of which a pod has turned ready."""

    _planned: dict[Key, Instant] = field(default_factory=dict)
    _turned: dict[Key, None] = field(default_factory=dict)

    def turned_ready(self, daemon_set: Key) -> None:
        """A pod of the set has turned ready."""
        self._turned[daemon_set] = None

    def seconds_until_next(
        self, daemon_set: Key, min_ready_seconds: int, now: Instant, *, is_behind: bool
    ) -> float | None:
        """Seconds until the set is to be looked at again, `is_behind` when a pod of it is ready
        and not yet available; None when nothing is planned."""
        wishes = []
        planned = self._planned.pop(daemon_set, None)
        if planned is not None and planned > now:
            wishes.append(planned)
        turned = daemon_set in self._turned
        self._turned.pop(daemon_set, None)
        if min_ready_seconds and turned:
            wishes.append(later(now, min_ready_seconds + SKEW_SECONDS))
        if min_ready_seconds and is_behind:
            wishes.append(later(now, min_ready_seconds))
        if not wishes:
            return None
        self._planned[daemon_set] = min(wishes)
        return seconds_between(now, min(wishes))

    def forget(self, daemon_set: Key) -> None:
        """The set is gone."""
        self._planned.pop(daemon_set, None)
        self._turned.pop(daemon_set, None)
