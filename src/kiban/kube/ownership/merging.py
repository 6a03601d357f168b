"""A live object with a configuration merged in. Source: structured-merge-diff typed/merge.go.

What comes out the same is the live value itself and not a copy: later steps see at a glance, by
identity, what has not changed.
"""

from typing import Any

from kiban.kube.ownership.elements import elements_of
from kiban.kube.schema.shapes import ANYTHING, Shape


def merge(live: Any, config: Any, shape: Shape) -> Any:
    """The configuration wins; granular maps and keyed lists keep what it does not mention."""
    if not isinstance(config, dict | list):
        return live if type(live) is type(config) and live == config else config
    if shape.atomic:
        return _kept_or(live, config, shape)
    if isinstance(config, dict):
        if shape.form == "list" or not isinstance(live, dict) or not live:
            return _kept_or(live, config, shape)
        return _merged_map(live, config, shape)
    if shape.form != "list" or shape.relation == "atomic" or not isinstance(live, list):
        return _kept_or(live, config, shape)
    return _merged_list(live, config, shape)


def _kept_or(live: Any, config: Any, shape: Shape) -> Any:
    """The live value if the configuration says the same. Where anything may stand, 1 and true
    compare as equal and are not."""
    return live if shape.form != "any" and live == config else config


def _merged_map(live: dict[str, Any], config: dict[str, Any], shape: Shape) -> dict[str, Any]:
    steps = shape.steps
    changed: dict[str, Any] = {}
    for key, value in config.items():
        if key not in live:
            changed[key] = value
            continue
        old = live[key]
        if isinstance(value, str):
            if value != old:
                changed[key] = value
            continue
        new = merge(old, value, steps[key][1] or ANYTHING)
        if new is not old:
            changed[key] = new
    return {**live, **changed} if changed else live


def _merged_list(live: list[Any], config: list[Any], shape: Shape) -> list[Any]:
    """Items of both. The configuration's items keep their order; a live-only item stays before the
    next item that both have, and live items that the configuration moves follow the configuration.
    """
    left = elements_of(live, shape)
    right = elements_of(config, shape)
    if left == right and len(set(left)) == len(left):
        inner = shape.items
        merged = [merge(ours, theirs, inner) for ours, theirs in zip(live, config, strict=True)]
        same = all(new is old for new, old in zip(merged, live, strict=True))
        return live if same else merged
    return _interleaved((live, left), (config, right), shape)


# A list's items and their elements.
_Named = tuple[list[Any], list[str]]


def _interleaved(ours: _Named, theirs: _Named, shape: Shape) -> list[Any]:
    (live, left), (config, right) = ours, theirs
    mine, wanted = dict(zip(reversed(left), reversed(live), strict=True)), set(right)
    shared = [element for element in right if element in mine]
    merged: list[Any] = []
    done: set[str] = set()
    at_left = at_right = at_shared = 0
    while at_left < len(left) or at_right < len(right):
        here = left[at_left] if at_left < len(left) else None
        there = right[at_right] if at_right < len(right) else None
        expected = shared[at_shared] if at_shared < len(shared) else None
        if here is not None and here not in wanted:
            merged.append(live[at_left])
            at_left += 1
            continue
        if here is not None and (here in done or (there not in (None, here) and here != expected)):
            at_left += 1
            continue
        assert there is not None, "every shared live item is reached through the configuration"
        item = config[at_right]
        merged.append(merge(mine[there], item, shape.items) if there in mine else item)
        done.add(there)
        at_right += 1
        at_left += here == there
        at_shared += there == expected
    return merged
