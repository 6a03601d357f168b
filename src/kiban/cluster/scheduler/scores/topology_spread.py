"""Prefer domains with fewer pods of the same kind; by default those of the same service or set.

Source: pkg/scheduler/framework/plugins/podtopologyspread/{scoring,plugin}.go.
"""

from collections.abc import Mapping, Sequence
from math import log

from kiban.cluster.scheduler.filters.topology_spread import (
    Matching,
    has_all_keys,
    is_counted,
)
from kiban.cluster.scheduler.node_info import HOSTNAME_LABEL, ZONE_LABEL, NodeInfo
from kiban.cluster.scheduler.scores.resources import TOP_SCORE
from kiban.cluster.scheduler.shape import Shape
from kiban.cluster.scheduler.tally import Contribution, Domain, Tally
from kiban.cluster.scheduler.terms import Spread
from kiban.kube.selectors import LabelSelector

HOST_SKEW, ZONE_SKEW = 3, 5


def system_defaults(selector: LabelSelector) -> tuple[Spread, ...]:
    """The constraints of a pod that has none of its own and belongs to something."""
    return (
        Spread(HOST_SKEW, HOSTNAME_LABEL, selector),
        Spread(ZONE_SKEW, ZONE_LABEL, selector),
    )


class SoftSpread:
    """The soft constraints of a shape, with the counts they need, by place in the order."""

    def __init__(self, shape: Shape, spreads: Sequence[Spread], *, own: bool) -> None:
        self._shape, self._spreads, self._own = shape, spreads, own
        self._hosts: list[dict[int, int]] = [{} for _ in spreads]
        self._sums = [Tally(self._contribution(spread)) for spread in spreads]
        # Hosts are counted one by one, domains of several nodes in sums.
        matchings = [
            Matching(spread, shape.namespace) if spread.topology_key == HOSTNAME_LABEL else None
            for spread in spreads
        ]
        self._counts = list(zip(matchings, self._hosts, self._sums, strict=True))

    def _contribution(self, spread: Spread) -> Contribution:
        shape = self._shape
        matching = Matching(spread, shape.namespace)

        def contribution(info: NodeInfo) -> Mapping[Domain, int]:
            value = info.labels.get(spread.topology_key)
            if value is None or (self._own and not has_all_keys(self._spreads, info)):
                return {}
            if not is_counted(shape, spread, info):
                return {}
            return {(spread.topology_key, value): matching(info)}

        return contribution

    def update(self, at: int, info: NodeInfo) -> None:
        for matching, hosts, tally in self._counts:
            if matching is not None:
                hosts[at] = matching(info)
            else:
                tally.update(at, info)

    def look(self, at: int, info: NodeInfo) -> tuple[object, ...]:
        """What of the node these scores depend on."""
        return tuple(
            hosts.get(at, 0)
            if spread.topology_key == HOSTNAME_LABEL
            else info.labels.get(spread.topology_key)
            for spread, hosts in zip(self._spreads, self._hosts, strict=True)
        ) + ((has_all_keys(self._spreads, info),) if self._own else ())

    def scores(self, places: Sequence[int], order: Sequence[NodeInfo], count: int) -> list[int]:
        """0 to 100 for the nodes at these places, which stand for `count` nodes."""
        infos = [order[at] for at in places]
        ignored = (
            [not has_all_keys(self._spreads, info) for info in infos]
            if self._own
            else [False] * len(infos)
        )
        raw = [0.0] * len(places)
        for index, spread in enumerate(self._spreads):
            if spread.topology_key == HOSTNAME_LABEL:
                self._add_hosts(index, places, raw, count)
            else:
                self._add_domains(index, infos, raw, ignored)
        return _normalised([int(value + 0.5) for value in raw], ignored)

    def _add_hosts(self, index: int, places: Sequence[int], raw: list[float], count: int) -> None:
        spread, hosts = self._spreads[index], self._hosts[index]
        weight = log(count + 2)
        for position, at in enumerate(places):
            raw[position] += hosts[at] * weight + spread.max_skew - 1

    def _add_domains(
        self,
        index: int,
        infos: Sequence[NodeInfo],
        raw: list[float],
        ignored: Sequence[bool],
    ) -> None:
        spread, totals = self._spreads[index], self._sums[index].totals
        key = spread.topology_key
        values = [info.labels.get(key) for info in infos]
        seen = {
            value
            for value, skipped in zip(values, ignored, strict=True)
            if value is not None and not skipped
        }
        weight = log(len(seen) + 2)
        worth: dict[str | None, float] = {
            value: totals.get((key, value), 0) * weight + spread.max_skew - 1
            for value in sorted(seen)
        }
        for position, value in enumerate(values):
            raw[position] += worth.get(value, 0.0)


def _normalised(raw: Sequence[int], ignored: Sequence[bool]) -> list[int]:
    if not any(ignored):
        counted = raw
    else:
        counted = [value for value, skipped in zip(raw, ignored, strict=True) if not skipped]
    if not counted:
        return [0] * len(raw)
    largest, least = max(counted), min(counted)
    if largest == 0:
        return [0 if skipped else TOP_SCORE for skipped in ignored]
    table = {
        value: TOP_SCORE * (largest + least - value) // largest for value in sorted(set(counted))
    }
    if counted is raw:
        return [table[value] for value in raw]
    return [0 if skipped else table[value] for value, skipped in zip(raw, ignored, strict=True)]
