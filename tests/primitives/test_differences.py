"""Differences."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kiban.primitives.differences import MISSING, Difference, differences, dotted

trees = st.recursive(
    st.integers() | st.booleans() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


def test_every_leaf_that_differs_is_named() -> None:
    before = {"spec": {"replicas": 2, "old": 1, "list": [1, 2]}}
    after = {"spec": {"replicas": 3, "new": 1, "list": [1]}}
    assert list(differences(before, after)) == [
        Difference(("spec", "list", 1), 2, MISSING),
        Difference(("spec", "new"), MISSING, 1),
        Difference(("spec", "old"), 1, MISSING),
        Difference(("spec", "replicas"), 2, 3),
    ]


@given(trees)
def test_a_tree_does_not_differ_from_itself(tree: Any) -> None:
    assert list(differences(tree, tree)) == []


@given(trees, trees)
def test_difference_is_symmetric(one: Any, other: Any) -> None:
    there = {difference.path for difference in differences(one, other)}
    back = {difference.path for difference in differences(other, one)}
    assert there == back


def test_true_is_not_one() -> None:
    assert len(list(differences(True, 1))) == 1


def test_paths_read_as_people_write_them() -> None:
    assert dotted(("spec", "containers", 0, "image")) == "spec.containers[0].image"
    assert dotted(("labels", "a.b/c")) == 'labels["a.b/c"]'
