"""Server-side apply: a manager states the fields it wants, and owns them from then on."""

import json
from dataclasses import dataclass, replace
from typing import Any

from kiban.kube.objects import Manifest
from kiban.kube.ownership.collecting import collect
from kiban.kube.ownership.comparing import Comparison, compare
from kiban.kube.ownership.conflicts import FieldConflicts, conflicts_with
from kiban.kube.ownership.elements import written
from kiban.kube.ownership.empty import empty_object
from kiban.kube.ownership.entries import Entry, read_entries, write_entries
from kiban.kube.ownership.fieldsets import (
    FieldSet,
    difference,
    intersection,
    paths_of,
    shared,
    union,
    without_tree,
)
from kiban.kube.ownership.merging import merge
from kiban.kube.ownership.pruning import prune, remove
from kiban.kube.ownership.resets import NEVER_OWNED
from kiban.kube.ownership.stating import stated_fields
from kiban.kube.schema.shapes import Shape
from kiban.primitives.instants import Instant, rfc3339

BEFORE_FIRST_APPLY = "before-first-apply"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class Applied:
    """The merged object, before defaults, with its new `managedFields`; `changed` is false when
    the configuration states only what was there already."""

    manifest: Manifest
    changed: bool


def apply(
    live: Manifest | None,
    config: Manifest,
    *,
    manager: str,
    shape: Shape,
    now: Instant,
    force: bool = False,
    subresource: str = "",
    reset: FieldSet | None = None,
) -> Applied:
    """Merge a configuration into the live object (None: it does not exist yet).

    The configuration must have apiVersion, kind and metadata. `reset` are the fields that this end
    point cannot set (`reset_fields`). Raises `FieldConflicts` when fields of others would change
    and `force` is false, `WrongConfiguration` when the configuration does not fit its kind.
    """
    fields = stated_fields(config, shape)
    wanted = _settable(config, reset or {}, shape)
    if wanted is not config:
        fields = collect(wanted, shape)
    applier = Entry(manager, "Apply", config["apiVersion"], fields, rfc3339(now), subresource)
    entries = _entries(live, shape, now)
    try:
        result = _merged(live, wanted, applier, entries, (shape, force, reset or {}))
    except FieldConflicts as conflicts:
        if manager != "kubectl" or live is None or not _only_last_applied(live, conflicts, shape):
            raise
        result = _merged(live, wanted, applier, entries, (shape, True, reset or {}))
    if manager == "kubectl" and live is not None:
        return _with_last_applied(live, config, result)
    return result


def _entries(live: Manifest | None, shape: Shape, now: Instant) -> list[Entry]:
    """The entries of the live object; what nobody tracked belongs to `before-first-apply`."""
    if live is None:
        return []
    entries = read_entries(live["metadata"].get("managedFields")) or []
    if entries:
        return entries
    added = compare(empty_object(live), live, shape).taken
    fields = without_tree(added, {**NEVER_OWNED, "f:status": {}})
    owner = Entry(BEFORE_FIRST_APPLY, "Update", live["apiVersion"], fields, rfc3339(now))
    return [owner] if fields else []


def _merged(
    live: Manifest | None,
    wanted: Manifest,
    applier: Entry,
    entries: list[Entry],
    rules: tuple[Shape, bool, FieldSet],
) -> Applied:
    shape, force, reset = rules
    before = live if live is not None else {"metadata": {}}
    last = next((entry for entry in entries if entry.identity == applier.identity), None)
    others = [entry for entry in entries if entry.identity != applier.identity]
    own_fields = shared(without_tree(applier.fields, NEVER_OWNED))
    merged = merge(before, wanted, shape)
    if last is not None and own_fields == last.fields:
        own_fields = last.fields
    elif last is not None:
        owned = [applier.fields, *(entry.fields for entry in others)]
        merged = prune(merged, last.fields, owned, shape)
    changed = True
    if live is not None:
        changes = _changes(before, merged, shape, reset)
        others = _settled(others, changes, force=force)
        changed = not changes.is_same
    own = applier.owning(own_fields)
    if not changed:
        own = _unmoved(own, last)
    result = merged if changed else before
    return Applied(_with_entries(result, [*others, own]), changed)


def _unmoved(own: Entry, last: Entry | None) -> Entry:
    """The applier's entry when nothing but perhaps the entry has changed: its time stays."""
    if last is None:
        return replace(own, time="")
    if own.fields is last.fields and own.api_version == last.api_version:
        return last
    return replace(own, time=last.time)


def _settable(config: Manifest, reset: FieldSet, shape: Shape) -> Manifest:
    if not any(element[2:] in config for element in reset):
        return config
    kept = remove(config, reset, shape)
    return kept if isinstance(kept, dict) else {}


def _changes(before: Manifest, merged: Manifest, shape: Shape, reset: FieldSet) -> Comparison:
    found = compare(before, merged, shape)
    if found.is_same:
        return found
    return Comparison(
        *(
            without_tree(without_tree(fields, _MANAGED), reset)
            for fields in (found.added, found.removed, found.modified)
        )
    )


_MANAGED: FieldSet = {"f:metadata": {"f:managedFields": {}}}


def _settled(others: list[Entry], changes: Comparison, *, force: bool) -> list[Entry]:
    """The entries of the others after the change. Raises `FieldConflicts` without `force`."""
    if changes.is_same:
        return others
    taken = changes.taken
    contested = [(entry, intersection(entry.fields, taken)) for entry in others]
    found = [
        conflict
        for entry, fields in sorted(contested, key=lambda pair: pair[0].identity)
        for conflict in conflicts_with(entry, fields)
    ]
    if found and not force:
        raise FieldConflicts(found)
    lost = union(taken, changes.removed)
    return [entry.owning(difference(entry.fields, lost)) for entry in others]


def _with_entries(manifest: Manifest, entries: list[Entry]) -> Manifest:
    metadata = dict(manifest.get("metadata") or {})
    before = metadata.pop("managedFields", None) or []
    managed = write_entries(entries)
    if (
        managed
        and len(managed) == len(before)
        and all(a is b for a, b in zip(managed, before, strict=True))
    ):
        return manifest
    if managed:
        metadata["managedFields"] = managed
    return {**manifest, "metadata": metadata}


def _only_last_applied(live: Manifest, conflicts: FieldConflicts, shape: Shape) -> bool:
    """Whether every contested field still has the value `kubectl apply` gave it before it learned
    to apply on the server."""
    text = (live["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    if not text:
        return False
    try:
        last: Any = json.loads(text)
    except ValueError:
        return False
    if not isinstance(last, dict) or last.get("apiVersion") != live["apiVersion"]:
        return False
    stated = collect(last, shape)
    changed = compare(last, merge(live, {}, shape), shape)
    same = difference(stated, union(changed.taken, changed.removed))
    contested = {conflict.field for conflict in conflicts.conflicts}
    return contested <= _written_paths(same)


def _written_paths(fields: FieldSet, above: tuple[str, ...] = ()) -> set[str]:
    return {written(path) for path in paths_of(fields, above)}


def _with_last_applied(live: Manifest, config: Manifest, result: Applied) -> Applied:
    """Refresh the annotation for older kubectl, if the live object has it."""
    if LAST_APPLIED not in (live["metadata"].get("annotations") or {}):
        return result
    stated = {**config, "metadata": dict(config.get("metadata") or {})}
    stated["metadata"].pop("managedFields", None)
    annotations = dict(stated["metadata"].get("annotations") or {})
    if annotations.pop(LAST_APPLIED, None) is not None:
        stated["metadata"]["annotations"] = annotations
    text = json.dumps(stated, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"
    metadata = result.manifest["metadata"]
    old = metadata.get("annotations") or {}
    if old.get(LAST_APPLIED) == text:
        return result
    metadata = {**metadata, "annotations": {**old, LAST_APPLIED: text}}
    return Applied({**result.manifest, "metadata": metadata}, True)
