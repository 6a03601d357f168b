"""Pods that must be near or far from other pods, in both directions.

Source: pkg/scheduler/framework/plugins/interpodaffinity/filtering.go.
"""

from collections.abc import Mapping

from kiban.cluster.scheduler.node_info import NodeInfo
from kiban.cluster.scheduler.shape import Shape
from kiban.cluster.scheduler.tally import Domain, Tally
from kiban.cluster.scheduler.terms import Labels
from kiban.cluster.scheduler.verdict import Rejection

_ALONE = Rejection("InterPodAffinity", ("node(s) didn't match pod affinity rules",), is_final=True)
_CROWDED = Rejection("InterPodAffinity", ("node(s) didn't match pod anti-affinity rules",))
_UNWELCOME = Rejection(
    "InterPodAffinity", ("node(s) didn't satisfy existing pods anti-affinity rules",)
)

Spaces = Mapping[str, Labels]


class RequiredPods:
    """The required affinity and anti-affinity that concern a shape, its own and others'."""

    def __init__(self, shape: Shape, spaces: Spaces, *, others_have_terms: bool) -> None:
        self._shape, self._spaces = shape, spaces
        self._near, self._far = Tally(self._wanted), Tally(self._shunned)
        self._shunning = Tally(self._shunning_us)
        self.tallies = [
            *([self._near] if shape.attracted else []),
            *([self._far] if shape.repelled else []),
            *([self._shunning] if others_have_terms else []),
        ]
        self._finds_itself = all(
            term.matches(shape.namespace, shape.labels, spaces) for term in shape.attracted
        )

    def _wanted(self, info: NodeInfo) -> Mapping[Domain, int]:
        """Pods that match all of the terms, in the domain of each."""
        terms, spaces = self._shape.attracted, self._spaces
        count = sum(
            all(term.matches(pod.shape.namespace, pod.shape.labels, spaces) for term in terms)
            for pod in info.pods.values()
        )
        if not count:
            return {}
        keys = dict.fromkeys(term.topology_key for term in terms)
        return {(key, info.labels[key]): count for key in keys if key in info.labels}

    def _shunned(self, info: NodeInfo) -> Mapping[Domain, int]:
        """Pods that our anti-affinity names."""
        found: dict[Domain, int] = {}
        for term in self._shape.repelled:
            if term.topology_key not in info.labels:
                continue
            count = sum(
                term.matches(pod.shape.namespace, pod.shape.labels, self._spaces)
                for pod in info.pods.values()
            )
            if count:
                domain = (term.topology_key, info.labels[term.topology_key])
                found[domain] = found.get(domain, 0) + count
        return found

    def _shunning_us(self, info: NodeInfo) -> Mapping[Domain, int]:
        """Pods whose anti-affinity names us."""
        found: dict[Domain, int] = {}
        for pod in info.affine.values():
            for term in pod.shape.repelled:
                key = term.topology_key
                if key in info.labels and term.matches(
                    self._shape.namespace, self._shape.labels, self._spaces
                ):
                    domain = (key, info.labels[key])
                    found[domain] = found.get(domain, 0) + 1
        return found

    @property
    def is_idle(self) -> bool:
        """Whether no node is rejected at the moment."""
        return not (self._shape.attracted or self._far.totals or self._shunning.totals)

    def rejects(self, info: NodeInfo) -> Rejection | None:
        if self._shape.attracted and not self._has_company(info):
            return _ALONE
        if self._shape.repelled and _is_in(info, self._far):
            return _CROWDED
        if self._shunning.totals and _is_in(info, self._shunning):
            return _UNWELCOME
        return None

    def _has_company(self, info: NodeInfo) -> bool:
        keys = [term.topology_key for term in self._shape.attracted]
        if any(key not in info.labels for key in keys):
            return False
        if all(self._near.totals.get((key, info.labels[key]), 0) > 0 for key in keys):
            return True
        # The first of a group that wants to be together has nobody to join yet.
        return not self._near.totals and self._finds_itself


def _is_in(info: NodeInfo, tally: Tally) -> bool:
    return any(
        count > 0 and info.labels.get(key) == value for (key, value), count in tally.totals.items()
    )
