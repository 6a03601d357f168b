"""How long a group that failed is left alone: doubling, with a ceiling, forgotten after a while.

Source: utils/backoff/exponential_backoff.go of kubernetes/autoscaler.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from kiban.cluster.autoscaling.cluster_autoscaler.settings import Settings
from kiban.primitives.instants import Instant, later


class _Entry(NamedTuple):
    seconds: float
    until: Instant
    failed_at: Instant


@dataclass(slots=True)
class GroupBackoff:
    """The groups that failed lately."""

    settings: Settings
    _entries: dict[str, _Entry] = field(default_factory=dict)

    def failed(self, group: str, now: Instant) -> Instant:
        """Count a failure; when the group may be tried again. Failures while the group is left
        alone do not prolong the next one."""
        seconds = self.settings.backoff_first
        entry = self._entries.get(group)
        if entry is not None:
            is_over = entry.until <= now
            seconds = entry.seconds * 2 if is_over else entry.seconds
            seconds = min(seconds, self.settings.backoff_longest)
        until = later(now, seconds)
        self._entries[group] = _Entry(seconds, until, now)
        return until

    def succeeded(self, group: str) -> None:
        self._entries.pop(group, None)

    def forget_old(self, now: Instant) -> None:
        for group, entry in list(self._entries.items()):
            if later(entry.failed_at, self.settings.backoff_reset) < now:
                del self._entries[group]

    def until(self, group: str, now: Instant) -> Instant | None:
        """Until when the group is left alone; None when it may be tried."""
        entry = self._entries.get(group)
        return entry.until if entry is not None and entry.until > now else None

    def next_end(self, now: Instant) -> Instant | None:
        """When the first group may be tried again."""
        return min((e.until for e in self._entries.values() if e.until > now), default=None)
