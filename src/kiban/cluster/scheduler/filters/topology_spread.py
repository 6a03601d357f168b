"""Spread constraints that must hold: no domain gets too far ahead of the emptiest.

Source: pkg/scheduler/framework/plugins/podtopologyspread/{filtering,common}.go.
"""

from collections.abc import Mapping, Sequence

from kiban.cluster.scheduler.node_info import NodeInfo
from kiban.cluster.scheduler.shape import Shape
from kiban.cluster.scheduler.taints import repels
from kiban.cluster.scheduler.tally import Contribution, Domain, Tally
from kiban.cluster.scheduler.terms import Spread
from kiban.cluster.scheduler.verdict import Rejection

_UNEVEN = Rejection("PodTopologySpread", ("node(s) didn't match pod topology spread constraints",))
_NO_DOMAIN = Rejection(
    "PodTopologySpread",
    ("node(s) didn't match pod topology spread constraints (missing required label)",),
    is_final=True,
)


class Matching:
    """Counts the pods on a node that a constraint of a namespace's pod is about."""

    def __init__(self, spread: Spread, namespace: str) -> None:
        self._matches = spread.selector.matches
        self._labels = spread.selector.equalities
        self._namespace = namespace

    def __call__(self, info: NodeInfo) -> int:
        labelled = info.labelled
        for pair in self._labels:
            if pair not in labelled:
                return 0
        found = 0
        for pod in info.pods.values():
            shape = pod.shape
            if (
                not pod.terminating
                and shape.namespace == self._namespace
                and self._matches(shape.labels)
            ):
                found += 1
        return found


def is_counted(shape: Shape, spread: Spread, info: NodeInfo) -> bool:
    """Whether the constraint looks at this node at all."""
    if spread.honors_affinity and not shape.node_choice.matches(info.name, info.labels):
        return False
    return not (spread.honors_taints and repels(info.taints, shape.tolerations))


def has_all_keys(spreads: Sequence[Spread], info: NodeInfo) -> bool:
    labels = info.labels
    for spread in spreads:  # noqa: SIM110 - asked of every node for every pod
        if spread.topology_key not in labels:
            return False
    return True


class HardSpread:
    """All hard constraints of a shape, with the sums they need."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self.tallies = [Tally(self._contribution(spread)) for spread in shape.hard_spreads]

    def _contribution(self, spread: Spread) -> Contribution:
        shape = self._shape
        matching = Matching(spread, shape.namespace)

        def contribution(info: NodeInfo) -> Mapping[Domain, int]:
            if not has_all_keys(shape.hard_spreads, info) or not is_counted(shape, spread, info):
                return {}
            domain = (spread.topology_key, info.labels[spread.topology_key])
            return {domain: matching(info)}

        return contribution

    def limits(self) -> list[int]:
        """Per constraint, the largest sum a domain may have to take one more pod."""
        found = []
        for spread, tally in zip(self._shape.hard_spreads, self.tallies, strict=True):
            enough = len(tally.totals) >= spread.min_domains
            fewest = min(tally.totals.values(), default=0) if enough else 0
            itself = spread.selector.matches(self._shape.labels)
            found.append(spread.max_skew + fewest - itself)
        return found

    def rejects(self, info: NodeInfo, limits: Sequence[int]) -> Rejection | None:
        for spread, tally, limit in zip(
            self._shape.hard_spreads, self.tallies, limits, strict=True
        ):
            value = info.labels.get(spread.topology_key)
            if value is None:
                return _NO_DOMAIN
            if tally.totals.get((spread.topology_key, value), 0) > limit:
                return _UNEVEN
        return None
