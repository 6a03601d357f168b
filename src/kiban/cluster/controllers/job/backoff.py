"""How long a Job waits before it tries again after failures.

10 s, doubled with every failure since the last success, at most 10 minutes, from the second in
which the last pod ended (pkg/controller/job/backoff_utils.go). The real controller keeps the count
in its memory; here it is an annotation, so that it survives a restart and a deleted pod.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kiban.cluster.controllers.pods import created_at, instant_in
from kiban.kube.objects import Manifest, annotations_of, condition_of, get_in
from kiban.primitives.digits import whole_number
from kiban.primitives.instants import (
    Instant,
    later,
    parse_rfc3339,
    rfc3339,
    seconds_between,
    whole_second,
)

FIRST_SECONDS = 10.0
LONGEST_SECONDS = 600.0
RECORD = "kiban.dev/failures-since-success"
INDEX_FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED_INDEX_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count"


@dataclass(frozen=True, slots=True)
class Failures:
    """Failures since the last success, and when the last one was."""

    count: int = 0
    last: Instant | None = None

    def remaining_seconds(self, now: Instant) -> float:
        """How long to wait still; 0 when it is time."""
        if not self.count or self.last is None:
            return 0.0
        return max(0.0, _delay(self.count) - seconds_between(self.last, now))

    @property
    def text(self) -> str | None:
        """As it stands in the annotation; None when there is nothing to remember."""
        return f"{self.count},{rfc3339(self.last)}" if self.count and self.last else None


def _delay(failures: int) -> float:
    return float(min(FIRST_SECONDS * 2.0 ** min(failures - 1, 30), LONGEST_SECONDS))


def recorded_failures(job: Manifest) -> Failures:
    """What is remembered of a Job."""
    count, _, last = annotations_of(job).get(RECORD, "").partition(",")
    number = whole_number(count)
    return Failures(number, parse_rfc3339(last)) if number is not None and last else Failures()


def failures_after(
    before: Failures, succeeded: Sequence[Manifest], failed: Sequence[Manifest], now: Instant
) -> Failures:
    """What is to be remembered once these pods have ended too."""
    ends = sorted(finished_at(pod, now) for pod in failed)
    if not succeeded:
        return Failures(before.count + len(ends), ends[-1]) if ends else before
    last_success = max(finished_at(pod, now) for pod in succeeded)
    since = [end for end in ends if end > last_success]
    return Failures(len(since), since[-1]) if since else Failures()


def finished_at(pod: Manifest, now: Instant) -> Instant:
    """When a pod ended, to the second: by its containers, its readiness or its deletion."""
    statuses = get_in(pod, "status", "containerStatuses", default=[])
    ends = [get_in(status, "state", "terminated", "finishedAt") for status in statuses]
    if ends and all(ends):
        return max(parse_rfc3339(end) for end in ends)
    ready = condition_of(pod, "Ready")
    if ready is not None and ready.get("status") == "False":
        since = instant_in(ready, "lastTransitionTime")
        if since is not None:
            return since
    asked = instant_in(pod["metadata"], "deletionTimestamp")
    if asked is not None:
        return later(asked, -pod["metadata"].get("deletionGracePeriodSeconds", 0))
    return whole_second(now)


# One index at a time


def index_failures_of(pod: Manifest, annotation: str = INDEX_FAILURES) -> int:
    """How often the index of a pod had failed before it."""
    text = annotations_of(pod).get(annotation, "0")
    return whole_number(text) or 0


def index_remaining_seconds(failed: Manifest | None, now: Instant) -> float:
    """How long the index of a failed pod still waits."""
    if failed is None:
        return 0.0
    before = index_failures_of(failed) + index_failures_of(failed, IGNORED_INDEX_FAILURES)
    return Failures(before + 1, finished_at(failed, now)).remaining_seconds(now)


def later_failure(pods: Sequence[Manifest], now: Instant) -> Manifest | None:
    """The last of an index's failed pods."""
    return max(
        pods,
        key=lambda pod: (index_failures_of(pod), finished_at(pod, now), created_at(pod)),
        default=None,
    )
