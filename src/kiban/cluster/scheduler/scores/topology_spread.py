"""Prefer domains with fewer pods of the same kind; by default those of the same service or set.

Source: pkg/scheduler/framework/plugins/podtopologyspread/{scoring,plugin}.go.
"""

from collections.abc import Mapping, Sequence
from math import log
from typing import NamedTuple

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


class _Face(NamedTuple):
    """What of a node by itself matters to some constraints: for each the domain in which it
    counts, if it does, with no pod in it; and what scores depend on but for the pods on it."""

    domains: tuple[Mapping[Domain, int], ...]
    look: tuple[object, ...]


class SoftSpread:
    """The soft constraints of a shape, with the counts they need, by seat."""

    def __init__(self, shape: Shape, spreads: Sequence[Spread], *, own: bool) -> None:
        self._shape, self._spreads, self._own = shape, spreads, own
        # Pods that differ in their labels only see the same faces.
        ways = tuple((one.topology_key, one.honors_affinity, one.honors_taints) for one in spreads)
        self._seen_by = (shape.alone, ways, own)
        self._hosts: list[dict[int, int]] = [{} for _ in spreads]
        matchings = [Matching(spread, shape.namespace) for spread in spreads]
        self._sums = [Tally(self._contribution(*one)) for one in enumerate(matchings)]
        # Hosts are counted one by one, domains of several nodes in sums.
        self._by_host = [
            (matching, hosts)
            for spread, matching, hosts in zip(spreads, matchings, self._hosts, strict=True)
            if spread.topology_key == HOSTNAME_LABEL
        ]
        self._by_domain = [
            tally
            for spread, tally in zip(spreads, self._sums, strict=True)
            if spread.topology_key != HOSTNAME_LABEL
        ]

    def _contribution(self, number: int, matching: Matching) -> Contribution:
        def contribution(info: NodeInfo) -> Mapping[Domain, int]:
            nobody = self._face(info).domains[number]
            if not nobody or not (count := matching(info)):
                return nobody
            return dict.fromkeys(nobody, count)

        return contribution

    def _face(self, info: NodeInfo) -> _Face:
        face: _Face | None = info.faces.get(self._seen_by)
        if face is None:
            face = info.faces[self._seen_by] = self._face_of(info)
        return face

    def _face_of(self, info: NodeInfo) -> _Face:
        has_all = has_all_keys(self._spreads, info)
        domains: list[Mapping[Domain, int]] = []
        for spread in self._spreads:
            value = info.labels.get(spread.topology_key)
            counts = value is not None and (has_all or not self._own)
            if value is not None and counts and is_counted(self._shape, spread, info):
                domains.append({(spread.topology_key, value): 0})
            else:
                domains.append({})
        values = [
            info.labels.get(spread.topology_key)
            for spread in self._spreads
            if spread.topology_key != HOSTNAME_LABEL
        ]
        return _Face(tuple(domains), (*values, has_all or not self._own))

    def update(self, at: int, info: NodeInfo) -> None:
        for matching, hosts in self._by_host:
            if count := matching(info):
                hosts[at] = count
            else:
                hosts.pop(at, None)
        for tally in self._by_domain:
            tally.update(at, info)

    def look(self, at: int, info: NodeInfo) -> tuple[object, ...]:
        """What of the node these scores depend on."""
        return self._face(info).look, *[hosts.get(at, 0) for _, hosts in self._by_host]

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
            raw[position] += hosts.get(at, 0) * weight + spread.max_skew - 1

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
