"""Sums over domains (a zone, a host, any label's value), kept as single nodes change.

What one node contributes is a pure function of the node; the sum of a domain changes by the
difference when the node does. Spread constraints and pod affinity are all such sums.
"""

from collections.abc import Callable, Mapping

from kiban.cluster.scheduler.node_info import NodeInfo

# A topology key and its value: one domain.
Domain = tuple[str, str]
Contribution = Callable[[NodeInfo], Mapping[Domain, int]]


class Tally:
    """Sums of what nodes contribute, by domain. A domain is there as long as a node names it."""

    def __init__(self, contribution: Contribution) -> None:
        self.totals: dict[Domain, int] = {}
        self._contribution = contribution
        self._members: dict[Domain, int] = {}
        self._at: dict[int, Mapping[Domain, int]] = {}

    def clear(self) -> None:
        self.totals.clear()
        self._members.clear()
        self._at.clear()

    def update(self, at: int, info: NodeInfo) -> None:
        """Count the node on a seat as it is now."""
        new, old = self._contribution(info), self._at.get(at)
        if new is old or new == (old or {}):
            return
        if old:
            self._subtract(old)
        if new:
            self._at[at] = new
            for domain, amount in new.items():
                self.totals[domain] = self.totals.get(domain, 0) + amount
                self._members[domain] = self._members.get(domain, 0) + 1
        else:
            self._at.pop(at, None)

    def _subtract(self, old: Mapping[Domain, int]) -> None:
        for domain, amount in old.items():
            self._members[domain] -= 1
            if self._members[domain]:
                self.totals[domain] -= amount
            else:
                del self._members[domain], self.totals[domain]
