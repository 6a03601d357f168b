"""What is wrong with services and dependencies for a while: broken, slow, a bad version, or new
instances that are not warm yet.

A quirk belongs to the instances of a revision: while old and new ones serve side by side, it
counts for the share of the new ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kiban.primitives.instants import Instant, later
from kiban.rehearsal.fleet import Fleet
from kiban.rehearsal.traffic.exact import Vector


@dataclass(frozen=True, slots=True)
class Quirk:
    """What a version does wrong: the share of requests it fails, how much slower it is, and how
    much more memory it takes. It spares the instances of the revisions in `sparing`."""

    errors: float = 0.0
    slower: float = 1.0
    memory: float = 1.0
    sparing: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Warmth:
    """For so many seconds after it is ready, an instance takes `factor` times as long and as much
    CPU for a request: until its code is compiled and its caches are filled."""

    seconds: float
    factor: float


class Disturbances:
    """Vectors over the nodes of a call graph; `version` grows with every change."""

    def __init__(
        self, nodes: Sequence[str], services: int, warmth: Mapping[str, Warmth] | None = None
    ) -> None:
        self._index = {name: number for number, name in enumerate(nodes)}
        self._services = services
        self._quirks: dict[str, Quirk] = {}
        self._warmth = dict(sorted((warmth or {}).items()))
        self._is_warming = False
        self._down: Vector = np.zeros(len(nodes), dtype=np.float64)
        self._slow: Vector = np.ones(len(nodes), dtype=np.float64)
        self._seen: tuple[int, int] = (-1, -1)
        self._version = 0
        self.has_errors = False
        self.errors: Vector = np.zeros(len(nodes), dtype=np.float64)
        self.slower: Vector = np.ones(len(nodes), dtype=np.float64)
        self.memory: Vector = np.ones(services, dtype=np.float64)

    def break_down(self, name: str, share: float = 1.0) -> None:
        """From now on this share of the requests to a service or dependency fails at once."""
        self._down[self._index[name]] = share
        self._version += 1

    def slow_down(self, name: str, factor: float) -> None:
        """From now on a service or dependency takes `factor` times as long."""
        self._slow[self._index[name]] = factor
        self._version += 1

    def mend(self, name: str) -> None:
        """All is well again with a service or dependency; a bad version stays what it is."""
        self._down[self._index[name]] = 0.0
        self._slow[self._index[name]] = 1.0
        self._version += 1

    def quirk(self, service: str, quirk: Quirk | None) -> None:
        """The newer revisions of a service have a quirk, or none any more."""
        if quirk is None:
            self._quirks.pop(service, None)
        else:
            self._quirks[service] = quirk
        self._version += 1

    def refresh(self, fleet: Fleet, now: Instant) -> bool:
        """Bring the vectors up to the fleet that serves now; whether they may have changed."""
        by_pod = self._quirks or self._warmth
        seen = (self._version, fleet.version if by_pod else 0)
        if seen == self._seen and not self._is_warming:
            return False
        self._seen = seen
        self.errors = self._down.copy()
        self.slower = self._slow.copy()
        self.memory = np.ones(self._services, dtype=np.float64)
        for name, share in self._shares(fleet).items():
            quirk, number = self._quirks[name], self._index[name]
            self.errors[number] = 1.0 - (1.0 - self.errors[number]) * (1.0 - quirk.errors * share)
            self.slower[number] *= 1.0 + (quirk.slower - 1.0) * share
            self.memory[number] = 1.0 + (quirk.memory - 1.0) * share
        self._is_warming = False
        for name, warmth in self._warmth.items():
            young = _young(fleet, name, warmth.seconds, now)
            if young:
                self._is_warming = True
                self.slower[self._index[name]] *= 1.0 + (warmth.factor - 1.0) * young
        self.has_errors = bool(self.errors.any())
        return True

    def _shares(self, fleet: Fleet) -> Mapping[str, float]:
        """The share of the serving instances that have a service's quirk."""
        found = {}
        for name in sorted(self._quirks):
            serving = [pod for pod in fleet.pods(name) if pod.is_serving and pod.is_routed]
            spared = self._quirks[name].sparing
            bad = sum(pod.revision not in spared for pod in serving)
            found[name] = bad / len(serving) if serving else 0.0
        return found


def _young(fleet: Fleet, service: str, seconds: float, now: Instant) -> float:
    """The share of the serving instances that have not been ready for so long."""
    if service not in fleet.index:
        return 0.0
    serving = [pod for pod in fleet.pods(service) if pod.is_serving and pod.is_routed]
    since = later(now, -seconds)
    young = sum(pod.ready_at is not None and pod.ready_at > since for pod in serving)
    return young / len(serving) if serving else 0.0
