"""Field sets obey the laws of sets."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.kube.ownership.fieldsets import (
    difference,
    intersection,
    paths_of,
    union,
    without_tree,
)

Paths = set[tuple[str, ...]]
PATHS = st.sets(
    st.lists(st.sampled_from(["f:a", "f:b", "f:c"]), min_size=1, max_size=3).map(tuple),
    max_size=8,
)


def built(paths: Paths) -> dict[str, Any]:
    """The field set of these paths, made one path at a time."""
    result: dict[str, Any] = {}
    for path in sorted(paths):
        single: dict[str, Any] = {}
        for element in reversed(path):
            single = {element: single}
        result = union(result, single)
    return result


def listed(fields: dict[str, Any]) -> Paths:
    return set(paths_of(fields))


@settings(derandomize=True, deadline=None)
@given(PATHS)
def test_a_set_holds_the_paths_it_was_made_of(paths: Paths) -> None:
    assert listed(built(paths)) == paths


@settings(derandomize=True, deadline=None)
@given(PATHS, PATHS)
def test_operations_are_those_of_sets(left: Paths, right: Paths) -> None:
    assert listed(union(built(left), built(right))) == left | right
    assert listed(difference(built(left), built(right))) == left - right
    assert listed(intersection(built(left), built(right))) == left & right


@settings(derandomize=True, deadline=None)
@given(PATHS, PATHS)
def test_a_tree_is_taken_out_with_everything_below(left: Paths, right: Paths) -> None:
    kept = {path for path in left if not any(path[: len(top)] == top for top in right)}
    assert listed(without_tree(built(left), built(right))) == kept


@settings(derandomize=True, deadline=None)
@given(PATHS, PATHS)
def test_equal_sets_look_equal(left: Paths, right: Paths) -> None:
    assert union(built(left), built(right)) == built(left | right)
    assert difference(built(left), built(right)) == built(left - right)
