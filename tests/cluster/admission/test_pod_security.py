"""The security level of a namespace, as pods change."""

from typing import Any

import pytest
from tests.cluster.api.conftest import Client

PODS = "/api/v1/namespaces/default/pods"
MERGE = "application/merge-patch+json"


@pytest.fixture
def strict(api: Client) -> Client:
    """A namespace that became strict after a pod was there."""
    spec = {"containers": [{"name": "c", "image": "i"}]}
    assert api("POST", PODS, {"metadata": {"name": "p"}, "spec": spec}).status == 201
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    change = {"metadata": {"labels": labels}}
    path = "/api/v1/namespaces/default"
    assert api("PATCH", path, change, content_type=MERGE).status == 200
    return api


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"metadata": {"labels": {"a": "b"}}}, 200),
        ({"spec": {"activeDeadlineSeconds": 100}}, 200),
        ({"spec": {"containers": [{"name": "c", "image": "other"}]}}, 403),
    ],
)
def test_only_another_image_is_held_to_the_level(
    strict: Client, change: dict[str, Any], status: int
) -> None:
    patch = "application/strategic-merge-patch+json"
    assert strict("PATCH", f"{PODS}/p", change, content_type=patch).status == status
