"""The commands that most controllers give: a new status, another field, an event."""

from typing import Any, Literal

from kiban.kube.merges.merge_patch import merge_patch_between
from kiban.kube.objects import Manifest, key_of, uid_of
from kiban.reconcile.commands import Command, Patch, Record
from kiban.reconcile.controller import Change


def status_update(manifest: Manifest, status: dict[str, Any]) -> tuple[Command, ...]:
    """The command that makes this the object's status; none when it is so already."""
    patch = merge_patch_between(manifest.get("status") or {}, status)
    if not patch:
        return ()
    return (Patch(key_of(manifest), {"status": patch}, subresource="status", uid=uid_of(manifest)),)


def is_own_report(change: Change, told: dict[str, Any] | None) -> bool:
    """Whether a change is the status that the controller itself has written a moment ago, and
    nothing else: then it knows what it would find."""
    before, after = change.before, change.after
    if told is None or before is None or after is None or after.get("status") != told:
        return False
    then, now = before["metadata"], after["metadata"]
    return (
        before.get("spec") == after.get("spec")
        and before.get("status") != told
        and {**then, "resourceVersion": "", "managedFields": None}
        == {**now, "resourceVersion": "", "managedFields": None}
    )


def change(manifest: Manifest, patch: dict[str, Any]) -> Patch:
    """The command that merges a patch into this very object."""
    return Patch(key_of(manifest), patch, uid=uid_of(manifest))


def event(about: Manifest, reason: str, message: str, *, after_success: bool = False) -> Record:
    """Something that went as it should."""
    return _record(about, "Normal", reason, message, after_success=after_success)


def warning(about: Manifest, reason: str, message: str, *, after_success: bool = False) -> Record:
    """Something that did not."""
    return _record(about, "Warning", reason, message, after_success=after_success)


def _record(
    about: Manifest,
    type_: Literal["Normal", "Warning"],
    reason: str,
    message: str,
    *,
    after_success: bool,
) -> Record:
    return Record(about, type_, reason, message, after_success)
