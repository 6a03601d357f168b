"""The autoscaler's metrics from what was measured on this machine.

`cpu` and `memory` come from the pods' processes. The figures of services (requests, errors and
durations, see `usage.measurements`) can be asked for as a metric of the pods behind them, of the
object `Service`, or from outside with the label `service`. The gateway spreads requests evenly
over the pods, so each gets an equal share.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kiban.cluster.controllers.horizontal_pod_autoscaler.metrics import Sample
from kiban.cluster.controllers.pods import phase_of
from kiban.cluster.usage.behind import is_behind
from kiban.cluster.usage.measurements import DURATIONS, MetricsView, PodUsage, ServiceLoad
from kiban.kube.objects import Manifest, is_deleting
from kiban.kube.selectors import selector_from_object
from kiban.primitives.instants import Instant

SERVICE_LABEL = "service"
NANO_PER_MILLI = 1_000_000


class MeasuredMetrics:
    """The `Metrics` of a view that somebody keeps up to date."""

    def __init__(self, view: MetricsView) -> None:
        self._view = view

    def resource(
        self, resource: str, pods: Sequence[Manifest], now: Instant
    ) -> Mapping[str, Sample]:
        measured = self._view.fresh(now)
        if measured is None or resource not in ("cpu", "memory"):
            return {}
        found: dict[str, Sample] = {}
        for pod in pods:
            usage = measured.pods.get(pod["metadata"]["uid"])
            if usage is not None:
                found[pod["metadata"]["name"]] = _sample(usage, resource)
        return found

    def custom(self, metric: str, pods: Sequence[Manifest], now: Instant) -> Mapping[str, Sample]:
        measured = self._view.fresh(now)
        serving = [pod for pod in pods if phase_of(pod) == "Running" and not is_deleting(pod)]
        if measured is None or not serving:
            return {}
        found: dict[str, int] = {}
        for load in self._loads(serving[0]["metadata"]["namespace"], metric, now):
            behind = [pod["metadata"]["name"] for pod in serving if is_behind(pod, load)]
            for name, value in _spread(load, behind, metric):
                present = found.get(name, 0)
                found[name] = max(present, value) if metric in DURATIONS else present + value
        at, window = measured.at, measured.window_seconds
        return {name: Sample({"": value}, at, window) for name, value in found.items()}

    def described(
        self, namespace: str, kind: str, name: str, metric: str, now: Instant
    ) -> int | None:
        if kind != "Service":
            return None
        loads = self._loads(namespace, metric, now)
        return next((load.figures[metric] for load in loads if load.name == name), None)

    def external(
        self, namespace: str, metric: str, selector: Mapping[str, Any] | None, now: Instant
    ) -> Sequence[int]:
        chosen = selector_from_object(selector or {})
        told = [
            one.value
            for one in self._view.told(now)
            if (one.namespace, one.metric) == (namespace, metric)
            and chosen.chooses({"metadata": {"labels": one.labels}})
        ]
        return told + [
            load.figures[metric]
            for load in self._loads(namespace, metric, now)
            if chosen.chooses({"metadata": {"labels": {SERVICE_LABEL: load.name}}})
        ]

    def _loads(self, namespace: str, metric: str, now: Instant) -> Iterator[ServiceLoad]:
        measured = self._view.fresh(now)
        for load in measured.services if measured else ():
            if load.namespace == namespace and metric in load.figures:
                yield load


def _sample(usage: PodUsage, resource: str) -> Sample:
    milli = {
        name: -(-used.cpu_nano // NANO_PER_MILLI) if resource == "cpu" else used.memory_bytes * 1000
        for name, used in usage.containers.items()
    }
    return Sample(milli, usage.at, usage.window_seconds)


def _spread(load: ServiceLoad, pods: Sequence[str], metric: str) -> Iterator[tuple[str, int]]:
    """What each pod has of a service's figure: its share of a rate, but the whole of a duration."""
    value = load.figures[metric]
    if metric in DURATIONS or not pods:
        yield from ((name, value) for name in pods)
        return
    share, rest = divmod(value, max(len(pods), load.pods))
    for index, name in enumerate(sorted(pods)):
        yield name, share + (index < rest)
