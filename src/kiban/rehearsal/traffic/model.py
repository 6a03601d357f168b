"""The traffic of all services, one span after another: the model that a world ticks.

Each span: what comes from outside, what the callers make of it down the graph, what waits and is
served, how long answers take up the graph, what fails and why, and what the instances used.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kiban.cluster.controllers.horizontal_pod_autoscaler import Sample
from kiban.compiler.bundle import SERVICE_LABEL
from kiban.kube.objects import Manifest, labels_of
from kiban.primitives.instants import MICROSECONDS, Instant
from kiban.rehearsal.fleet import Fleet, Span
from kiban.rehearsal.ports import Usage
from kiban.rehearsal.traffic.closure import Closure
from kiban.rehearsal.traffic.disturbances import Disturbances, Warmth
from kiban.rehearsal.traffic.exact import Vector, any_of, exp_of
from kiban.rehearsal.traffic.fates import Fates, Gone, fates, gone, no_fates
from kiban.rehearsal.traffic.flow import Flow
from kiban.rehearsal.traffic.graph import CallGraph, call_graph
from kiban.rehearsal.traffic.ledger import Ledger, Objective
from kiban.rehearsal.traffic.load import Load
from kiban.rehearsal.traffic.losses import Losses
from kiban.rehearsal.traffic.machines import Instances, instances
from kiban.rehearsal.traffic.parameters import DependencyModel, Models
from kiban.rehearsal.traffic.queues import Queues, Waiting
from kiban.rehearsal.traffic.responses import NOBODY, Reach, Responses, answered, offered
from kiban.rehearsal.traffic.sources import Sources
from kiban.rehearsal.traffic.tails import beyond, exceeds
from kiban.rehearsal.traffic.window import WINDOW_SECONDS, UsageWindow

# What the compiler asks the autoscaler to scale by when a service says `scale.requests`.
REQUESTS_METRIC = "http_requests_per_second"
_TINY = 1e-6


class TrafficModel:
    """Implements `ports.Traffic` for the services of a fleet, in the same order."""

    def __init__(
        self,
        models: Models,
        order: Sequence[str],
        load: Load,
        zero: Instant,
        objectives: Mapping[str, Objective] | None = None,
    ) -> None:
        self.models = models
        self.order = tuple(order)
        self.load = load
        self.graph = call_graph(models, order)
        self.disturbances = Disturbances(self.graph.nodes, len(order), _warmth(models))
        self.losses = Losses(order)
        self.ledger = Ledger(order, objectives or {})
        self.latest: Flow | None = None
        self._index = {name: number for number, name in enumerate(order)}
        self._zero = zero
        self._of = instances(models, order)
        peaks = [models.services[n].peak if n in models.services else 0.0 for n in order]
        self._pulled = self.graph.pulled(np.array(peaks, dtype=np.float64))
        self._queues = Queues(self._of, self._pulled)
        self._window = UsageWindow(self._of.start_cpu, self._of.start_memory, zero)
        self._closure = Closure(self.graph)
        self._late: Vector = np.zeros(len(order), dtype=np.float64)
        self._adds_up = self._closure.is_usable and self.graph.is_sequential
        self._well = no_fates(len(order))
        self._none_gone = Gone(self._late, self._late, self._late, self._late)
        self._fails = False
        self._counts = False
        self._cpu = self._of.cpu
        self._sources = Sources(models.metrics, order, zero)
        self._resting = _resting(models, self.graph, self._of)
        self._before = self._resting
        self._least_timeout = self.graph.least_timeouts(self._of.timeout)
        self._began: Vector = np.zeros(len(self.graph.nodes), dtype=np.float64)
        self._called: Vector = np.zeros(len(order), dtype=np.float64)

    # What a world asks

    def tick(self, since: Instant, until: Instant, fleet: Fleet) -> Flow:
        """Let the requests of a span happen, during which the fleet is as it is on average."""
        if self.disturbances.refresh(fleet, until):
            slower = self.disturbances.slower[: len(self.order)]
            self._queues.slow_down(slower)
            self._cpu = self._of.cpu * slower
            self._fails = self._fails or self.disturbances.has_errors
        span = fleet.mean_over(until)
        seconds = max((until - since) / MICROSECONDS, 1e-6)
        arrivals, lost = self._offered((since + until) // 2, span, seconds)
        waiting = self._queues.step(
            arrivals if lost is None else arrivals * lost.reached,
            span.serving,
            self._called,
            seconds,
        )
        fate = self._fate(arrivals, lost, waiting)
        own = self._own(waiting, fate)
        whole, blamed = self._answered(own)
        self._called = whole.mean[: len(self.order)] - own.mean[: len(self.order)]
        flow = self._flow(seconds, arrivals, span, waiting, fate, blamed)
        self._account(flow, since, until)
        return flow

    def usage(self) -> Usage:
        """What one ready and one starting instance of each service used in the last window."""
        return self._window.usage()

    def custom(self, metric: str, pods: Sequence[Manifest], now: Instant) -> Mapping[str, Sample]:
        """Requests a second, by pod name, as a metrics adapter tells them."""
        at = self._window.at
        if metric != REQUESTS_METRIC or at is None:
            return {}
        found = {}
        for pod in pods:
            service = self._index.get(labels_of(pod).get(SERVICE_LABEL, ""))
            if service is not None:
                value = self._window.requests(service)
                found[pod["metadata"]["name"]] = Sample({"": value}, at, WINDOW_SECONDS)
        return found

    def external(
        self, namespace: str, metric: str, selector: Mapping[str, Any] | None, now: Instant
    ) -> Sequence[int]:
        """The latest value of a metric from outside that can be seen by now."""
        value = self._sources.seen(metric, now)
        return () if value is None else (value,)

    def ends_gracefully(self, service: str) -> bool:
        """Whether a program finishes what it has begun when it is told to stop."""
        traits = self.models.services.get(service)
        return traits is None or traits.stop == "graceful"

    def cut(self, service: str, pods: int, cause: str, after: float = 0.0) -> float:
        """Count the requests that end with their instances: those which are still unanswered
        `after` seconds of finishing what they had begun. What came from a queue goes back to it."""
        flow, number = self.latest, self._index[service]
        if flow is None or not self._counts or self._pulled[number]:
            return 0.0
        held = max(self._called.item(number) + self._of.time.item(number), _TINY)
        lost = pods * flow.in_flight.item(number) * exp_of(-after / held)
        if lost < _TINY:
            return 0.0
        self.losses.add_one(cause, number, lost)
        self.ledger.failed[number] += lost
        return lost

    def seconds_at(self, now: Instant) -> float:
        """The time by which curves and surges count."""
        return (now - self._zero) / MICROSECONDS

    # The parts of a span

    def _offered(self, middle: int, span: Span, seconds: float) -> tuple[Vector, Gone | None]:
        """The rates at which requests come to the services, and which shares reach no instance
        that serves; None when all do."""
        count, nodes = len(self.order), len(self.graph.nodes)
        outside = self.load.at((middle - self._zero) / MICROSECONDS)
        capacity = self._queues.capacity(span.serving)
        if self._is_calm(span):
            rate = self._closure.rates(outside)
            arrivals = rate[:count]
            if not any_of(arrivals > capacity) and self._finds_all(arrivals, span):
                self._began = rate
                return arrivals, None
        share, more, most = np.ones(nodes), np.zeros(nodes), np.full(nodes, np.inf)
        lost = gone(span, self._pulled)
        share[:count] = lost.reached
        more[:count] = self._queues.draining / seconds
        most[:count] = capacity
        reach = Reach(share, more, most)
        rate = offered(self.graph, outside * self._tries(), reach, self._before, self._began)
        self._began = reach.begun(rate)
        return rate[:count], lost

    def _is_calm(self, span: Span) -> bool:
        """Whether nothing stands between those who ask and those who answer."""
        return (
            span.is_whole
            and not self._fails
            and self._queues.is_settled
            and self._closure.is_usable
        )

    def _finds_all(self, arrivals: Vector, span: Span) -> bool:
        """Whether nobody asks for a service that has no instance."""
        return span.is_manned or not np.count_nonzero(arrivals * span.unrouted_share)

    def _fate(self, arrivals: Vector, lost: Gone | None, waiting: Waiting) -> Fates:
        """What becomes of what comes to each service, before it asks others."""
        if lost is None:
            if waiting.dropped is None:
                return self._well
            lost = self._none_gone
        errors = self.disturbances.errors[: len(self.order)]
        return fates(arrivals, lost, waiting, errors, self._late)

    def _answered(self, own: Responses) -> tuple[Responses, Vector | None]:
        """How each node answers with all it calls, and the shares that fail because of those."""
        if self._fails or not self._adds_up or np.count_nonzero(own.failing):
            whole, blamed = answered(self.graph, own, self._before)
            self._fails = whole.fails
            self._before = whole
            return whole, blamed if blamed.any() else None
        mean = self._closure.totals(own.mean)
        variance = self._closure.variances(own.variance, mean)
        self._before = Responses(mean, variance, own.failing, own.hanging)
        return self._before, None

    def _tries(self) -> Vector | float:
        """How often those outside ask, because they try again what failed."""
        most = int(self._of.client_retries.max(initial=0))
        failing = self._before.failing[: len(self.order)]
        if most == 0 or not failing.any():
            return 1.0
        again, total = np.ones_like(failing), np.ones_like(failing)
        for attempt in range(1, most + 1):
            again = again * failing * (self._of.client_retries >= attempt)
            total = total + again
        return total

    def _own(self, waiting: Waiting, fate: Fates) -> Responses:
        """How each node answers by itself."""
        count, slower = len(self.order), self.disturbances.slower
        mean, variance = self._resting.mean * slower, self._resting.variance.copy()
        mean[:count] = waiting.wait + waiting.service
        variance[:count] = (
            waiting.wait_variance + waiting.service * waiting.service * self._of.variation
        )
        if fate is self._well:
            return Responses(mean, variance, self._resting.failing, self._resting.failing)
        failing, hanging = self.disturbances.errors.copy(), np.zeros_like(mean)
        failing[:count], hanging[:count] = fate.failing, fate.hanging
        return Responses(mean, variance, failing, hanging)

    def _flow(
        self,
        seconds: float,
        arrivals: Vector,
        span: Span,
        waiting: Waiting,
        fate: Fates,
        blamed: Vector | None,
    ) -> Flow:
        count, of, whole = len(self.order), self._of, self._before
        mean, variance = whole.mean[:count], whole.variance[:count]
        causes = dict(fate.by_cause)
        if blamed is not None:
            causes["dependency"] = blamed[:count]
        each = waiting.each
        in_flight = each * waiting.held
        in_flight += self._queues.waiting / np.maximum(span.serving, 1.0)
        cpu = each * self._cpu + of.idle_cpu
        memory = in_flight * of.memory_each + of.memory
        self._tell_late(mean, variance)
        return Flow(
            seconds=seconds,
            patience=of.timeout,
            arrivals=arrivals,
            served=waiting.served,
            serving=span.serving,
            failed={cause: causes[cause] * arrivals for cause in causes},
            mean=mean,
            variance=variance,
            busy=waiting.busy,
            waiting=self._queues.waiting,
            each=each,
            in_flight=in_flight,
            cpu=np.minimum(cpu, of.cores),
            memory=memory * self.disturbances.memory,
        )

    def _tell_late(self, mean: Vector, variance: Vector) -> None:
        """The share of what is answered that its caller gave up on, for the next span."""
        if not any_of(exceeds(mean, variance, self._least_timeout)):
            self._late = self._well.failing
            return
        late = beyond(mean, variance, self._of.timeout) * (1.0 - self._pulled)
        self._late = np.where(late > NOBODY, late, 0.0)
        self._fails = True

    def _account(self, flow: Flow, since: Instant, until: Instant) -> None:
        self.latest = flow
        self._window.add((flow.cpu, flow.each, flow.memory), since, until)
        self._sources.feed(flow, until)
        # What happens before the start is to warm up and is not held against anybody.
        self._counts = since >= self._zero
        if not self._counts:
            return
        failed = None
        if flow.failed:
            for cause in flow.failed:
                self.losses.add(cause, flow.failed[cause] * flow.seconds)
            failed = np.minimum(flow.failures(), flow.arrivals) * flow.seconds
        self.ledger.add(flow, failed)


def _resting(models: Models, graph: CallGraph, of: Instances) -> Responses:
    """How every node answers when nothing waits."""
    others = [
        models.dependencies.get(name) or DependencyModel(name)
        for name in graph.nodes[graph.services :]
    ]
    time = np.concatenate([of.time, np.array([one.time for one in others], dtype=np.float64)])
    spread = np.concatenate(
        [of.variation, np.array([one.variation for one in others], dtype=np.float64)]
    )
    none: Vector = np.zeros(len(graph.nodes), dtype=np.float64)
    return Responses(time, time * time * spread, none, none)


def _warmth(models: Models) -> dict[str, Warmth]:
    """The services whose instances are slow at first."""
    return {
        name: Warmth(one.warm, one.warm_factor)
        for name, one in models.services.items()
        if one.warm > 0 and one.warm_factor != 1.0
    }
