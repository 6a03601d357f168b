"""Syntax and values that Kubernetes adds to expressions."""

from typing import Any

import pytest

from kiban.kube.expression_syntax import rewritten
from kiban.kube.expressions import evaluate

VALUES = {"object": {"spec": {"replicas": 3, "labels": {"a": "b"}}}}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("object.?spec.?none.orValue(5)", 5),
        ("object.?spec.replicas.orValue(1) + 1", 4),
        ("object.spec[?'none'].hasValue()", False),
        ("object.?spec.labels.a.value()", "b"),
        ("'a' in object.?spec.labels.value() && true", True),
        ("'x.?y' + \"[?\"", "x.?y[?"),
        ("cel.bind(x, object.spec.replicas, x + x)", 6),
        ("Object{spec: Object.spec{replicas: 4}}", {"spec": {"replicas": 4}}),
        ("[JSONPatch{op: 'remove', path: '/x'}]", [{"op": "remove", "path": "/x"}]),
        ("quantity('1').add(quantity('500m')).compareTo(quantity('1500m'))", 0),
        ("quantity('1Gi').isGreaterThan(quantity('1Mi'))", True),
        ("ip('::1').isLoopback()", True),
        ("isIP('10.0.0')", False),
        ("cidr('10.0.0.0/8').containsIP('10.1.1.1')", True),
        ("cidr('10.0.0.0/8').containsCIDR(cidr('11.0.0.0/16'))", False),
        ("cidr('10.1.0.0/8').masked().prefixLength()", 8),
        ("semver('1.2.3').minor()", 2),
        ("semver('1.2.3-rc.1').isLessThan(semver('1.2.3'))", True),
        ("isSemver('1.2')", False),
    ],
)
def test_expressions_say_what_kubernetes_has_them_say(source: str, value: Any) -> None:
    assert evaluate(source, VALUES) == value


def test_plain_expressions_are_left_alone() -> None:
    source = "object.spec.replicas > 2 // few"
    assert rewritten(source) is source
