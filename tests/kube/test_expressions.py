"""Expressions: evaluated on plain data, with Kubernetes' functions, and refused in words."""

from typing import Any

import pytest

from kiban.kube.expressions import WrongExpression, check_syntax, escaped, evaluate, maybe

VALUES: dict[str, Any] = {"self": {"items": [1, 2, 3], "name": "a,b", "size": "1Gi"}}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("self.items.all(i, i > 0) && self.items.isSorted()", True),
        ("self.name.split(',').size()", 2),
        ("has(self.missing) || self.items.sum() == 6", True),
        ("quantity(self.size).isGreaterThan(quantity('500Mi'))", True),
        ("url('https://a.example:8443/x').getPort()", "8443"),
        ("'%s has %d'.format([self.name, size(self.items)])", "a,b has 3"),
        ("self.name.find('[a-z]')", "a"),
    ],
)
def test_an_expression_has_a_value(source: str, value: Any) -> None:
    assert evaluate(source, VALUES) == value


def test_what_is_missing_or_misspelled_is_said() -> None:
    with pytest.raises(WrongExpression, match="no such key: missing"):
        evaluate("self.missing > 1", VALUES)
    with pytest.raises(WrongExpression, match="Syntax error"):
        check_syntax("self.items +")


def test_optional_values_and_reserved_names_are_reached() -> None:
    assert evaluate("old.orValue(3)", {"old": maybe(None)}) == 3
    assert [escaped(name) for name in ("namespace", "a-b", "plain")] == [
        "__namespace__",
        "a__dash__b",
        "plain",
    ]
