from typing import Any

from kiban.cluster.scheduler.concern import Concern
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


def test_only_pods_that_a_constraint_counts_matter() -> None:
    web = spread_by("web")
    concern = Concern(web, web.hard_spreads, everything=False)
    assert concern[shape("web")]
    assert not concern[shape("mail")]
    assert not concern[shape("web", namespace="other")]


def test_a_change_of_the_node_itself_always_matters() -> None:
    assert Concern(shape("web"), (), everything=False)[None]


def test_every_pod_matters_where_affinity_is_at_work() -> None:
    assert Concern(shape("web"), (), everything=True)[shape("mail")]


def test_pods_of_one_template_share_a_shape_whatever_node_they_are_on() -> None:
    assert shape("web", nodeName="a") is shape("web", nodeName="b")


def test_what_is_wanted_of_a_node_alone_is_the_same_for_pods_of_two_services() -> None:
    assert spread_by("web").alone == spread_by("mail").alone
