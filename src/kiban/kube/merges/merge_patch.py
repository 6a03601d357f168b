"""RFC 7386: a patch is a tree of what differs; null removes, lists are replaced whole."""

from typing import Any


def merge_patch(target: Any, patch: Any) -> Any:
    """The target with the patch merged in. Neither is changed; parts are shared."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = merge_patch(merged.get(key), value)
        else:
            merged[key] = value
    return merged


def merge_patch_between(before: Any, after: Any) -> Any:
    """The smallest merge patch that turns one tree into the other.

    Trees that hold null as a value cannot be expressed: a merge patch has no way to say it.
    """
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    patch: dict[str, Any] = {key: None for key in sorted(before) if key not in after}
    for key in sorted(after):
        if key not in before:
            patch[key] = after[key]
        elif before[key] != after[key] or isinstance(before[key], bool) != isinstance(
            after[key], bool
        ):
            patch[key] = merge_patch_between(before[key], after[key])
    return patch
