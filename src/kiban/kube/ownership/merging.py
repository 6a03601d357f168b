"""A live object with a configuration merged in. Source: structured-merge-diff typed/merge.go."""

from typing import Any

from kiban.kube.ownership.elements import item_element
from kiban.kube.schema.shapes import ANYTHING, Shape


def merge(live: Any, config: Any, shape: Shape) -> Any:
    """The configuration wins; granular maps and keyed lists keep what it does not mention."""
    if shape.atomic or not isinstance(config, dict | list):
        return config
    if isinstance(config, dict):
        if shape.form == "list" or not isinstance(live, dict) or not live:
            return config
        return _merged_map(live, config, shape)
    if shape.form != "list" or shape.relation == "atomic" or not isinstance(live, list):
        return config
    return _merged_list(live, config, shape)


def _merged_map(live: dict[str, Any], config: dict[str, Any], shape: Shape) -> dict[str, Any]:
    merged = dict(live)
    for key, value in config.items():
        if key in live:
            merged[key] = merge(live[key], value, shape.child(key) or ANYTHING)
        else:
            merged[key] = value
    return merged


def _merged_list(live: list[Any], config: list[Any], shape: Shape) -> list[Any]:
    """Items of both. The configuration's items keep their order; a live-only item stays before the
    next item that both have, and live items that the configuration moves follow the configuration.
    """
    left = [item_element(item, shape) for item in live]
    right = [item_element(item, shape) for item in config]
    ours, theirs = dict(zip(reversed(left), reversed(live), strict=True)), set(right)
    shared = [element for element in right if element in ours]
    merged: list[Any] = []
    done: set[str] = set()
    at_left = at_right = at_shared = 0
    while at_left < len(left) or at_right < len(right):
        here = left[at_left] if at_left < len(left) else None
        there = right[at_right] if at_right < len(right) else None
        expected = shared[at_shared] if at_shared < len(shared) else None
        if here is not None and here not in theirs:
            merged.append(live[at_left])
            at_left += 1
            continue
        if here is not None and (here in done or (there not in (None, here) and here != expected)):
            at_left += 1
            continue
        assert there is not None, "every shared live item is reached through the configuration"
        item = config[at_right]
        merged.append(merge(ours[there], item, shape.items) if there in ours else item)
        done.add(there)
        at_right += 1
        at_left += here == there
        at_shared += there == expected
    return merged
