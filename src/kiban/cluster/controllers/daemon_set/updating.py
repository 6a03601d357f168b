"""What a rolling update of a DaemonSet does next: old pods to remove, nodes to get a new pod early.

Without surge old pods go first, as many as may be missing; with surge new pods come first, as many
as there may be too many. Source: rollingUpdate in pkg/controller/daemon/update.go.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kiban.cluster.controllers.controller_revisions import REVISION_HASH
from kiban.cluster.controllers.pods import is_available
from kiban.kube.objects import Manifest, get_in, is_deleting, labels_of
from kiban.primitives.instants import Instant

Serves = Callable[[Manifest], bool]


@dataclass
class Renewal:
    """Pods to delete, and nodes on which a new pod starts beside the old one."""

    delete: list[Manifest] = field(default_factory=list)
    create: list[str] = field(default_factory=list)


class Limits(NamedTuple):
    """How many nodes may have two pods, and how many none."""

    surge: int
    unavailable: int


def limits_of(daemon_set: Manifest, desired: int) -> Limits:
    """The limits of a set that wants so many pods; not both can be zero."""
    surge = _share(_rule(daemon_set, "maxSurge", 0), desired)
    unavailable = _share(_rule(daemon_set, "maxUnavailable", 1), desired)
    return Limits(surge, unavailable if surge or unavailable else 1)


def allows_surge(daemon_set: Manifest) -> bool:
    """Whether a node may have an old and a new pod for a while."""
    return _share(_rule(daemon_set, "maxSurge", 0), 1) > 0 and is_rolling(daemon_set)


def is_rolling(daemon_set: Manifest) -> bool:
    return bool(get_in(daemon_set, "spec", "updateStrategy", "type") != "OnDelete")


def _rule(daemon_set: Manifest, name: str, default: int) -> int | str:
    found: int | str = get_in(
        daemon_set, "spec", "updateStrategy", "rollingUpdate", name, default=default
    )
    return found


def _share(value: int | str, total: int) -> int:
    if isinstance(value, int):
        return value
    return math.ceil(int(value.removesuffix("%")) * total / 100)


def renewal(
    daemon_set: Manifest,
    by_node: Mapping[str, Sequence[Manifest]],
    digest: str,
    desired: int,
    now: Instant,
) -> Renewal:
    """The next step of the update. `by_node` has every node that should have a pod."""
    if not is_rolling(daemon_set):
        return Renewal()
    limits = limits_of(daemon_set, desired)
    pairs = {node: _pair(by_node[node], digest) for node in sorted(by_node)}
    min_ready = daemon_set["spec"].get("minReadySeconds", 0)

    def serves(pod: Manifest) -> bool:
        return is_available(pod, min_ready, now)

    if limits.surge:
        return _beside(pairs, limits.surge, serves)
    return Renewal(delete=_in_place(pairs, limits.unavailable, serves))


class _Pair(NamedTuple):
    """The new and the old pod of a node; `whole` is false when it has two of a kind."""

    new: Manifest | None
    old: Manifest | None
    whole: bool = True


def _pair(pods: Sequence[Manifest], digest: str) -> _Pair:
    staying = [pod for pod in pods if not is_deleting(pod)]
    new = [pod for pod in staying if labels_of(pod).get(REVISION_HASH) == digest]
    old = [pod for pod in staying if labels_of(pod).get(REVISION_HASH) != digest]
    if len(new) > 1 or len(old) > 1:
        return _Pair(None, None, whole=False)
    return _Pair(next(iter(new), None), next(iter(old), None))


def _in_place(pairs: Mapping[str, _Pair], most: int, serves: Serves) -> list[Manifest]:
    """Old pods that serve nobody at once; of the others as many as may be missing with them."""
    idle: list[Manifest] = []
    candidates: list[Manifest] = []
    unavailable = 0
    for pair in pairs.values():
        if pair.old is not None and pair.new is None:
            if serves(pair.old):
                candidates.append(pair.old)
            else:
                idle.append(pair.old)
                unavailable += 1
        elif pair.new is None or pair.old is not None or not serves(pair.new):
            unavailable += 1
    return [*idle, *candidates[: max(0, most - unavailable)]]


def _beside(pairs: Mapping[str, _Pair], most: int, serves: Serves) -> Renewal:
    """A new pod where the old one serves nobody; elsewhere as many as there may be too many. The
    old one goes when the new one serves."""
    found = Renewal()
    candidates: list[str] = []
    surging = 0
    for node, pair in pairs.items():
        if not pair.whole:
            surging += 1
        elif pair.old is None:
            continue
        elif pair.new is None:
            (candidates if serves(pair.old) else found.create).append(node)
        elif serves(pair.new):
            found.delete.append(pair.old)
        else:
            surging += 1
    found.create += candidates[: max(0, most - surging)]
    return found
