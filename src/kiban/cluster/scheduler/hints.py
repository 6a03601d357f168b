"""Whether a change that may help a rejected pod does help it, by what exactly has changed.

`happenings` names the kinds of change that a filter cares for; here the filter that rejected the
pod looks at the node or pod that changed. Source: the QueueingHintFns of the plugins under
pkg/scheduler/framework/plugins.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kiban.cluster.scheduler.filters.node import UNSCHEDULABLE
from kiban.cluster.scheduler.filters.ports import ports_overlap
from kiban.cluster.scheduler.happenings import (
    HELPED_BY,
    POD_ARRIVED,
    node_happenings,
)
from kiban.cluster.scheduler.requests import amounts
from kiban.cluster.scheduler.shape import Shape
from kiban.cluster.scheduler.taints import is_borne, repels
from kiban.cluster.scheduler.terms import Labels, PodTerm
from kiban.kube.objects import Manifest, get_in, labels_of

Spaces = Mapping[str, Labels]


@dataclass(frozen=True, slots=True)
class NodeChange:
    """A node that came, changed or went."""

    kinds: frozenset[str]
    before: Manifest | None
    after: Manifest | None


@dataclass(frozen=True, slots=True)
class PodChange:
    """A pod that came to a node or left it. `spaces` are the labels of namespaces."""

    kind: str
    pod: Shape
    spaces: Spaces


@dataclass(frozen=True, slots=True)
class OtherChange:
    """Something of which no more is known than its kind."""

    kind: str


Happening = NodeChange | PodChange | OtherChange


def node_change(before: Manifest | None, after: Manifest | None) -> NodeChange | None:
    """What happened to a node, if it may help anybody."""
    kinds = node_happenings(before, after)
    return NodeChange(frozenset(kinds), before, after) if kinds else None


def helps(shape: Shape | None, causes: tuple[str, ...], happening: Happening) -> bool:
    """Whether a pod of that shape that these filters rejected is worth another try."""
    return any(_helps_one(shape, cause, happening) for cause in causes)


def _helps_one(shape: Shape | None, cause: str, happening: Happening) -> bool:
    helping = HELPED_BY[cause]
    match happening:
        case NodeChange(kinds, before, after):
            if not kinds & helping:
                return False
            look = _OF_NODES.get(cause)
            return look is None or shape is None or look(shape, before, after)
        case PodChange(kind, pod, spaces):
            if kind not in helping:
                return False
            hint = _OF_PODS.get(cause)
            return hint is None or shape is None or hint(shape, kind, pod, spaces)
        case OtherChange(kind):
            return kind in helping


# Nodes


def _is_open(shape: Shape, before: Manifest | None, after: Manifest | None) -> bool:
    return not get_in(after, "spec", "unschedulable") or is_borne(UNSCHEDULABLE, shape.tolerations)


def _is_bearable(shape: Shape, before: Manifest | None, after: Manifest | None) -> bool:
    def repelled(node: Manifest | None) -> bool:
        return repels(get_in(node, "spec", "taints", default=[]), shape.tolerations)

    return (before is None or repelled(before)) and not repelled(after)


def _is_chosen(shape: Shape, before: Manifest | None, after: Manifest | None) -> bool:
    def matched(node: Manifest | None) -> bool:
        return node is not None and shape.node_choice.matches(
            node["metadata"]["name"], labels_of(node)
        )

    return matched(after) and not matched(before)


def _is_large_enough(shape: Shape, before: Manifest | None, after: Manifest | None) -> bool:
    """The pod would fit on the empty node, and not for what was there before."""
    size = _size(after)
    if size.get("pods", 0) < 1 or any(size.get(name, 0) < want for name, want in shape.requests):
        return False
    if before is None:
        return True
    former = _size(before)
    names = ["pods", *(name for name, _ in shape.requests)]
    return any(size.get(name, 0) > former.get(name, 0) for name in names)


def _size(node: Manifest | None) -> dict[str, int]:
    return amounts(get_in(node, "status", "allocatable", default={}))


def _shifts_domains(shape: Shape, before: Manifest | None, after: Manifest | None) -> bool:
    """A domain gains or loses a node, or the node is counted where it was not."""
    keys = [spread.topology_key for spread in shape.hard_spreads]

    def domains(node: Manifest | None) -> tuple[Any, ...] | None:
        labels = labels_of(node) if node is not None else {}
        return tuple(labels[key] for key in keys) if all(key in labels for key in keys) else None

    then, now = domains(before), domains(after)
    if then != now:
        return True
    honors = any(spread.honors_taints for spread in shape.hard_spreads)
    return now is not None and honors and _is_counted_anew(shape, before, after)


def _is_counted_anew(shape: Shape, before: Manifest | None, after: Manifest | None) -> bool:
    was, is_now = (
        repels(get_in(node, "spec", "taints", default=[]), shape.tolerations)
        for node in (before, after)
    )
    return was != is_now


def _has_new_domain(shape: Shape, before: Manifest | None, after: Manifest | None) -> bool:
    """The node has a value of a key that matters, and had another one or none."""
    then = labels_of(before) if before is not None else {}
    now = labels_of(after) if after is not None else {}
    near = [term.topology_key for term in shape.attracted]
    if near and any(key not in now for key in near):
        return False
    keys = [*near, *(term.topology_key for term in shape.repelled)]
    return not keys or any(then.get(key) != now.get(key) for key in keys)


_OF_NODES: dict[str, Callable[[Shape, Manifest | None, Manifest | None], bool]] = {
    "NodeUnschedulable": _is_open,
    "TaintToleration": _is_bearable,
    "NodeAffinity": _is_chosen,
    "NodeResourcesFit": _is_large_enough,
    "PodTopologySpread": _shifts_domains,
    "InterPodAffinity": _has_new_domain,
}


# Pods


def _frees_port(shape: Shape, kind: str, pod: Shape, spaces: Spaces) -> bool:
    return any(ports_overlap(own, other) for own in shape.ports for other in pod.ports)


def _is_spread_with(shape: Shape, kind: str, pod: Shape, spaces: Spaces) -> bool:
    return pod.namespace == shape.namespace and any(
        spread.selector.matches(pod.labels) for spread in shape.hard_spreads
    )


def _changes_company(shape: Shape, kind: str, pod: Shape, spaces: Spaces) -> bool:
    """Wanted company came, or unwanted left."""

    def named(terms: tuple[PodTerm, ...], one: Shape) -> list[bool]:
        return [term.matches(one.namespace, one.labels, spaces) for term in terms]

    if kind == POD_ARRIVED:
        return bool(shape.attracted) and all(named(shape.attracted, pod))
    return any(named(shape.repelled, pod)) or any(named(pod.repelled, shape))


_OF_PODS: dict[str, Callable[[Shape, str, Shape, Spaces], bool]] = {
    "NodePorts": _frees_port,
    "PodTopologySpread": _is_spread_with,
    "InterPodAffinity": _changes_company,
}
