"""When drift is healed: at once, but an object that somebody keeps changing after growing pauses,
so that two programs that want different things do not fight at full speed."""

from collections.abc import Iterable

from kiban.kube.objects import Key
from kiban.primitives.instants import Instant, later

HEAL_SECONDS = 1.0
HEAL_LIMIT_SECONDS = 300.0
# After so long without drift an object is healed at once again.
CALM_SECONDS = 600.0


class HealTimes:
    """How often each object was healed lately, and from when on it may be again."""

    def __init__(self) -> None:
        self._heals: dict[Key, tuple[int, Instant]] = {}

    def take_ripe(self, dirty: dict[Key, None], now: Instant) -> list[Key]:
        """Take out the changed objects that may be healed now; the others stay for later."""
        ripe = [key for key in sorted(dirty) if self._from(key, now) <= now]
        for key in ripe:
            del dirty[key]
        return ripe

    def healed(self, key: Key, now: Instant) -> None:
        """The object is being healed now."""
        count, at = self._heals.get(key, (0, now))
        if later(at, CALM_SECONDS) < now:
            count = 0
        pause = min(HEAL_LIMIT_SECONDS, HEAL_SECONDS * 2**count) if count else 0.0
        self._heals[key] = (min(count + 1, 20), later(now, pause))

    def next_due(self, dirty: Iterable[Key]) -> Instant | None:
        """When the first of the changed objects that wait may be healed."""
        times = [self._heals[key][1] for key in dirty if key in self._heals]
        return min(times, default=None)

    def _from(self, key: Key, now: Instant) -> Instant:
        return self._heals.get(key, (0, now))[1]
