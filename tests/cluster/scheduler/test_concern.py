from typing import Any

from kiban.cluster.scheduler.concern import concerning, marks_of
from kiban.cluster.scheduler.log import Log
from kiban.cluster.scheduler.shape import Shape, shape_of


def shape(app: str, namespace: str = "shop", **spec: Any) -> Shape:
    metadata = {"name": "p", "namespace": namespace, "labels": {"app": app}}
    return shape_of({"metadata": metadata, "spec": {"containers": [{"name": "c"}], **spec}})


def spread_by(app: str) -> Shape:
    constraint = {
        "maxSkew": 1,
        "topologyKey": "zone",
        "labelSelector": {"matchLabels": {"app": app}},
    }
    return shape(app, topologySpreadConstraints=[constraint])


def test_only_pods_that_a_constraint_counts_are_read_about() -> None:
    web = spread_by("web")
    marks = concerning(web, web.hard_spreads)
    assert marks == marks_of(shape("web"))
    assert marks != marks_of(shape("mail"))
    assert marks != marks_of(shape("web", namespace="other"))


def test_a_constraint_without_an_exact_label_may_count_any_pod() -> None:
    expression = {"key": "app", "operator": "Exists"}
    constraint = {
        "maxSkew": 1,
        "topologyKey": "zone",
        "labelSelector": {"matchExpressions": [expression]},
    }
    loose = shape("web", topologySpreadConstraints=[constraint])
    assert concerning(loose, loose.hard_spreads) is None


def test_who_counts_nobody_reads_about_nobody() -> None:
    assert concerning(shape("web"), ()) == ()


def test_what_happens_is_noted_under_every_label_of_a_pod_and_for_the_node() -> None:
    log = Log()
    log.note(3, shape("web"))
    log.note(4, None)
    [mark] = marks_of(shape("web"))
    assert (log.seats, log.nodes, log.marked(mark)) == ([3, 4], [4], [3])
    assert not log.marked(mark._replace(value="mail"))


def test_pods_of_one_template_share_a_shape_whatever_node_they_are_on() -> None:
    assert shape("web", nodeName="a") is shape("web", nodeName="b")


def test_what_is_wanted_of_a_node_alone_is_the_same_for_pods_of_two_services() -> None:
    assert spread_by("web").alone == spread_by("mail").alone
