"""When each machine was last heard, by arithmetic: no lease is written.

A kubelet renews its lease every 10 s from its registration on, as long as its machine runs.
"""

from dataclasses import dataclass, field

from kiban.primitives.instants import MICROSECONDS, Instant

RENEW_SECONDS = 10


@dataclass(slots=True)
class _Beat:
    since: Instant
    silent_since: Instant | None = None


@dataclass(slots=True)
class Heartbeats:
    """The `Heartbeats` of the node monitor for machines that come, fall silent, return and go."""

    _beats: dict[str, _Beat] = field(default_factory=dict)
    _silent: dict[str, None] = field(default_factory=dict)

    def begin(self, node: str, now: Instant) -> None:
        """A machine has come, or is back."""
        self._beats[node] = _Beat(now)
        self._silent.pop(node, None)

    def cease(self, node: str, now: Instant) -> None:
        """A machine falls silent."""
        beat = self._beats.get(node)
        if beat is not None and beat.silent_since is None:
            beat.silent_since = now
            self._silent[node] = None

    def forget(self, node: str) -> None:
        """The Node is gone."""
        self._beats.pop(node, None)
        self._silent.pop(node, None)

    def last(self, node: str, now: Instant) -> Instant | None:
        beat = self._beats.get(node)
        if beat is None:
            return None
        # What falls silent at the beat is not heard at it.
        until = now if beat.silent_since is None else Instant(beat.silent_since - 1)
        period = RENEW_SECONDS * MICROSECONDS
        return Instant(beat.since + (until - beat.since) // period * period)

    def is_heard(self, node: str) -> bool:
        return node in self._beats and node not in self._silent

    def are_all_heard(self) -> bool:
        return not self._silent
