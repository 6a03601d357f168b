"""The terms by which pods choose nodes and each other, compiled once per pod shape.

Source: k8s.io/component-helpers/scheduling/corev1/nodeaffinity, pkg/scheduler/framework/types.go.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kiban.kube.selectors import LabelSelector, Requirement, selector_from_object

Labels = Mapping[str, str]
Tree = Mapping[str, Any]

_OPERATORS = {
    "In": "in",
    "NotIn": "notin",
    "Exists": "exists",
    "DoesNotExist": "!",
    "Gt": ">",
    "Lt": "<",
}


@dataclass(frozen=True, slots=True)
class NodeTerm:
    """Conditions on one node that must all hold."""

    labels: tuple[Requirement, ...]
    fields: tuple[Requirement, ...] = ()

    def matches(self, name: str, labels: Labels) -> bool:
        if not self.labels and not self.fields:
            return False
        fields = {"metadata.name": name}
        return all(entry.matches(labels) for entry in self.labels) and all(
            entry.matches(fields) for entry in self.fields
        )


def node_term(tree: Tree) -> NodeTerm:
    return NodeTerm(
        _requirements(tree.get("matchExpressions") or ()),
        _requirements(tree.get("matchFields") or ()),
    )


def _requirements(expressions: Iterable[Tree]) -> tuple[Requirement, ...]:
    return tuple(
        Requirement(entry["key"], _OPERATORS[entry["operator"]], tuple(entry.get("values") or ()))
        for entry in expressions
    )


@dataclass(frozen=True, slots=True)
class NodeChoice:
    """The nodes a pod may run on: its nodeSelector, and one of its required terms."""

    selector: tuple[tuple[str, str], ...] = ()
    terms: tuple[NodeTerm, ...] | None = None

    def matches(self, name: str, labels: Labels) -> bool:
        if any(labels.get(key) != value for key, value in self.selector):
            return False
        return self.terms is None or any(term.matches(name, labels) for term in self.terms)


@dataclass(frozen=True, slots=True)
class PodTerm:
    """Other pods, and how near: those of the same value of the topology key."""

    topology_key: str
    selector: LabelSelector
    namespaces: tuple[str, ...]
    namespace_selector: LabelSelector | None
    weight: int = 0

    def matches(self, namespace: str, labels: Labels, spaces: Mapping[str, Labels]) -> bool:
        """Whether a pod is one of those. `spaces` gives the labels of namespaces."""
        chosen = namespace in self.namespaces or (
            self.namespace_selector is not None
            and self.namespace_selector.matches(spaces.get(namespace, {}))
        )
        return chosen and self.selector.matches(labels)


def pod_term(tree: Tree, namespace: str, labels: Labels, weight: int = 0) -> PodTerm:
    """A pod affinity term as the pod of that namespace and those labels means it."""
    namespaces = tuple(tree.get("namespaces") or ())
    chosen = tree.get("namespaceSelector")
    if not namespaces and chosen is None:
        namespaces = (namespace,)
    selector = selector_from_object(tree.get("labelSelector"))
    for field, operator in (("matchLabelKeys", "in"), ("mismatchLabelKeys", "notin")):
        selector = with_own_labels(selector, tree.get(field) or (), labels, operator)
    return PodTerm(
        tree["topologyKey"],
        selector,
        namespaces,
        selector_from_object(chosen) if chosen is not None else None,
        weight,
    )


def with_own_labels(
    selector: LabelSelector, keys: Iterable[str], labels: Labels, operator: str = "in"
) -> LabelSelector:
    """The selector, narrowed to pods that share (or do not share) these labels of the pod."""
    added = tuple(Requirement(key, operator, (labels[key],)) for key in keys if key in labels)
    if not added:
        return selector
    return LabelSelector((*selector.requirements, *added), nothing=selector.nothing)


@dataclass(frozen=True, slots=True)
class Spread:
    """One topology spread constraint."""

    max_skew: int
    topology_key: str
    selector: LabelSelector
    min_domains: int = 1
    honors_affinity: bool = True
    honors_taints: bool = False


def spread(tree: Tree, labels: Labels) -> Spread:
    """A constraint as the pod of those labels means it."""
    selector = selector_from_object(tree.get("labelSelector"))
    return Spread(
        tree["maxSkew"],
        tree["topologyKey"],
        with_own_labels(selector, tree.get("matchLabelKeys") or (), labels),
        tree.get("minDomains") or 1,
        tree.get("nodeAffinityPolicy", "Honor") == "Honor",
        tree.get("nodeTaintsPolicy", "Ignore") == "Honor",
    )
