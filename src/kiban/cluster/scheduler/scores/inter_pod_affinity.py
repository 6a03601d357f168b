"""Prefer nodes near pods that are liked and far from those that are not, both ways.

Source: pkg/scheduler/framework/plugins/interpodaffinity/scoring.go. A required term of another
pod that names us counts like a preferred one of weight 1.
"""

from collections.abc import Mapping, Sequence

from kiban.cluster.scheduler.filters.inter_pod_affinity import Spaces
from kiban.cluster.scheduler.node_info import NodeInfo
from kiban.cluster.scheduler.scores.resources import TOP_SCORE
from kiban.cluster.scheduler.shape import Shape
from kiban.cluster.scheduler.tally import Domain, Tally
from kiban.cluster.scheduler.terms import PodTerm

HARD_AFFINITY_WEIGHT = 1


class PreferredPods:
    """The sums by which a shape likes domains."""

    def __init__(self, shape: Shape, spaces: Spaces, *, others_have_terms: bool) -> None:
        self._shape, self._spaces = shape, spaces
        self._sums = Tally(self._liking)
        self.tallies = [self._sums] if shape.preferred_pods or others_have_terms else []

    def _liking(self, info: NodeInfo) -> Mapping[Domain, int]:
        found: dict[Domain, int] = {}
        shape = self._shape
        if shape.preferred_pods:
            for pod in info.pods.values():
                for term in shape.preferred_pods:
                    self._like(found, info, term, pod.shape, term.weight)
        for pod in info.affine.values():
            for term in pod.shape.preferred_pods:
                self._like(found, info, term, shape, term.weight)
            for term in pod.shape.attracted:
                self._like(found, info, term, shape, HARD_AFFINITY_WEIGHT)
        return found

    def _like(
        self, found: dict[Domain, int], info: NodeInfo, term: PodTerm, whom: Shape, weight: int
    ) -> None:
        value = info.labels.get(term.topology_key)
        if value is not None and term.matches(whom.namespace, whom.labels, self._spaces):
            domain = (term.topology_key, value)
            found[domain] = found.get(domain, 0) + weight

    @property
    def is_active(self) -> bool:
        """Whether any domain is liked or not at the moment."""
        return bool(self._sums.totals)

    def scores(self, places: Sequence[int], order: Sequence[NodeInfo]) -> list[int] | None:
        """0 to 100 for the nodes at these places; None when all are alike."""
        totals = self._sums.totals
        if not totals:
            return None
        keys = sorted({key for key, _ in totals})
        raw = [
            sum(totals.get((key, order[at].labels.get(key, "")), 0) for key in keys)
            for at in places
        ]
        least, largest = min(raw), max(raw)
        if least == largest:
            return None
        return [int(TOP_SCORE * ((value - least) / (largest - least))) for value in raw]
