"""What a pod's runtime class gives it."""

from typing import Any

import pytest
from tests.cluster.api.conftest import Client

PODS = "/api/v1/namespaces/default/pods"
CLASSES = "/apis/node.k8s.io/v1/runtimeclasses"


def pod(**spec: Any) -> dict[str, Any]:
    containers = [{"name": "c", "image": "i"}]
    return {"metadata": {"name": "p"}, "spec": {"containers": containers, **spec}}


@pytest.fixture
def classed(api: Client) -> Client:
    scheduling = {
        "nodeSelector": {"sandbox": "yes"},
        "tolerations": [{"key": "sandbox", "operator": "Exists"}],
    }
    made = {
        "metadata": {"name": "vm"},
        "handler": "vm",
        "overhead": {"podFixed": {"cpu": "100m"}},
        "scheduling": scheduling,
    }
    assert api("POST", CLASSES, made).status == 201
    return api


def test_a_class_adds_overhead_and_scheduling(classed: Client) -> None:
    spec = classed.json("POST", PODS, pod(runtimeClassName="vm"))["spec"]
    assert spec["overhead"] == {"cpu": "100m"}
    assert spec["nodeSelector"] == {"sandbox": "yes"}
    assert {"key": "sandbox", "operator": "Exists"} in spec["tolerations"]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"runtimeClassName": "none"}, 'RuntimeClass "none" not found'),
        (
            {"overhead": {"cpu": "1"}},
            "Pod Overhead set without corresponding RuntimeClass defined Overhead",
        ),
        (
            {"runtimeClassName": "vm", "overhead": {"cpu": "1"}},
            "Pod's Overhead doesn't match RuntimeClass's defined Overhead",
        ),
        (
            {"runtimeClassName": "vm", "nodeSelector": {"sandbox": "no"}},
            "conflict: runtimeClass.scheduling.nodeSelector[sandbox] = yes; "
            "pod.spec.nodeSelector[sandbox] = no",
        ),
    ],
)
def test_what_does_not_fit_the_class_is_rejected(
    classed: Client, spec: dict[str, Any], why: str
) -> None:
    answer = classed.json("POST", PODS, pod(**spec))
    assert (answer["code"], answer["reason"]) == (403, "Forbidden")
    assert answer["message"] == f'pods "p" is forbidden: pod rejected: {why}'
