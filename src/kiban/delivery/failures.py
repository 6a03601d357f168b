"""How the last plans failed, and when the next one may be tried: after growing pauses, and at once
when what failed is well again."""

from collections.abc import Callable, Iterable

from kiban.delivery.reporting import failed_services
from kiban.kube.objects import Key
from kiban.plans.run import PlanRun
from kiban.primitives.instants import Instant, later

# The pause before a failed plan is tried again, doubled each time.
RETRY_SECONDS = 5.0
RETRY_LIMIT_SECONDS = 300.0


class Failures:
    """The failures of one commit in a row. `retry_at` is None while no attempt is awaited."""

    def __init__(self) -> None:
        self.message = ""
        self.count = 0
        # The services whose own step failed.
        self.services: frozenset[str] = frozenset()
        # The Jobs of hooks that failed; a person who deletes one wants it to run again.
        self.hooks: frozenset[Key] = frozenset()
        self.retry_at: Instant | None = None

    def add(self, run: PlanRun, now: Instant, hooks: Iterable[Key] = ()) -> None:
        """A plan failed, and maybe some of its hooks."""
        pause = min(RETRY_LIMIT_SECONDS, RETRY_SECONDS * 2 ** min(self.count, 10))
        self.count += 1
        self.message, self.retry_at = run.message, later(now, pause)
        self.services, self.hooks = failed_services(run), frozenset(hooks)

    def forget(self) -> None:
        """A plan came to its good end, or another commit is worked on."""
        self.message, self.count = "", 0
        self.services, self.hooks = frozenset(), frozenset()

    def take_due(self, now: Instant) -> bool:
        """Whether the pause is over; it is taken out if so."""
        if self.retry_at is None or now < self.retry_at:
            return False
        self.retry_at = None
        return True

    def are_overcome(
        self, is_well: Callable[[str], bool], is_cleared: Callable[[Key], bool]
    ) -> bool:
        """Whether what failed is well now, so that there is no need to wait for the retry."""
        if self.hooks:
            return all(map(is_cleared, sorted(self.hooks)))
        return bool(self.services) and all(map(is_well, sorted(self.services)))
