"""Trying things on a view and taking them back; placing pods where they were placed before."""

from random import Random

from tests.cluster.autoscaling.yard import node

from kiban.cluster.autoscaling.simulation import Fitting, Hints, Trial
from kiban.cluster.scheduler.node_info import PodInfo, pod_info
from kiban.kube.objects import Manifest

ZONE = "topology.kubernetes.io/zone"


def pod(name: str, cpu: str = "1", *, spreads: bool = False) -> PodInfo:
    spec: Manifest = {"containers": [{"name": "a", "resources": {"requests": {"cpu": cpu}}}]}
    if spreads:
        spec["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": ZONE,
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {"app": "web"}},
            }
        ]
    metadata = {"name": name, "namespace": "shop", "uid": name, "labels": {"app": "web"}}
    return pod_info({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def trial(*nodes: Manifest) -> tuple[Trial, Fitting]:
    found = Trial()
    for entry in nodes:
        found.put_node(entry)
    return found, Fitting(found)


def fits(fitting: Fitting, probe: PodInfo) -> list[str]:
    return [name for name in fitting.trial.names() if fitting.rejection(probe, name) is None]


def test_what_was_tried_is_taken_back() -> None:
    view, fitting = trial(node("one"), node("two"))
    view.put_pod(pod("web-1", "3"), "one")
    view.fork()
    view.drop_node("one")
    view.put_node(node("three"))
    view.put_pod(pod("web-2", "4"), "two")
    assert fits(fitting, pod("probe", "2")) == ["three"]
    view.revert()
    assert fits(fitting, pod("probe", "2")) == ["two"]
    assert view.names() == ["one", "two"]
    assert view.place_of(pod("web-1").key) == "one"


def test_what_is_committed_is_taken_back_with_what_is_around_it() -> None:
    view, fitting = trial(node("one"))
    view.fork()
    view.fork()
    view.put_pod(pod("web-1", "4"), "one")
    view.commit()
    assert fits(fitting, pod("probe")) == []
    view.revert()
    assert fits(fitting, pod("probe")) == ["one"]


def test_a_changed_node_is_as_it_was() -> None:
    view, fitting = trial(node("one"))
    view.fork()
    view.put_node(node("one", taints=[{"key": "k", "effect": "NoSchedule"}]))
    assert fits(fitting, pod("probe")) == []
    view.revert()
    assert fits(fitting, pod("probe")) == ["one"]


def test_spread_is_judged_with_what_is_there_at_the_moment() -> None:
    nodes = [node(f"{zone}{number}", zone) for zone in "ab" for number in (1, 2)]
    view, fitting = trial(*nodes)
    view.put_pod(pod("web-1", spreads=True), "a1")
    assert fits(fitting, pod("probe", spreads=True)) == ["b1", "b2"]
    view.fork()
    view.drop_node("b1")
    view.drop_node("b2")
    assert fits(fitting, pod("probe", spreads=True)) == ["a1", "a2"]
    view.revert()
    assert fits(fitting, pod("probe", spreads=True)) == ["b1", "b2"]


def test_any_changes_and_their_undoing_leave_the_answers_of_a_new_view() -> None:
    draw = Random(7)
    nodes = {f"n{number}": node(f"n{number}", "abc"[number % 3]) for number in range(9)}
    view, fitting = trial(*nodes.values())
    probes = [pod("probe", "1"), pod("probe", "2", spreads=True)]
    for step in range(200):
        if step % 10 == 0:
            view.fork()
        _change(view, nodes, step, draw)
        [fits(fitting, probe) for probe in probes]
        if step % 10 == 9:
            view.revert() if draw.random() < 0.7 else view.commit()
            fresh, anew = trial(*(nodes[name] for name in view.names()))
            for name in view.names():
                info = view.info(name)
                for entry in info.pods.values() if info else ():
                    fresh.put_pod(entry, name)
            for probe in probes:
                assert fits(fitting, probe) == fits(anew, probe)


def _change(view: Trial, nodes: dict[str, Manifest], step: int, draw: Random) -> None:
    name = f"n{draw.randrange(9)}"
    kind = draw.randrange(4)
    if kind == 0 and name in view.index:
        view.drop_node(name)
    elif kind == 1 and name not in view.index:
        view.put_node(nodes[name])
    elif kind == 2 and name in view.index:
        view.put_pod(pod(f"web-{step}", "500m", spreads=bool(draw.randrange(2))), name)
    else:
        view.drop_pod(pod(f"web-{draw.randrange(200)}").key)


def test_pods_go_where_they_were_placed_before() -> None:
    view, fitting = trial(*(node(f"n{number}") for number in range(20)))
    hints = Hints(fitting)
    pods = [pod(f"web-{number}", "3") for number in range(5)]

    def place() -> list[str]:
        view.fork()
        moves, left = hints.place(pods, lambda name: True)
        view.revert()
        assert not left
        return [move.node for move in moves]

    first = place()
    assert place() == first
    view.put_pod(pod("other", "4"), first[2])
    again = place()
    assert again[:2] == first[:2] and again[2] != first[2]


def test_a_pod_like_one_that_failed_is_not_tried_again() -> None:
    _, fitting = trial(node("one"))
    hints = Hints(fitting)
    tried = []

    def may_use(name: str) -> bool:
        tried.append(name)
        return True

    moves, left = hints.place([pod(f"big-{number}", "9") for number in range(50)], may_use)
    assert not moves and len(left) == 50
    assert len(tried) == 1


def test_pods_left_over_on_a_sketch_are_those_left_over_on_the_trial() -> None:
    draw = Random(3)
    view, fitting = trial(*(node(f"n{number}") for number in range(6)))
    sketched, tried = Hints(fitting), Hints(fitting)
    for step in range(40):
        pods = [pod(f"p-{number}", f"{draw.randrange(1, 5)}") for number in range(step)]
        view.fork()
        _, expected = tried.place(pods, lambda name: True)
        view.revert()
        assert sketched.left_over(pods) == expected
        view.put_pod(pod(f"bound-{step}", "500m"), f"n{draw.randrange(6)}")


def test_looking_for_room_leaves_the_trial_as_it_was() -> None:
    view, fitting = trial(node("one"))
    plain, spread = pod("plain", "4"), pod("spread", "1", spreads=True)
    assert Hints(fitting).left_over([plain, spread]) == [spread]
    assert Hints(fitting).left_over([plain, pod("more")]) == [pod("more")]
    assert view.place_of(plain.key) is None
