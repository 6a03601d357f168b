"""RFC 7386, by its laws."""

from typing import Any

from hypothesis import given, settings
from tests.kube.manifests import OBJECTS

from kiban.kube.merges.merge_patch import merge_patch, merge_patch_between


def test_null_removes_lists_are_replaced_and_maps_merge() -> None:
    before = {"a": {"b": 1, "c": 2}, "l": [1, 2], "gone": True}
    patch = {"a": {"c": None, "d": 3}, "l": [3], "gone": None}
    assert merge_patch(before, patch) == {"a": {"b": 1, "d": 3}, "l": [3]}


def test_nulls_inside_a_new_map_do_not_arrive() -> None:
    assert merge_patch({}, {"a": {"b": None, "c": 1}}) == {"a": {"c": 1}}


@settings(derandomize=True, deadline=None)
@given(OBJECTS, OBJECTS)
def test_the_patch_between_two_objects_leads_from_one_to_the_other(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    patch = merge_patch_between(before, after)
    assert merge_patch(before, patch) == after


@settings(derandomize=True, deadline=None)
@given(OBJECTS, OBJECTS)
def test_a_patch_applied_twice_changes_nothing_more(
    before: dict[str, Any], patch: dict[str, Any]
) -> None:
    once = merge_patch(before, patch)
    assert merge_patch(once, patch) == once


@settings(derandomize=True, deadline=None)
@given(OBJECTS)
def test_between_equals_there_is_nothing(tree: dict[str, Any]) -> None:
    assert merge_patch_between(tree, tree) == {}
