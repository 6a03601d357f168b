"""What is said of autoscalers: their target's group, zero instances, rules without policies."""

from typing import Any

import pytest

SCALERS = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
MERGE = "application/merge-patch+json"
ZERO = (
    "spec.metrics: Forbidden: must specify at least one Object or External metric to support "
    "scaling to zero replicas"
)
NO_GROUP = "spec.scaleTargetRef.apiVersion: Invalid value: "


def scaler(**spec: Any) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
    return {"metadata": {"name": "h"}, "spec": {"scaleTargetRef": target, "maxReplicas": 3, **spec}}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"minReplicas": 0}, ZERO),
        (
            {"scaleTargetRef": {"kind": "Deployment", "name": "d"}},
            f'{NO_GROUP}"": apiVersion must specify API group',
        ),
        (
            {"scaleTargetRef": {"apiVersion": "v1", "kind": "Deployment", "name": "d"}},
            f'{NO_GROUP}"v1": apiVersion must specify API group',
        ),
        (
            {"scaleTargetRef": {"apiVersion": "a/b/c", "kind": "Deployment", "name": "d"}},
            f'{NO_GROUP}"a/b/c": unexpected GroupVersion string: a/b/c',
        ),
        (
            {"behavior": {"scaleUp": {"policies": []}}},
            "spec.behavior.scaleUp.policies: Required value: must specify at least one Policy",
        ),
        (
            {"behavior": {"scaleDown": {"tolerance": "-100m"}}},
            'spec.behavior.scaleDown.tolerance: Invalid value: "-100m": must be greater than or '
            "equal to 0",
        ),
    ],
)
def test_what_is_wrong_is_said_in_the_servers_words(
    api: Any, spec: dict[str, Any], said: str
) -> None:
    assert said in api.json("POST", SCALERS, scaler(**spec))["message"]


def test_a_target_is_asked_for_its_group_when_it_changes(api: Any) -> None:
    controller = {"kind": "ReplicationController", "name": "c"}
    assert api("POST", SCALERS, scaler(scaleTargetRef=controller)).status == 201
    path = f"{SCALERS}/h"
    same = {"spec": {"maxReplicas": 4}}
    assert api("PATCH", path, same, content_type=MERGE).status == 200
    other = {"spec": {"scaleTargetRef": {"kind": "Deployment"}}}
    assert NO_GROUP in api.json("PATCH", path, other, content_type=MERGE)["message"]
