"""Server-side apply on the scale of a workload: who owns the number of its replicas."""

from typing import Any

import pytest
from tests.cluster.api.conftest import Client

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
APPLY = "application/apply-patch+yaml"
TEMPLATE = {
    "metadata": {"labels": {"app": "x"}},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}


def scale(replicas: int) -> dict[str, Any]:
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "d"},
        "spec": {"replicas": replicas},
    }


@pytest.fixture
def scaled(api: Client) -> Client:
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "x"}}, "template": TEMPLATE}
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec}
    assert api("POST", DEPLOYMENTS, {**manifest, "metadata": {"name": "d"}}).status == 201
    return api


def test_an_applied_scale_is_owned_through_its_subresource(scaled: Client) -> None:
    path = f"{DEPLOYMENTS}/d/scale?fieldManager=auto&force=true"
    answer = scaled.json("PATCH", path, scale(4), content_type=APPLY)
    assert (answer["kind"], answer["spec"]) == ("Scale", {"replicas": 4})
    deployment = scaled.json("GET", f"{DEPLOYMENTS}/d")
    assert deployment["spec"]["replicas"] == 4
    owned = {entry["manager"]: entry for entry in deployment["metadata"]["managedFields"]}
    assert owned["auto"]["subresource"] == "scale"
    assert owned["auto"]["operation"] == "Apply"
    assert owned["auto"]["apiVersion"] == "apps/v1"
    assert owned["auto"]["fieldsV1"] == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in owned["test"]["fieldsV1"]["f:spec"]


def test_an_applied_scale_that_somebody_else_owns_is_a_conflict(scaled: Client) -> None:
    path = f"{DEPLOYMENTS}/d/scale?fieldManager=auto"
    answer = scaled("PATCH", path, scale(4), content_type=APPLY)
    assert answer.status == 409
    assert b'conflict with \\"test\\"' in answer.body
