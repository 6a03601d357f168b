"""Boards that are kept while nodes and pods come and go say what boards made anew would say."""

from random import Random
from typing import Any

from tests.cluster.scheduler.test_scheduler import HOST, ZONE, pod, spread

from kiban.cluster.scheduler.board import Board, Question
from kiban.cluster.scheduler.node_info import PodInfo, pod_info
from kiban.cluster.scheduler.view import View
from kiban.kube.objects import Key, Manifest


def node(name: str, zone: str) -> Manifest:
    size = {"cpu": "4", "memory": "16Gi", "pods": "10"}
    labels = {HOST: name, ZONE: zone}
    return {"metadata": {"name": name, "labels": labels}, "status": {"allocatable": size}}


def info(name: str, **wishes: Any) -> PodInfo:
    manifest = pod(name, **wishes)
    return pod_info({**manifest, "metadata": {**manifest["metadata"], "uid": name}})


def copied(view: View) -> View:
    """A view to which the same nodes and pods came in the order in which they stand."""
    fresh = View()
    for at in view.order:
        there = view.seats[at]
        assert there.node is not None
        fresh.put_node(there.node)
        for entry in there.pods.values():
            fresh.put_pod(entry, there.name)
    fresh.settle()
    return fresh


def said(board: Board, view: View) -> dict[str, object]:
    if (refusals := board.refusals()) is not None:
        return {view.seats[at].name: rejection for at, rejection in refusals.items()}
    board.refresh()
    limits = board.limits()
    verdicts = {at: board.rejection(at, limits) for at in view.order}
    fitting = [at for at, verdict in verdicts.items() if verdict is None]
    scores = dict(zip(fitting, board.scores(fitting) if fitting else (), strict=True))
    return {view.seats[at].name: verdicts[at] or scores[at] for at in view.order}


def happen(view: View, step: int, draw: Random) -> None:
    """A node comes, changes or goes, or a pod."""
    name = f"n{draw.randrange(6)}"
    some = f"p{draw.randrange(max(step - 20, 0), step + 1)}"
    match draw.randrange(12):
        case 0 if name in view.index:
            view.drop_node(name)
        case 0 | 1:
            view.put_node(node(name, draw.choice("abc")))
        case 2 | 3 | 4 | 5 | 6 if name in view.index:
            labels = {"app": draw.choice(["web", "db"])}
            view.put_pod(info(f"p{step}", cpu="1", labels=labels), name)
        case 7 | 8 | 9 | 10 if info(some).key in pods_on(
            view, place := view.place_of(info(some).key) or ""
        ):
            change: dict[str, Any] = draw.choice([{"terminating": True}, {"started": str(step)}])
            view.put_pod(pods_on(view, place)[info(some).key]._replace(**change), place)
        case _:
            view.drop_pod(info(some).key)
    view.settle()


def pods_on(view: View, name: str) -> dict[Key, PodInfo]:
    there = view.info(name)
    return there.pods if there is not None else {}


def test_what_comes_and_goes_leaves_boards_true() -> None:
    draw, view = Random(1), View()
    spreads = [spread(), spread(HOST, "ScheduleAnyway")]
    probes = [info("large", cpu="4"), info("even", topologySpreadConstraints=spreads)]
    kept = [Board(Question(probe.shape), view) for probe in probes]
    for step in range(150):
        happen(view, step, draw)
        for probe, board in zip(probes, kept, strict=True):
            fresh = copied(view)
            anew = Board(Question(probe.shape), fresh)
            assert said(board, view) == said(anew, fresh)
