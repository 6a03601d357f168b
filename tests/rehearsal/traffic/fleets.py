"""Fleets of pods as a world would have counted them, and traffic on them."""

from collections.abc import Mapping

from kiban.primitives.chance import Chance
from kiban.primitives.instants import MICROSECONDS, Instant
from kiban.rehearsal.fleet import Fleet, PodView
from kiban.rehearsal.traffic import (
    DependencyModel,
    ExternalMetric,
    Load,
    LoadPlan,
    Models,
    Objective,
    ServiceTraits,
    TrafficModel,
)
from kiban.rehearsal.traffic.flow import Flow
from kiban.rehearsal.traffic.shapes import Constant, Curve

ZERO = Instant(0)


def at(seconds: float) -> Instant:
    return Instant(round(seconds * MICROSECONDS))


def pod(service: str, number: int, revision: str = "old") -> PodView:
    name = f"{service}-{revision}-{number}"
    return PodView(
        name, name, service, "node", "zone", 250, None, 2**26, None, ZERO, revision=revision
    )


class Town:
    """Some services with their pods, and their traffic at a steady rate unless told otherwise."""

    def __init__(
        self,
        *services: ServiceTraits,
        pods: Mapping[str, int] | int = 1,
        curve: Curve | None = None,
        dependencies: Mapping[str, DependencyModel] | None = None,
        metrics: Mapping[str, ExternalMetric] | None = None,
        objectives: Mapping[str, Objective] | None = None,
        noise: float = 0.0,
        seed: int = 1,
    ) -> None:
        models = Models(
            {one.name: one for one in services}, dependencies or {}, metrics or {}, noise
        )
        order = sorted(models.services)
        self.fleet = Fleet(order, ZERO)
        self.now = 0.0
        for name in order:
            self.add(name, pods if isinstance(pods, int) else pods.get(name, 0))
        plan = LoadPlan(curve or Constant())
        load = Load(models, order, plan, Chance(seed))
        self.traffic = TrafficModel(models, order, load, ZERO, objectives)

    def add(self, service: str, count: int, revision: str = "old") -> None:
        """Pods that are ready and routed to."""
        for number in range(count):
            one = pod(service, number, revision)
            self.fleet.add(one, at(self.now))
            self.fleet.change(
                one.uid,
                at(self.now),
                is_starting=False,
                is_ready=True,
                is_serving=True,
                is_routed=True,
            )

    def run(self, seconds: float, step: float = 15.0) -> Flow:
        end = self.now + seconds
        flow = None
        while self.now < end - 1e-9:
            until = min(self.now + step, end)
            flow = self.traffic.tick(at(self.now), at(until), self.fleet)
            self.now = until
        assert flow is not None
        return flow

    def lost(self) -> dict[tuple[str, str], float]:
        return {key: value for key, value in self.traffic.losses.by_service().items() if value > 1}
