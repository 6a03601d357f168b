"""What the autoscaler is told pods use: the traffic's model through the window of a metrics server.

A metrics server scrapes every 15 s and shows the mean of the last window, so a pod has no sample
until a whole window of its life was seen.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kiban.cluster.controllers.horizontal_pod_autoscaler import Sample
from kiban.cluster.usage.measurements import RESOLUTION_SECONDS
from kiban.kube.objects import Manifest
from kiban.primitives.instants import MICROSECONDS, Instant
from kiban.rehearsal.fleet import Fleet
from kiban.rehearsal.ports import Traffic, Usage

SCRAPE_WINDOW = round(RESOLUTION_SECONDS * MICROSECONDS)


class Metering:
    """The `Metrics` of a rehearsal. `take` scrapes: the world calls it at every window's end."""

    def __init__(self, fleet: Fleet, traffic: Traffic | None) -> None:
        self._fleet = fleet
        self._traffic = traffic
        self.usage: Usage | None = None
        self.at = Instant(0)

    def take(self, now: Instant) -> None:
        """Measure all pods."""
        if self._traffic is not None:
            self.usage, self.at = self._traffic.usage(), now

    def each(self, resource: str, service: int) -> tuple[int, int]:
        """What a ready and a starting pod of a service uses, in thousandths."""
        usage = self.usage
        assert usage is not None, "it was measured before"
        if resource == "cpu":
            return int(usage.cpu_ready[service]), int(usage.cpu_starting[service])
        return int(usage.memory_ready[service]) * 1000, int(usage.memory_starting[service]) * 1000

    def resource(
        self, resource: str, pods: Sequence[Manifest], now: Instant
    ) -> Mapping[str, Sample]:
        usage, fleet = self.usage, self._fleet
        if usage is None or resource not in ("cpu", "memory"):
            return {}
        is_cpu = resource == "cpu"
        ready = usage.cpu_ready if is_cpu else usage.memory_ready
        starting = usage.cpu_starting if is_cpu else usage.memory_starting
        scale = 1 if is_cpu else 1000
        found: dict[str, Sample] = {}
        made: dict[tuple[str, str, bool], Sample] = {}
        known, latest = fleet.known, self.at - SCRAPE_WINDOW
        for pod in pods:
            metadata = pod["metadata"]
            view = known.get(metadata["uid"])
            if view is None or view.started_at is None or view.started_at > latest:
                continue
            container = pod["spec"]["containers"][0]["name"]
            same = (container, view.service, view.is_ready)
            sample = made.get(same)
            if sample is None:
                vector = ready if view.is_ready else starting
                value = int(vector[fleet.index[view.service]]) * scale
                sample = made[same] = Sample({container: value}, self.at, RESOLUTION_SECONDS)
            found[metadata["name"]] = sample
        return found

    def custom(self, metric: str, pods: Sequence[Manifest], now: Instant) -> Mapping[str, Sample]:
        return self._traffic.custom(metric, pods, now) if self._traffic is not None else {}

    def described(
        self, namespace: str, kind: str, name: str, metric: str, now: Instant
    ) -> int | None:
        return None

    def external(
        self, namespace: str, metric: str, selector: Mapping[str, Any] | None, now: Instant
    ) -> Sequence[int]:
        if self._traffic is None:
            return ()
        return self._traffic.external(namespace, metric, selector, now)
