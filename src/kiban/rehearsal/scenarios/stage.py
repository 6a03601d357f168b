"""Where a scenario is played: a world with its traffic and its cloud, and what a person who acts
in it would know how to find."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kiban.kube.objects import (
    DAEMON_SET,
    DEPLOYMENT,
    STATEFUL_SET,
    GroupKind,
    Key,
    Manifest,
)
from kiban.primitives.instants import Instant
from kiban.rehearsal.cloud import Cloud
from kiban.rehearsal.naming import service_of
from kiban.rehearsal.scenarios.watching import Watch
from kiban.rehearsal.traffic import Models, Objective, TrafficModel
from kiban.rehearsal.world import World

WORKLOADS: tuple[GroupKind, ...] = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET)
FIRST, BUSIEST, ALL = "first", "busiest", "*"


@dataclass(slots=True)
class Stage:
    """A world made ready, before its clock starts. `sizes` and `suspended` are what sleep leaves
    for waking."""

    world: World
    traffic: TrafficModel
    cloud: Cloud | None = None
    objectives: Mapping[str, Objective] = field(default_factory=dict)
    watch: Watch = field(init=False)
    sizes: list[tuple[Key, int]] = field(default_factory=list)
    suspended: list[Key] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch = Watch(self.world)

    @property
    def models(self) -> Models:
        return self.traffic.models

    def note(self, now: Instant, what: str, **fields: object) -> None:
        self.world.observations.note(now, what, **fields)

    # Finding

    def workload(self, service: str) -> Manifest | None:
        """The Deployment, StatefulSet or DaemonSet of a service."""
        for kind in WORKLOADS:
            for manifest in self.world.api.list(kind, self.world.source.namespace):
                if service_of(manifest) == service:
                    return manifest
        return None

    def services(self, target: str) -> list[str]:
        """The services that an act is about: one, all of them, or the one that is asked most."""
        order = list(self.traffic.order)
        if target == ALL:
            return order
        if target == BUSIEST:
            return [self.busiest_service()] if order else []
        return [target]

    def busiest_service(self) -> str:
        """The service to which most comes from outside, by now or by its peak."""
        services = self.models.services
        known = [name for name in self.traffic.order if name in services]
        return max(known, key=lambda name: (services[name].peak, name), default="")

    def busiest_dependency(self) -> str:
        """What most services' requests depend on: the resource with most calls for each request
        of those outside, or a service when there is no resource."""
        called: dict[str, float] = {}
        rates = self.rates()
        for name in self.traffic.order:
            traits = self.models.services.get(name)
            for call in traits.calls if traits is not None else ():
                if not call.queued:
                    called[call.to] = called.get(call.to, 0.0) + rates.get(name, 0.0) * call.times
        resources = {name: called[name] for name in called if name in self.models.dependencies}
        ranked = resources or called
        return max(sorted(ranked), key=lambda name: ranked[name], default="")

    def rates(self) -> dict[str, float]:
        """The latest rates by service; the peaks while there is no traffic yet."""
        flow = self.traffic.latest
        if flow is None:
            return {name: one.peak for name, one in self.models.services.items()}
        return dict(zip(self.traffic.order, flow.arrivals.tolist(), strict=True))

    def zone(self, target: str) -> str:
        """A zone by name, or the first one."""
        zones = sorted({machine.zone for machine in self.world.machines.machines.values()})
        return (zones[0] if zones else "") if target == FIRST else target
