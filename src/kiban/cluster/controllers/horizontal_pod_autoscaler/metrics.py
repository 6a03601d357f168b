"""The port through which the autoscaler is told what pods use and what the world measures.

All figures are thousandths: millicores, thousandths of a byte, of a request, of a message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from kiban.kube.objects import Manifest
from kiban.primitives.instants import Instant


@dataclass(frozen=True, slots=True)
class Sample:
    """What one pod used, by container, on average over the window that ended at `at`."""

    milli: Mapping[str, int]
    at: Instant
    window_seconds: float
    total: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", sum(self.milli.values()))


class Metrics(Protocol):
    """Where the figures come from. Pods that nothing is known of are left out."""

    def resource(
        self, resource: str, pods: Sequence[Manifest], now: Instant
    ) -> Mapping[str, Sample]:
        """The use of `cpu` or `memory`, by pod name."""
        ...

    def custom(self, metric: str, pods: Sequence[Manifest], now: Instant) -> Mapping[str, Sample]:
        """A figure that pods report of themselves, by pod name."""
        ...

    def described(
        self, namespace: str, kind: str, name: str, metric: str, now: Instant
    ) -> int | None:
        """A figure of one object, an Ingress for instance."""
        ...

    def external(
        self, namespace: str, metric: str, selector: Mapping[str, Any] | None, now: Instant
    ) -> Sequence[int]:
        """The series of a figure from outside whose labels the selector (a `LabelSelector`)
        chooses; none when nothing is reported."""
        ...


class _NoMetrics:
    """Nothing is measured: every metric fails, and no size is changed."""

    def resource(
        self, resource: str, pods: Sequence[Manifest], now: Instant
    ) -> Mapping[str, Sample]:
        return {}

    def custom(self, metric: str, pods: Sequence[Manifest], now: Instant) -> Mapping[str, Sample]:
        return {}

    def described(
        self, namespace: str, kind: str, name: str, metric: str, now: Instant
    ) -> int | None:
        return None

    def external(
        self, namespace: str, metric: str, selector: Mapping[str, Any] | None, now: Instant
    ) -> Sequence[int]:
        return ()


NO_METRICS: Metrics = _NoMetrics()


class Unavailable(Exception):
    """A metric that cannot be computed. `detail` stands in the event, the text in the summary."""

    def __init__(self, reason: str, detail: str, summary: str) -> None:
        super().__init__(summary)
        self.reason = reason
        self.detail = detail
