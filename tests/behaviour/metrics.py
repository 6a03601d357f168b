"""The metrics of a recorded scenario: curves over time, always fresh."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from names import Manifest

from kiban.cluster.controllers.horizontal_pod_autoscaler import Sample
from kiban.kube.objects import get_in, is_true
from kiban.primitives.instants import Instant, seconds_between

WINDOW_SECONDS = 15.0


class RecordedMetrics:
    """The `Metrics` of `setup.metrics`; `alias` gives a pod's name in the recording."""

    def __init__(
        self, setup: dict[str, Any] | None, zero: Instant, alias: Callable[[Manifest], str]
    ) -> None:
        self._setup = setup or {}
        self._zero = zero
        self._alias = alias

    def resource(
        self, resource: str, pods: Sequence[Manifest], now: Instant
    ) -> Mapping[str, Sample]:
        curve = self._setup.get(resource)
        value = self._at(curve["points"], now) if curve else None
        if curve is None or value is None:
            return {}
        missing = curve.get("missing", [])
        ready = [pod for pod in pods if is_true(pod, "Ready")]
        found: dict[str, Sample] = {}
        for pod in pods:
            if get_in(pod, "status", "phase") != "Running" or self._alias(pod) in missing:
                continue
            milli = value
            if curve["mode"] == "total":
                milli = value // len(ready) if is_true(pod, "Ready") else 0
            container = pod["spec"]["containers"][0]["name"]
            name = pod["metadata"]["name"]
            found[name] = Sample({container: int(milli)}, now, WINDOW_SECONDS)
        return found

    def custom(self, metric: str, pods: Sequence[Manifest], now: Instant) -> Mapping[str, Sample]:
        return {}

    def described(
        self, namespace: str, kind: str, name: str, metric: str, now: Instant
    ) -> int | None:
        return None

    def external(
        self, namespace: str, metric: str, selector: Mapping[str, Any] | None, now: Instant
    ) -> Sequence[int]:
        points = self._setup.get("external", {}).get(metric)
        value = self._at(points, now) if points else None
        return [] if value is None else [round(value * 1000)]

    def _at(self, points: list[list[Any]], now: Instant) -> Any:
        t = seconds_between(self._zero, now)
        values = [value for second, value in points if second <= t]
        return values[-1] if values else None
