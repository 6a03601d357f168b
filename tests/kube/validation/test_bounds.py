"""Quotas, limit ranges, volumes and webhooks that are refused."""

from typing import Any

import pytest

from kiban.kube.validation.bounds import validate_limit_range, validate_quota
from kiban.kube.validation.volumes import validate_volume
from kiban.kube.validation.webhooks import validate_webhooks


def limits(**entry: Any) -> Any:
    return {"spec": {"limits": [{"type": "Container", **entry}]}}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            validate_quota({"spec": {"hard": {"pods": "1.5"}}}),
            ['spec.hard[pods]: Invalid value: "1500m": must be an integer'],
        ),
        (
            validate_quota({"spec": {"scopes": ["Odd"]}}),
            ['spec.scopes: Invalid value: ["Odd"]: unsupported scope'],
        ),
        (
            validate_limit_range(limits(min={"cpu": "2"}, max={"cpu": "1"})),
            [
                'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max '
                "value 1"
            ],
        ),
        (
            validate_volume({"spec": {"accessModes": ["ReadWriteOnce"], "nfs": {}}}),
            ["spec.capacity: Required value"],
        ),
        (
            validate_webhooks({"webhooks": [{"name": "a.b.c", "sideEffects": "None",
                "admissionReviewVersions": ["v1"], "clientConfig": {}}]}),
            ["webhooks[0].clientConfig: Required value: exactly one of url or service is required"],
        ),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_named(found: Any, said: list[str]) -> None:
    assert [str(fault) for fault in found] == said
