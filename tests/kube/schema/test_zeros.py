"""Zeros that vanish between request and storage, and those that stay."""

import pytest

from kiban.kube.schema.zeros import drops_zero


@pytest.mark.parametrize(
    ("owner", "field"),
    [
        ("v1.CustomResourceDefinitionSpec", "preserveUnknownFields"),
        ("v1.CustomResourceDefinitionVersion", "deprecated"),
        ("v1.JSONSchemaProps", "nullable"),
        ("v1.JSONSchemaProps", "x-kubernetes-int-or-string"),
    ],
)
def test_a_plain_false_vanishes(owner: str, field: str) -> None:
    assert drops_zero(owner, field, False)


@pytest.mark.parametrize(
    ("owner", "field"),
    [
        ("v1.StatefulSetStatus", "currentReplicas"),
        ("v1.DaemonSetStatus", "numberAvailable"),
        ("v1.CustomResourceColumnDefinition", "priority"),
    ],
)
def test_a_plain_zero_vanishes(owner: str, field: str) -> None:
    assert drops_zero(owner, field, 0)


def test_a_zero_behind_a_pointer_stays() -> None:
    assert not drops_zero("v1.RollingUpdateStatefulSetStrategy", "partition", 0)
    assert not drops_zero("v1.Secret", "immutable", False)
