"""Which changes are worth another try for a pod that fitted nowhere."""

from typing import Any

import pytest

from kiban.cluster.scheduler.happenings import POD_ARRIVED, POD_GONE
from kiban.cluster.scheduler.hints import Happening, PodChange, helps, node_change
from kiban.cluster.scheduler.shape import shape_of
from kiban.kube.objects import Manifest

ZONE = "topology.kubernetes.io/zone"
TAINT = {"key": "only", "value": "gpu", "effect": "NoSchedule"}


def pod(app: str = "web", **spec: Any) -> Manifest:
    requests = {"cpu": spec.pop("cpu", "1")}
    container = {"name": "app", "ports": spec.pop("ports", [])}
    containers = [{**container, "resources": {"requests": requests}}]
    metadata = {"name": "p", "namespace": "default", "labels": {"app": app}}
    return {"metadata": metadata, "spec": {"containers": containers, **spec}}


def node(cpu: str = "4", zone: str = "a", **spec: Any) -> Manifest:
    labels = {ZONE: zone, **spec.pop("labels", {})}
    allocatable = {"cpu": cpu, "pods": "10"}
    return {
        "metadata": {"name": "n", "labels": labels},
        "spec": spec,
        "status": {"allocatable": allocatable},
    }


def came(kind: str, one: Manifest) -> Happening:
    return PodChange(kind, shape_of(one), {})


NEAR_DB = {
    "podAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": ZONE}
        ]
    }
}
SPREAD = {
    "maxSkew": 1,
    "topologyKey": ZONE,
    "whenUnsatisfiable": "DoNotSchedule",
    "labelSelector": {"matchLabels": {"app": "web"}},
}
PORT = [{"containerPort": 80, "hostPort": 80}]


@pytest.mark.parametrize(
    ("cause", "waiting", "happening", "expected"),
    [
        ("NodeResourcesFit", pod(cpu="2"), node_change(None, node("4")), True),
        ("NodeResourcesFit", pod(cpu="8"), node_change(None, node("4")), False),
        ("NodeResourcesFit", pod(cpu="2"), node_change(node("1"), node("4")), True),
        ("NodeResourcesFit", pod(cpu="2"), node_change(node("4"), node("3")), False),
        ("NodeResourcesFit", pod(), came(POD_GONE, pod("other")), True),
        ("NodeResourcesFit", pod(), came(POD_ARRIVED, pod("other")), False),
        ("TaintToleration", pod(), node_change(None, node(taints=[TAINT])), False),
        ("TaintToleration", pod(), node_change(node(taints=[TAINT]), node()), True),
        ("NodeUnschedulable", pod(), node_change(None, node(unschedulable=True)), False),
        ("NodeUnschedulable", pod(), node_change(node(unschedulable=True), node()), True),
        (
            "NodeAffinity",
            pod(nodeSelector={"disk": "fast"}),
            node_change(node(), node(labels={"disk": "slow"})),
            False,
        ),
        (
            "NodeAffinity",
            pod(nodeSelector={"disk": "fast"}),
            node_change(node(), node(labels={"disk": "fast"})),
            True,
        ),
        ("NodePorts", pod(ports=PORT), came(POD_GONE, pod("other")), False),
        ("NodePorts", pod(ports=PORT), came(POD_GONE, pod("other", ports=PORT)), True),
        ("InterPodAffinity", pod(affinity=NEAR_DB), came(POD_ARRIVED, pod("db")), True),
        ("InterPodAffinity", pod(affinity=NEAR_DB), came(POD_ARRIVED, pod("web")), False),
        (
            "PodTopologySpread",
            pod(topologySpreadConstraints=[SPREAD]),
            came(POD_GONE, pod("other")),
            False,
        ),
        (
            "PodTopologySpread",
            pod(topologySpreadConstraints=[SPREAD]),
            came(POD_GONE, pod("web")),
            True,
        ),
        (
            "PodTopologySpread",
            pod(topologySpreadConstraints=[SPREAD]),
            node_change(node(), None),
            True,
        ),
    ],
)
def test_a_change_helps_only_whom_it_can(
    cause: str, waiting: Manifest, happening: Happening, expected: bool
) -> None:
    assert helps(shape_of(waiting), (cause,), happening) is expected
