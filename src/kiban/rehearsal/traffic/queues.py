"""The queues before the services: from rates and serving instances to waits, span by span.

Where instances keep up, the queue is Erlang's with Allen and Cunneen's correction; where they do
not, it is a fluid that grows with what is too much and drains with what is spare. In between it
takes time to build up: the square of a queue's length grows no faster than chance moves it.
"""

from dataclasses import dataclass

import numpy as np

from kiban.rehearsal.traffic.erlang import DelayTable, Indices
from kiban.rehearsal.traffic.exact import Vector, power
from kiban.rehearsal.traffic.machines import Instances

# Nothing is busier than this for the formulas of those who keep up.
_BUSIEST = 0.999
# Below this, queues that had the time to settle have settled.
_EASY = 0.9
_TINY = 1e-9
_TWO_OVER_PI = 0.6366197723675814


@dataclass(frozen=True, slots=True)
class Waiting:
    """The state of the queues over one span. Rates are a second, `each` that of one instance;
    `service` is the time on an instance without calls, `wait` the time before it; `busy` above 1
    is overload. Those dropped had waited as long as their callers would, those `turned_away` found
    the queue full; None when all queues are at rest."""

    served: Vector
    each: Vector
    wait: Vector
    wait_variance: Vector
    service: Vector
    held: Vector
    busy: Vector
    dropped: Vector | None = None
    turned_away: Vector | None = None


class Queues:
    """What waits, by service, and what becomes of it."""

    def __init__(self, instances: Instances, pulled: Vector) -> None:
        self._of = instances
        # Where nobody waits in the queue but what is to be done.
        self._patient = pulled > 0
        self._table = DelayTable()
        self._rows: Indices = self._table.rows(instances.servers)
        self._shares_cores = bool((instances.cores > 1.0).any())
        # Seconds to settle, in service times.
        self._inertia = np.maximum(10.0, instances.workers * instances.spread)
        self.waiting: Vector = np.zeros(len(instances.time), dtype=np.float64)
        self._none: Vector = np.zeros(len(instances.time), dtype=np.float64)
        self.draining: Vector = self._none
        self.is_settled = True
        self._fastest: Vector = np.zeros(0)
        self.slow_down(np.ones(len(instances.time)))

    def slow_down(self, slower: Vector) -> None:
        """From now on requests take so many times as long as they should."""
        of = self._of
        self._time, cpu = of.time * slower, of.cpu * slower
        self._by_cpu = of.cores / cpu
        self._share = cpu / of.cores
        self._all_busy = of.workers * self._share - self._time
        if not len(self._fastest):
            self._fastest = np.minimum(of.workers / self._time, self._by_cpu)

    def capacity(self, serving: Vector) -> Vector:
        """Requests a second that `serving` instances can do, as they were lately."""
        found: Vector = serving * self._fastest
        return found

    def step(self, rate: Vector, serving: Vector, called: Vector, seconds: float) -> Waiting:
        """One span with these rates of requests that reach a serving instance, each of which
        also waits `called` seconds for others."""
        of = self._of
        present = np.maximum(serving, _TINY)
        each = rate / present
        shared = each * self._share
        service = self._time + self._contention(shared, called)
        held = service + called
        by_workers = of.workers / held
        self._fastest = np.minimum(by_workers, self._by_cpu)
        busy = np.maximum(each / by_workers, shared)
        calm = np.minimum(busy, _BUSIEST)
        chance, queues = self._chance(calm, serving)
        settled = chance * of.spread / ((1.0 - calm) * by_workers)
        if of.is_pooled:
            settled = settled * np.where(of.pooled > 0, 1.0 / np.maximum(present, 1.0), 1.0)
        if self._rests(busy, held, seconds):
            self.waiting = rate * settled
            variance = settled * settled * (2.0 / np.maximum(chance, 1e-6) - 1.0)
            return Waiting(rate, each, settled, variance, service, held, busy)
        moved = self._move(rate, serving, rate * settled, queues, seconds)
        # A wait that chance decides varies as Erlang's does, one that a backlog decides hardly.
        spread = np.where(self.draining > 0, 0.01, 2.0 / np.maximum(chance, 1e-6) - 1.0)
        return Waiting(
            served=moved.served,
            each=moved.served / present,
            wait=moved.wait,
            wait_variance=moved.wait * moved.wait * spread,
            service=service,
            held=held,
            busy=busy,
            dropped=moved.dropped,
            turned_away=moved.turned_away,
        )

    def _contention(self, shared: Vector, called: Vector) -> Vector:
        """What sharing the CPU adds to a request; at most what keeps all workers at it."""
        calm = np.minimum(shared, _BUSIEST)
        wait = power(np.maximum(calm, _TINY), self._of.sharing) if self._shares_cores else calm
        most = np.maximum(self._all_busy - called, 0.0)
        return np.minimum(self._share * wait / (1.0 - calm), most)

    def _chance(self, calm: Vector, serving: Vector) -> tuple[Vector, Vector]:
        """The chance to wait, and how many queues there are before each service."""
        if not self._of.is_pooled:
            return self._table.chance(self._rows, calm), serving
        present = np.maximum(serving, 1.0)
        together = np.rint(present).astype(np.int64) * self._of.servers
        pooled = self._of.pooled > 0
        rows = self._table.rows(np.where(pooled, together, self._of.servers))
        return self._table.chance(rows, calm), np.where(pooled, 1.0, present)

    def _rests(self, busy: Vector, held: Vector, seconds: float) -> bool:
        """Whether every queue is as long as it is on average, and was so before."""
        easy = float(np.maximum.reduce(busy, initial=0.0)) < _EASY
        was, self.is_settled = self.is_settled, False
        slowest = float(np.maximum.reduce(held * self._inertia, initial=0.0))
        if easy and was and slowest <= seconds:
            self.is_settled = True
            self.draining = self._none
        return self.is_settled

    def _move(
        self, rate: Vector, serving: Vector, settled: Vector, queues: Vector, seconds: float
    ) -> "_Moved":
        """The queues after a span, and what became of those who stood in them."""
        of, before = self._of, self.waiting
        capacity = self.capacity(serving)
        fluid = np.maximum(before + (rate - capacity) * seconds, 0.0)
        chance = queues * rate * of.spread * (2.0 * _TWO_OVER_PI * seconds)
        by_chance: Vector = np.sqrt(before * before + chance)
        keeps_up = rate < capacity
        by_chance = np.where(keeps_up, np.minimum(settled, by_chance), by_chance)
        flowing = fluid > by_chance
        after: Vector = np.where(flowing, fluid, by_chance)
        patience = np.minimum(after, np.where(self._patient, np.inf, capacity * of.timeout))
        room = np.where(of.backlog > 0, of.backlog * queues, np.inf)
        kept = np.minimum(patience, room)
        served = np.maximum(rate + (before - after) / seconds, 0.0)
        self.waiting = kept
        self.draining = np.where(flowing, kept, 0.0)
        self.is_settled = bool((np.abs(kept - settled) <= 0.05 * settled + 1e-6).all())
        wait = (before + kept) * 0.5 / np.maximum(served, _TINY)
        return _Moved(
            served,
            np.minimum(wait, np.where(self._patient, np.inf, of.timeout)),
            dropped=np.where(patience <= room, (after - kept) / seconds, 0.0),
            turned_away=np.where(patience > room, (after - kept) / seconds, 0.0),
        )


@dataclass(frozen=True, slots=True)
class _Moved:
    """Rates and waits of queues that are on the move."""

    served: Vector
    wait: Vector
    dropped: Vector
    turned_away: Vector
