"""The four figures of delivery, from deployments: how often, how fast, how well, how soon mended.

The definitions are those of the DORA reports (dora.dev/guides/dora-metrics): deployment frequency
(what was delivered), lead time for changes (from the commit to its delivery; a rollback is no
change), change failure rate (of all that was tried, what failed or was taken back), failed
deployment recovery time. The same journal gives the same figures anywhere.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kiban.primitives.instants import Instant, seconds_between
from kiban.telemetry.deployments import Deployment

DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class DeliveryFigures:
    """Of one environment, or of all, within a span; None where there was nothing to measure.

    Times are in seconds: medians, and the time within which nine of ten are.
    """

    subject: str
    days: float
    deployments: int
    failed: int
    lead_median: float | None
    lead_p90: float | None
    restore_median: float | None
    unrestored: int = 0
    delivered: int = 0

    @property
    def per_day(self) -> float:
        return self.delivered / self.days if self.days > 0 else 0.0

    @property
    def failure_rate(self) -> float | None:
        """The share of deployments that failed or were taken back."""
        return self.failed / self.deployments if self.deployments else None

    def as_data(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "days": round(self.days, 3),
            "deployments": self.deployments,
            "delivered": self.delivered,
            "deploymentsPerDay": round(self.per_day, 4),
            "failed": self.failed,
            "changeFailureRate": _rounded(self.failure_rate),
            "leadTimeMedianSeconds": _rounded(self.lead_median),
            "leadTimeP90Seconds": _rounded(self.lead_p90),
            "restoreMedianSeconds": _rounded(self.restore_median),
            "unrestored": self.unrestored,
        }


def delivery_figures(
    found: Sequence[Deployment], since: Instant, until: Instant
) -> list[DeliveryFigures]:
    """A line for each environment, sorted, and one for all of them under an empty name.

    A deployment counts where it began; one that gave way to a newer commit before it was
    delivered, or is still on its way, and did not fail, is none.
    """
    chosen = [
        each
        for each in found
        if since <= each.began < until and (each.outcome == "delivered" or each.has_failed)
    ]
    subjects = sorted({each.subject for each in chosen})
    days = seconds_between(since, until) / DAY_SECONDS
    lines = [
        _line(subject, [each for each in chosen if each.subject == subject], found, days)
        for subject in subjects
    ]
    return [*lines, _line("", chosen, found, days)]


def _line(
    subject: str, chosen: Sequence[Deployment], found: Sequence[Deployment], days: float
) -> DeliveryFigures:
    leads = [
        each.lead_seconds
        for each in chosen
        if each.lead_seconds is not None and not each.is_rollback
    ]
    failed = [each for each in chosen if each.has_failed]
    restores = [_restore_seconds(each, found) for each in failed]
    known = [seconds for seconds in restores if seconds is not None]
    return DeliveryFigures(
        subject,
        days,
        len(chosen),
        len(failed),
        _quantile(leads, 0.5),
        _quantile(leads, 0.9),
        _quantile(known, 0.5),
        len(restores) - len(known),
        sum(each.outcome == "delivered" for each in chosen),
    )


def _restore_seconds(failed: Deployment, found: Iterable[Deployment]) -> float | None:
    """From when it began to hurt to the delivery that mended it: the one that took it back, or
    the next one that did not hurt."""
    hurt = failed.first_failure or failed.ended or failed.began
    ends = [
        each.ended
        for each in found
        if each.subject == failed.subject
        and each.outcome == "delivered"
        and each.ended is not None
        and each.ended >= hurt
        and (each.commit == failed.rolled_back_by if failed.rolled_back else not each.rolled_back)
    ]
    return seconds_between(hurt, min(ends)) if ends else None


def _quantile(values: Sequence[float], share: float) -> float | None:
    """The least value within which that share of all values is."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
