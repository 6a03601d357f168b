"""Who owns what after a write that was not an apply: POST, PUT, other patches, and controllers.

Fields that appeared or changed go to the writer and leave everybody else; fields that went leave
everybody. Fields set to the value they had are not taken.
"""

from typing import Any

from kiban.kube.objects import Manifest
from kiban.kube.ownership.comparing import Comparison, compare
from kiban.kube.ownership.empty import empty_object
from kiban.kube.ownership.entries import Entry, capped, read_entries, write_entries
from kiban.kube.ownership.fieldsets import FieldSet, difference, shared, union, without_tree
from kiban.kube.ownership.resets import NEVER_OWNED
from kiban.kube.schema.shapes import Shape
from kiban.primitives.instants import Instant, rfc3339


def track_update(
    before: Manifest | None,
    after: Manifest,
    *,
    manager: str,
    shape: Shape,
    now: Instant,
    subresource: str = "",
    reset: FieldSet | None = None,
) -> list[dict[str, Any]]:
    """The `managedFields` of `after`, which is what is about to be stored instead of `before`.

    `before` is None when the object is created. `after` may carry an edited `managedFields` of its
    own: an empty list, or one with a single empty entry, ends all tracking; a list that makes no
    sense is ignored. Writes to a subresource cannot edit it. `reset` are the fields that this end
    point cannot set (`reset_fields`).
    """
    entries = _entries(before, after, is_subresource=bool(subresource))
    if not entries and before is not None:
        return []
    changes = compare(before or empty_object(after), after, shape)
    return write_entries(
        _after(entries, _owned_changes(changes, reset or {}), after, (manager, subresource), now)
    )


def _entries(before: Manifest | None, after: Manifest, *, is_subresource: bool) -> list[Entry]:
    stored = (before or {}).get("metadata", {}).get("managedFields")
    given = after["metadata"].get("managedFields")
    if not is_subresource and given is not stored:
        if given is not None and (not given or given == [{}]):
            return []
        edited = read_entries(given)
        if edited:
            return edited
    return read_entries(stored) or []


def _owned_changes(changes: Comparison, reset: FieldSet) -> Comparison:
    """The changes without what can never be owned."""
    if changes.is_same or (
        not reset
        and not any(
            "f:metadata" in fields or "f:kind" in fields or "f:apiVersion" in fields
            for fields in (changes.added, changes.removed, changes.modified)
        )
    ):
        return changes
    return Comparison(
        *(
            without_tree(without_tree(fields, NEVER_OWNED), reset)
            for fields in (changes.added, changes.removed, changes.modified)
        )
    )


def _after(
    entries: list[Entry],
    changes: Comparison,
    after: Manifest,
    writer: tuple[str, str],
    now: Instant,
) -> list[Entry]:
    if changes.is_same:
        return capped(entries)
    manager, subresource = writer
    taken = changes.taken
    lost = union(taken, changes.removed)
    left = [entry.owning(difference(entry.fields, lost)) for entry in entries]
    if taken:
        own = Entry(manager, "Update", after["apiVersion"], taken, rfc3339(now), subresource)
        mine = [entry for entry in left if entry.identity == own.identity]
        kept = mine[0].fields if mine else {}
        left = [entry for entry in left if entry.identity != own.identity]
        left.append(own.owning(shared(union(kept, taken))))
    return capped([entry for entry in left if entry.fields])


def same_but_for_times(before: Manifest, after: Manifest) -> bool:
    """Whether two objects differ at most in the times of their `managedFields`: no write at all."""
    if before is after:
        return True
    return _timeless(before) == _timeless(after)


def _timeless(manifest: Manifest) -> Manifest:
    managed = manifest["metadata"].get("managedFields")
    if not managed:
        return manifest
    bare = [{**entry, "time": ""} for entry in managed]
    return {**manifest, "metadata": {**manifest["metadata"], "managedFields": bare}}
