"""RFC 6902: operations, pointers, refusals."""

from typing import Any

import pytest

from kiban.kube.merges.json_patch import MOST_OPERATIONS, json_patch
from kiban.kube.merges.refusals import PatchRefused

BEFORE: dict[str, Any] = {"data": {"k": "1", "a/b": "x"}, "list": [1, 2]}


def test_every_operation_acts_in_order() -> None:
    after = json_patch(
        BEFORE,
        [
            {"op": "test", "path": "/data/k", "value": "1"},
            {"op": "add", "path": "/data/l", "value": "2"},
            {"op": "replace", "path": "/data/k", "value": "3"},
            {"op": "remove", "path": "/data/a~1b"},
            {"op": "add", "path": "/list/-", "value": 3},
            {"op": "add", "path": "/list/0", "value": 0},
            {"op": "copy", "from": "/data/k", "path": "/data/m"},
            {"op": "move", "from": "/data/l", "path": "/data/n"},
        ],
    )
    assert after == {"data": {"k": "3", "m": "3", "n": "2"}, "list": [0, 1, 2, 3]}
    assert BEFORE == {"data": {"k": "1", "a/b": "x"}, "list": [1, 2]}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/data/k", "value": "2"},
        {"op": "remove", "path": "/data/none"},
        {"op": "replace", "path": "/data/none/x", "value": "1"},
        {"op": "twist", "path": "/data/k"},
        {"op": "add", "path": "/list/5", "value": 1},
        {"op": "add", "path": "data/k", "value": 1},
    ],
)
def test_what_cannot_be_done_is_unprocessable(operation: dict[str, Any]) -> None:
    with pytest.raises(PatchRefused) as refused:
        json_patch(BEFORE, [operation])
    assert refused.value.code == 422


def test_something_that_is_no_list_is_a_bad_request() -> None:
    with pytest.raises(PatchRefused) as refused:
        json_patch(BEFORE, {"op": "add"})
    assert refused.value.code == 400


def test_too_many_operations_are_too_large() -> None:
    with pytest.raises(PatchRefused) as refused:
        json_patch(BEFORE, [None] * (MOST_OPERATIONS + 1))
    assert refused.value.code == 413
