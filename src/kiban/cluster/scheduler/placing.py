"""One attempt to place one pod: which node, or why none.

Nodes are filtered in their order, starting where the last attempt stopped, until enough are
found; the best of them is taken. Source: pkg/scheduler/schedule_one.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from kiban.cluster.scheduler.board import Board
from kiban.cluster.scheduler.ground import node_verdict
from kiban.cluster.scheduler.node_info import NodeInfo, PodInfo
from kiban.cluster.scheduler.selection import best_of, nodes_to_find
from kiban.cluster.scheduler.verdict import Refusals, Rejection
from kiban.cluster.scheduler.view import View
from kiban.cluster.scheduler.volumes import VolumeChoice, unreachable
from kiban.kube.objects import Key


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is being placed: the pod, the board of its shape, and where its volumes are."""

    pod: PodInfo
    board: Board
    volumes: Sequence[VolumeChoice] = ()


@dataclass(slots=True)
class Finding:
    """The node, or the rejection of every node by its seat."""

    node: str = ""
    rejections: Refusals = field(default_factory=Refusals)
    processed: int = 0


def place(attempt: Attempt, view: View, start: int, nominated: str = "") -> Finding:
    """Find a node, beginning at a place in the order; a nominated node is tried before."""
    if (refusals := attempt.board.refusals()) is not None:
        return Finding(rejections=refusals, processed=len(view.order))
    attempt.board.refresh()
    limits = attempt.board.limits()
    if nominated in view.index:
        at = view.index[nominated]
        if _rejection(attempt, view, at, limits) is None:
            return Finding(nominated)
    finding = Finding()
    found = _feasible(attempt, view, start, limits, finding)
    if found:
        best = best_of(attempt.board.scores(found)) if len(found) > 1 else 0
        finding.node = view.seats[found[best]].name
    return finding


def _feasible(
    attempt: Attempt, view: View, start: int, limits: Sequence[int], finding: Finding
) -> Sequence[int]:
    count = len(view.order)
    enough = nodes_to_find(count)
    verdicts = attempt.board.verdicts
    places = map(view.order.__getitem__, chain(range(start, count), range(start)))
    if attempt.volumes or view.nominated or attempt.board.compares:
        fitting = (at for at in places if _rejection(attempt, view, at, limits) is None)
    else:
        fitting = (at for at in places if verdicts[at] is None)
    found = list(islice(fitting, enough))
    finding.processed = count
    if len(found) == enough:
        finding.processed = (view.ranks[found[-1]] - start) % count + 1
    if not found:
        for at in view.order:
            rejection = _rejection(attempt, view, at, limits)
            assert rejection is not None, "no node was found to fit"
            finding.rejections[at] = rejection
    return found


def _rejection(attempt: Attempt, view: View, at: int, limits: Sequence[int]) -> Rejection | None:
    found = attempt.board.rejection(at, limits)
    if found is not None:
        return found
    info = view.seats[at]
    if attempt.volumes and (elsewhere := unreachable(attempt.volumes, info)) is not None:
        return elsewhere
    claimants = _claimants(attempt.pod, view, info)
    if claimants:
        return with_others(attempt, at, info, claimants)
    return None


def _claimants(pod: PodInfo, view: View, info: NodeInfo) -> list[PodInfo]:
    """Pods of the same or a higher priority that room on this node is promised to."""
    promised = view.nominated.get(info.name)
    if not promised:
        return []
    return [
        other
        for other in promised.values()
        if other.key != pod.key and other.priority >= pod.priority
    ]


def with_others(
    attempt: Attempt, at: int, info: NodeInfo, others: Sequence[PodInfo], gone: Sequence[Key] = ()
) -> Rejection | None:
    """The verdict on a node as if other pods were there already, and some were gone."""
    tried = info.copy()
    for key in gone:
        tried.remove(key)
    for other in others:
        if other.key not in tried.pods:
            tried.add(other)
    return verdict_on(attempt, at, info, tried)


def verdict_on(attempt: Attempt, at: int, info: NodeInfo, tried: NodeInfo) -> Rejection | None:
    """The verdict on a changed copy of a node; the board is left as it was."""
    board = attempt.board
    found = node_verdict(attempt.pod.shape, tried)
    if found is not None or not board.tries:
        return found
    board.update(at, tried)
    try:
        return board.rejection(at, board.limits())
    finally:
        board.update(at, info)
