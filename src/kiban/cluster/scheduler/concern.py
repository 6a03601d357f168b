"""Which pods that come to a node or leave it matter to a shape's comparisons of nodes.

A cluster has as many kinds of pods as services, and a shape is about few of them. So what happens
is noted under every label of the pod, and a shape reads on only under those that its constraints
ask for.
"""

from collections.abc import Sequence
from typing import NamedTuple

from kiban.cluster.scheduler.shape import Shape
from kiban.cluster.scheduler.terms import Spread


class Mark(NamedTuple):
    """A label of pods in a namespace, under which their coming and going is noted."""

    namespace: str
    name: str
    value: str


def marks_of(pod: Shape) -> tuple[Mark, ...]:
    """The marks under which a pod's coming and going is noted."""
    return tuple(Mark(pod.namespace, name, value) for name, value in pod.labels.items())


def concerning(shape: Shape, spreads: Sequence[Spread]) -> tuple[Mark, ...] | None:
    """The marks of all pods that the constraints of this shape count, and perhaps of others; None
    when any pod may be one."""
    found: dict[Mark, None] = {}
    for spread in spreads:
        exact = spread.selector.exact
        if spread.selector.nothing:
            continue
        if not exact:
            return None
        # Of several labels the last one by name, which often is a template's hash.
        name = max(exact)
        found[Mark(shape.namespace, name, exact[name])] = None
    return tuple(found)
