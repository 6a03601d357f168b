"""The queues before the services: from rates and serving instances to waits, span by span.

Where instances keep up, the queue is Erlang's with Allen and Cunneen's correction; where they do
not, it is a fluid that grows with what is too much and drains with what is spare. In between it
takes time to build up: the square of a queue's length grows no faster than chance moves it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.rehearsal.traffic.erlang import DelayTable, Indices
from kiban.rehearsal.traffic.exact import Vector, power
from kiban.rehearsal.traffic.machines import Instances

Flags = NDArray[np.bool_]

# Nothing is busier than this for the formulas of those who keep up.
_BUSIEST = 0.999
_TINY = 1e-9
_TWO_OVER_PI = 0.6366197723675814


@dataclass(frozen=True, slots=True)
class Waiting:
    """The state of the queues over one span. Rates are a second; `service` is the time on an
    instance without calls, `wait` the time before it; `busy` above 1 is overload."""

    served: Vector
    dropped: Vector
    wait: Vector
    wait_variance: Vector
    service: Vector
    capacity: Vector
    busy: Vector
    busy_cpu: Vector


class Queues:
    """What waits, by service, and what becomes of it."""

    def __init__(self, instances: Instances) -> None:
        self._of = instances
        self._table = DelayTable()
        self._rows: Indices = self._table.rows(instances.servers)
        self._shares_cores = bool((instances.cores > 1.0).any())
        self.waiting: Vector = np.zeros(len(instances.time), dtype=np.float64)

    def capacity(self, serving: Vector, called: Vector, slower: Vector) -> Vector:
        """Requests a second that `serving` instances can do, when each also waits `called`
        seconds for others."""
        of = self._of
        by_workers = of.workers / (of.time * slower + called)
        by_cpu = of.cores / (of.cpu * slower)
        found: Vector = serving * np.minimum(by_workers, by_cpu)
        return found

    def step(
        self, rate: Vector, serving: Vector, called: Vector, slower: Vector, seconds: float
    ) -> Waiting:
        """One span with these rates of requests that reach a serving instance."""
        of = self._of
        present = np.maximum(serving, _TINY)
        each = rate / present
        busy_cpu = each * of.cpu * slower / of.cores
        service = of.time * slower + self._contention(busy_cpu, slower)
        held = service + called
        by_workers = of.workers / held
        capacity = serving * np.minimum(by_workers, of.cores / (of.cpu * slower))
        busy = each / by_workers
        calm = np.minimum(busy, _BUSIEST)
        chance, queues = self._chance(calm, serving)
        settled = chance * of.spread / ((1.0 - calm) * by_workers * (present / queues))
        served, dropped, wait, flowing = self._move(
            rate, capacity, rate * settled, queues, seconds, busy
        )
        # A wait that chance decides varies as Erlang's does, one that a backlog decides hardly.
        chance = np.maximum(chance, 1e-6)
        variance = wait * wait * np.where(flowing, 0.01, (2.0 - chance) / chance)
        return Waiting(
            served, dropped, wait, variance, service, capacity, np.maximum(busy, busy_cpu), busy_cpu
        )

    def _contention(self, busy_cpu: Vector, slower: Vector) -> Vector:
        """What sharing the CPU adds to a request; at most what it takes when all workers run."""
        of = self._of
        calm = np.minimum(busy_cpu, _BUSIEST)
        shared = power(np.maximum(calm, _TINY), of.sharing) if self._shares_cores else calm
        cpu = of.cpu * slower
        most = cpu * np.maximum(of.workers / of.cores - 1.0, 0.0)
        return np.minimum(cpu / of.cores * shared / (1.0 - calm), most)

    def _chance(self, calm: Vector, serving: Vector) -> tuple[Vector, Vector]:
        """The chance to wait, and how many queues there are before each service."""
        present = np.maximum(serving, 1.0)
        alone = self._table.chance(self._rows, calm)
        if not self._of.is_pooled:
            return alone, present
        together = np.rint(present).astype(np.int64) * self._of.servers
        pooled = self._of.pooled > 0
        rows = self._table.rows(np.where(pooled, together, self._of.servers))
        return self._table.chance(rows, calm), np.where(pooled, 1.0, present)

    def _move(
        self,
        rate: Vector,
        capacity: Vector,
        settled: Vector,
        queues: Vector,
        seconds: float,
        busy: Vector,
    ) -> tuple[Vector, Vector, Vector, Flags]:
        """The queues after a span: served and dropped rates, waits, and where a backlog rules."""
        of, before = self._of, self.waiting
        fluid = np.maximum(before + (rate - capacity) * seconds, 0.0)
        chance = queues * rate * of.spread * (2.0 * _TWO_OVER_PI * seconds)
        by_chance: Vector = np.sqrt(before * before + chance)
        by_chance = np.where(busy < 1.0, np.minimum(settled, by_chance), by_chance)
        flowing = fluid > by_chance
        after: Vector = np.where(flowing, fluid, by_chance)
        patience = capacity * of.timeout
        room = np.where(of.backlog > 0, np.minimum(patience, of.backlog * queues), patience)
        kept = np.minimum(after, room)
        dropped = (after - kept) / seconds
        served = np.maximum(rate + (before - after) / seconds, 0.0)
        self.waiting = kept
        wait = (before + kept) * 0.5 / np.maximum(served, _TINY)
        return served, dropped, np.minimum(wait, of.timeout), flowing
