"""The entries of `metadata.managedFields`: reading, identity, order, and the limit on their number.

Source: k8s.io/apimachinery/pkg/util/managedfields/internal/{managedfields,capmanagers}.go.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from kiban.kube.objects import Manifest
from kiban.kube.ownership.fieldsets import FieldSet, shared, union

Operation = Literal["Apply", "Update"]

MOST_UPDATERS = 10
OLD_UPDATES = "ancient-changes"


@dataclass(frozen=True, slots=True)
class Entry:
    """One manager's fields. `time` is RFC 3339 or empty. An entry that was read keeps what it was
    read from, and is written as that."""

    manager: str
    operation: Operation
    api_version: str
    fields: FieldSet
    time: str = ""
    subresource: str = ""
    source: dict[str, Any] | None = field(default=None, compare=False, repr=False)

    @property
    def identity(self) -> tuple[str, ...]:
        """Who it is: an applier is the same in every version, an updater is not."""
        version = self.api_version if self.operation == "Update" else ""
        return (self.manager, self.operation, version, self.subresource)

    def owning(self, fields: FieldSet) -> "Entry":
        """The entry with other fields; itself when they are the same."""
        if fields is self.fields:
            return self
        return Entry(
            self.manager, self.operation, self.api_version, fields, self.time, self.subresource
        )

    def as_data(self) -> dict[str, Any]:
        if self.source is not None:
            return self.source
        data: dict[str, Any] = {
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.api_version,
        }
        if self.time:
            data["time"] = self.time
        data |= {"fieldsType": "FieldsV1", "fieldsV1": self.fields}
        if self.subresource:
            data["subresource"] = self.subresource
        return data


def read_entries(managed: Any) -> list[Entry] | None:
    """The entries of a `managedFields` list, or None when one of them makes no sense."""
    entries = []
    for data in managed or ():
        fields = data.get("fieldsV1")
        if data.get("fieldsType", "FieldsV1") != "FieldsV1" or not isinstance(fields, dict):
            return None
        if data.get("operation") not in ("Apply", "Update") or not data.get("apiVersion"):
            return None
        entry = Entry(
            manager=data.get("manager", ""),
            operation=data["operation"],
            api_version=data["apiVersion"],
            fields=fields,
            time=data.get("time") or "",
            subresource=data.get("subresource", ""),
            source=data,
        )
        entries.append(entry)
    return entries


def share_fields(manifest: Manifest) -> None:
    """Let an object that was just read, and that nobody else has, hold its field sets together
    with others that have the same."""
    for data in manifest["metadata"].get("managedFields") or ():
        fields = data.get("fieldsV1")
        if fields:
            data["fieldsV1"] = shared(fields)


def write_entries(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """The list as it is stored: appliers first, then by time and name; empty entries vanish."""
    filled = (entry for entry in entries if entry.fields)
    return [entry.as_data() for entry in sorted(filled, key=_order)]


def _order(entry: Entry) -> tuple[str, ...]:
    return (entry.operation, entry.time, entry.manager, entry.api_version, entry.subresource)


def capped(entries: list[Entry]) -> list[Entry]:
    """The entries with the oldest updaters of each version put together until ten are left."""
    updaters = sorted(
        (entry for entry in entries if entry.operation == "Update"),
        key=lambda entry: (entry.time, entry.identity),
    )
    excess = len(updaters) - MOST_UPDATERS
    if excess <= 0:
        return entries
    first: dict[str, Entry] = {}
    buckets: dict[str, Entry] = {}
    gone: set[tuple[str, ...]] = set()
    for entry in updaters:
        if excess <= 0:
            break
        version = entry.api_version
        if version not in first:
            first[version] = entry
            continue
        bucket = buckets.get(version) or first[version]
        fields = union(bucket.fields, entry.fields)
        buckets[version] = Entry(OLD_UPDATES, "Update", version, fields, entry.time)
        gone |= {first[version].identity, entry.identity}
        excess -= 1
    kept = [entry for entry in entries if entry.identity not in gone]
    return kept + [buckets[version] for version in sorted(buckets)]
