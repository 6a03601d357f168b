"""One rehearsed cluster: its control plane on the virtual clock, with modelled machines, traffic
and cloud.

    world = World(bundle, Settings(), seed=1)
    world.after(3600, lambda now: world.api.scale(key, 10, now))
    world.run_for(24 * 3600)

Everything that happens is in `world.observations`, figures over time are in `world.series`. The
same source, settings and seed give the same bytes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.controllers.catalog import controllers
from kiban.cluster.controllers.node_lifecycle import MONITOR
from kiban.cluster.executor import InProcessExecutor
from kiban.cluster.history import Write
from kiban.cluster.nodes import NodeGroup, node_manifests
from kiban.cluster.scheduler import Scheduler
from kiban.cluster.scheduler.pace import BURST, REQUESTS_A_SECOND, Pace
from kiban.compiler.bundle import Bundle
from kiban.kube.objects import DEPLOYMENT, ENDPOINT_SLICE, NODE, POD, Manifest
from kiban.primitives.instants import Instant, later, parse_rfc3339, seconds_between
from kiban.reconcile.loop import Task
from kiban.rehearsal.agenda import Act
from kiban.rehearsal.cutting import CuttingSteps, cuts_of
from kiban.rehearsal.driver import VirtualDriver
from kiban.rehearsal.executor import TrustingExecutor
from kiban.rehearsal.fleet import Fleet
from kiban.rehearsal.gateway import PROPAGATION_SECONDS, Gateway
from kiban.rehearsal.machines import Machines, ModelledConduct, ServiceModel
from kiban.rehearsal.metering import Metering
from kiban.rehearsal.observations import Observations
from kiban.rehearsal.occurrences import Occurrences
from kiban.rehearsal.pacing import PacedAutoscaler
from kiban.rehearsal.ports import Traffic
from kiban.rehearsal.requests import Requests
from kiban.rehearsal.series import Series
from kiban.rehearsal.source import Source, source_of
from kiban.rehearsal.steps import PodSteps

# A Thursday at midnight, far from a change of summer time.
START = parse_rfc3339("2026-01-15T00:00:00Z")
TICK_SECONDS = 15.0
WARM_UP_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What a rehearsal assumes of everything that the manifests do not say.

    `nodes` replaces the node groups of the bundle. Traffic and figures begin with the warm-up;
    second 0 of the log and of the series is `start`.
    """

    start: Instant = START
    warm_up_seconds: float = WARM_UP_SECONDS
    tick_seconds: float = TICK_SECONDS
    propagation_seconds: float = PROPAGATION_SECONDS
    nodes: tuple[NodeGroup, ...] | None = None
    services: Mapping[str, ServiceModel] = field(default_factory=dict)
    default_service: ServiceModel = field(default_factory=ServiceModel)
    # What a scheduler may tell the API server in a second, after a burst; None: as much as it can.
    scheduler_pace: tuple[float, int] | None = (REQUESTS_A_SECOND, BURST)
    # Off, nothing is taken for granted: autoscalers run even where a run changes nothing but
    # their status, and what controllers write is checked. The log is the same, only later.
    skips_quiet: bool = True


class Cloud(Protocol):
    """Who makes machines come and go. Called once, before the clock starts."""

    def attach(self, world: "World") -> None: ...


class World:
    """One cluster under rehearsal. Made ready at once; `run_until` lets time pass."""

    def __init__(
        self,
        source: Bundle | Iterable[Manifest],
        settings: Settings | None = None,
        seed: int | str = 1,
        *,
        traffic: Traffic | None = None,
        cloud: Cloud | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.source: Source = source_of(source)
        begin = later(self.settings.start, -self.settings.warm_up_seconds)
        self.fleet = Fleet(self.source.services, begin)
        self.observations = Observations(self.settings.start)
        self.series = Series(self.fleet.services)
        self.traffic = traffic
        self.metering = Metering(self.fleet, traffic)
        self.conduct = ModelledConduct(
            self.settings.services, default=self.settings.default_service
        )
        self._seed = seed
        self._accounted = begin
        self._build(begin, cloud)

    def _build(self, begin: Instant, cloud: Cloud | None) -> None:
        occurrences = Occurrences(self.observations)
        steps = self._steps()
        self.machines = Machines(self.conduct, steps, self._node_fell_silent)
        pace = PacedAutoscaler(self.metering, self.fleet) if self.settings.skips_quiet else None
        self.cluster: Cluster = assembled(
            self._seed,
            controllers(
                metrics=self.metering,
                heartbeats=self.machines.heartbeats,
                autoscaler=pace,
                scheduler=self._scheduler(),
            ),
            tracks_ownership=False,
            executor=TrustingExecutor if self.settings.skips_quiet else InProcessExecutor,
        )
        # Nobody watches from outside.
        self.cluster.store.history_limit = 0
        if pace is not None:
            loop, name = self.cluster.loop, pace.name
            pace.wake = lambda key, at: loop.wake(Task(name, key), at)
        self.cluster.executor.hear = occurrences.hear
        self.driver = VirtualDriver(self.cluster, begin)
        self.api = Requests(self.cluster.registry, namespace=self.source.namespace)
        self.machines.attach(self.api, self.driver.at)
        if isinstance(steps, CuttingSteps):
            steps.api = self.api
        self._gateway = Gateway(self.driver.at, steps.routed, self.settings.propagation_seconds)
        self._hear_of_writes(occurrences)
        self._furnish(begin, cloud)

    def _scheduler(self) -> Scheduler:
        pace = self.settings.scheduler_pace
        return Scheduler(Pace(*pace) if pace is not None else None)

    def _steps(self) -> PodSteps:
        """Who hears of pods' steps: with traffic, also what requests end with them."""
        fleet, log, unrouted = self.fleet, self.observations, self.source.unrouted
        cuts = cuts_of(self.traffic)
        if cuts is None:
            return PodSteps(fleet, log, unrouted)
        return CuttingSteps(fleet, log, unrouted, cuts, self.settings.propagation_seconds)

    def _furnish(self, begin: Instant, cloud: Cloud | None) -> None:
        """Fill the new cluster: what every cluster has, machines, then the manifests."""
        self.cluster.bootstrap(begin)
        self.driver.settle()
        if cloud is not None:
            cloud.attach(self)
        else:
            groups = self.settings.nodes
            for node in node_manifests(self.source.groups if groups is None else groups):
                self.machines.add(node, begin)
        self.driver.settle()
        for manifest in self.source.manifests:
            if self.cluster.registry.kinds.of_manifest(manifest) is None:
                self.observations.note(
                    begin, "skipped", kind=manifest["kind"], name=manifest["metadata"]["name"]
                )
                continue
            self.api.create(manifest, begin)
            self.driver.settle()
        self.driver.at(later(begin, self.settings.tick_seconds), self._tick)

    # Time

    @property
    def now(self) -> Instant:
        return self.driver.now

    @property
    def seconds(self) -> float:
        """Seconds since `settings.start`; negative during the warm-up."""
        return seconds_between(self.settings.start, self.driver.now)

    def at(self, instant: Instant, act: Act) -> None:
        """Plan something that happens outside the cluster."""
        self.driver.at(instant, act)

    def after(self, seconds: float, act: Act) -> None:
        """Plan something so many seconds after the start."""
        self.driver.at(later(self.settings.start, seconds), act)

    def run_until(self, end: Instant) -> None:
        self.driver.run_until(end)

    def run_for(self, seconds: float) -> None:
        """Run until so many seconds after the start, warm-up included when it is not over."""
        self.driver.run_until(later(self.settings.start, seconds))

    # What is seen

    def _hear_of_writes(self, occurrences: Occurrences) -> None:
        """Who sees what is written of which kind."""
        self.driver.watch(self._see_pod, POD)
        self.driver.watch(self._see_slice, ENDPOINT_SLICE)
        self.driver.watch(self._see_node, NODE)
        self.driver.watch(occurrences.see, DEPLOYMENT, NODE)

    def _see_pod(self, write: Write, now: Instant) -> None:
        before = write.before.object if write.before else None
        after = write.after.object if write.after else None
        self.machines.observe(before, after, now)

    def _see_slice(self, write: Write, now: Instant) -> None:
        self._gateway.observe(write.key, write.after.object if write.after else None, now)

    def _see_node(self, write: Write, now: Instant) -> None:
        if write.after is None:
            self.machines.heartbeats.forget(write.key.name)

    def _node_fell_silent(self, now: Instant) -> None:
        self.cluster.loop.wake(Task("node-lifecycle-controller", MONITOR), now)

    def _tick(self, now: Instant) -> None:
        """Let the traffic of the last span happen, measure, and keep the figures."""
        self._account(now)
        self.metering.take(now)
        self.driver.at(later(now, self.settings.tick_seconds), self._tick)

    def _account(self, now: Instant) -> None:
        if self.traffic is None or now <= self._accounted:
            return
        flow = self.traffic.tick(self._accounted, now, self.fleet)
        self._accounted = now
        seconds = self.seconds
        if seconds < 0:
            return
        for name, vector in flow.vectors().items():
            self.series.add(seconds, name, vector)
        self.series.add(seconds, "ready", self.fleet.ready.astype(np.float64))
        self.series.add(seconds, "nodes", float(len(self.machines.machines)))
