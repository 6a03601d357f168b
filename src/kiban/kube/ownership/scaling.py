"""Ownership of replicas as the Scale of an object shows it, and back.

Whoever owns the field with the replicas of an object owns `spec.replicas` of its scale. Source:
k8s.io/apimachinery/pkg/util/managedfields/scalehandler.go.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kiban.kube.ownership.entries import Entry, read_entries, write_entries
from kiban.kube.ownership.fieldsets import LEAF, FieldSet, difference, intersection

SCALE_VERSION = "autoscaling/v1"
_IN_SCALE: FieldSet = {"f:spec": {"f:replicas": LEAF}}

Managed = list[dict[str, Any]]


def scale_owners(managed: Any, path: Sequence[str]) -> Managed:
    """The entries of an object's `managedFields` that own its replicas, as owners of the scale."""
    field = _field(path)
    owners = [
        replace(entry, fields=_IN_SCALE, api_version=SCALE_VERSION, source=None)
        for entry in read_entries(managed) or ()
        if intersection(entry.fields, field)
    ]
    return write_entries(owners)


def owners_after(managed: Any, scaled: Any, path: Sequence[str], api_version: str) -> Managed:
    """The object's `managedFields` after those of its scale became `scaled`."""
    field = _field(path)
    kept: list[Entry] = []
    owners = {_who(entry): entry for entry in read_entries(scaled) or ()}
    for entry in read_entries(managed) or ():
        if not intersection(entry.fields, field):
            kept.append(entry)
        elif _who(entry) in owners:
            kept.append(_again(entry, owners.pop(_who(entry))))
        else:
            kept.append(replace(entry.owning(difference(entry.fields, field)), source=None))
    for owner in owners.values():
        kept.append(replace(owner, fields=field, api_version=api_version, source=None))
    return write_entries(kept)


def _again(entry: Entry, owner: Entry) -> Entry:
    """An owner that stays: only its time may have changed."""
    return entry if entry.time == owner.time else replace(entry, time=owner.time, source=None)


def _who(entry: Entry) -> tuple[str, str, str]:
    return entry.manager, entry.operation, entry.subresource


def _field(path: Sequence[str]) -> FieldSet:
    fields: FieldSet = LEAF
    for name in reversed(path):
        fields = {f"f:{name}": fields}
    return fields
