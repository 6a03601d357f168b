"""Requests against objectives: how many came, how many failed, how many took too long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kiban.rehearsal.traffic.exact import Vector, any_of
from kiban.rehearsal.traffic.flow import Flow
from kiban.rehearsal.traffic.tails import beyond, exceeds

LOOK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Objective:
    """`availability` is the share that must succeed; `latency` the seconds within which the share
    of a percentile must be answered (`p99` means 99 of 100)."""

    availability: float | None = None
    latency: Mapping[str, float] = field(default_factory=dict)


class Ledger:
    """Counts since the start, one element a service; `slow` by service and percentile."""

    def __init__(self, services: Sequence[str], objectives: Mapping[str, Objective]) -> None:
        self.objectives = objectives
        self.requests: Vector = np.zeros(len(services), dtype=np.float64)
        self.failed: Vector = np.zeros(len(services), dtype=np.float64)
        self._pending: Vector = np.zeros(len(services), dtype=np.float64)
        self._pending_seconds = 0.0
        self._index = {name: number for number, name in enumerate(services)}
        limits = [
            (self._index[name], percentile, objectives[name].latency[percentile])
            for name in sorted(objectives)
            if name in self._index
            for percentile in sorted(objectives[name].latency)
        ]
        self._rows = {(row, percentile): n for n, (row, percentile, _) in enumerate(limits)}
        self._which = np.array([row for row, _, _ in limits], dtype=np.int64)
        self._limits = np.array([limit for _, _, limit in limits], dtype=np.float64)
        self._slow: Vector = np.zeros(len(limits), dtype=np.float64)
        self._answered: Vector = np.zeros(len(limits), dtype=np.float64)

    def add(self, flow: Flow, failed: Vector | None) -> None:
        """A span's requests, and how its responses were spread. While nothing fails, that is
        looked at once a minute and holds for the whole of it."""
        requests = flow.arrivals * flow.seconds
        self.requests += requests
        self._pending += requests
        self._pending_seconds += flow.seconds
        if failed is not None:
            self.failed += failed
            self._pending -= failed
        if len(self._which) and (failed is not None or self._pending_seconds >= LOOK_SECONDS):
            self._look(flow)

    def _look(self, flow: Flow) -> None:
        answered = np.maximum(self._pending, 0.0)[self._which]
        self._pending = np.zeros_like(self._pending)
        self._pending_seconds = 0.0
        self._answered += answered
        mean, variance = flow.mean[self._which], flow.variance[self._which]
        near = exceeds(mean, variance, self._limits)
        if any_of(near):
            share = beyond(mean[near], variance[near], self._limits[near])
            self._slow[near] += share * answered[near]

    def slow_share(self, service: str, percentile: str) -> float | None:
        """The share of the answers so far that took longer than an objective; None without one,
        or without answers."""
        row = self._rows.get((self._index.get(service, -1), percentile))
        if row is None or self._answered[row] <= 0:
            return None
        return float(self._slow[row] / self._answered[row])

    def failed_share(self, service: str) -> float | None:
        """The share of the requests so far that failed; None when there were none."""
        number = self._index[service]
        if self.requests[number] <= 0:
            return None
        return float(self.failed[number] / self.requests[number])
