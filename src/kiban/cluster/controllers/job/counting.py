"""Counts every ended pod of a Job exactly once, whatever is lost in between.

First the status names the pods that have ended, then they lose the finalizer that kept them, then
the names become numbers. Source: trackJobStatusAndRemoveFinalizers in
pkg/controller/job/job_controller.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kiban.cluster.controllers.conditions import Claim
from kiban.cluster.controllers.job.census import FINALIZER, Census, has_failed, is_tracked
from kiban.cluster.controllers.job.ending import SUCCESS_CRITERIA_MET
from kiban.cluster.controllers.job.failure_policy import verdict_on
from kiban.cluster.controllers.job.indexes import format_indexes, index_of
from kiban.cluster.controllers.job.wishes import backs_off_by_index, is_indexed
from kiban.cluster.controllers.pods import is_terminal, phase_of
from kiban.cluster.controllers.writing import change
from kiban.kube.objects import Manifest, is_deleting, uid_of
from kiban.reconcile.commands import Command

# MaxUncountedPods of the real controller: more wait for the next pass.
MOST_UNCOUNTED = 500


@dataclass(frozen=True, slots=True)
class Tally:
    """The counting fields of the status, and the pods that may go."""

    fields: dict[str, Any]
    released: Sequence[Manifest]

    @property
    def has_named(self) -> bool:
        """Whether pods have a name in the status that is to become a number."""
        return any(self.fields["uncountedTerminatedPods"].values())

    @property
    def is_finished(self) -> bool:
        """Whether nothing is waiting to be counted."""
        return not self.released and not self.has_named


def tallied(census: Census, target: Claim | None) -> Tally:
    """The next step of the counting."""
    present = census.job.get("status") or {}
    fields: dict[str, Any] = {
        field: present[field] for field in ("succeeded", "failed") if field in present
    }
    waiting = _move_counted(census, fields)
    released: list[Manifest] = []
    for pod in census.tracked:
        if len(waiting["succeeded"]) + len(waiting["failed"]) >= MOST_UNCOUNTED:
            break
        if _may_go(census, pod, target) and not _is_to_be_ended(pod, target):
            released.append(pod)
        _name(census, pod, target, waiting)
    fields["uncountedTerminatedPods"] = {key: uids for key, uids in waiting.items() if uids}
    if is_indexed(census.job):
        fields["succeeded"] = len(census.succeeded_indexes)
        if census.succeeded_indexes:
            fields["completedIndexes"] = format_indexes(census.succeeded_indexes)
        if backs_off_by_index(census.job):
            fields["failedIndexes"] = format_indexes(census.failed_indexes)
    return Tally(fields, released)


def _move_counted(census: Census, fields: dict[str, Any]) -> dict[str, list[str]]:
    """Names whose pods have lost their finalizer become numbers; the others stay."""
    held = {uid_of(pod) for pod in census.tracked}
    waiting: dict[str, list[str]] = {}
    for field, uids in census.uncounted.items():
        waiting[field] = [uid for uid in uids if uid in held]
        counted = len(uids) - len(waiting[field])
        if counted:
            fields[field] = fields.get(field, 0) + counted
    return waiting


def _name(
    census: Census, pod: Manifest, target: Claim | None, waiting: dict[str, list[str]]
) -> None:
    uid = uid_of(pod)
    if uid in waiting["failed"] or uid in waiting["succeeded"]:
        return
    if phase_of(pod) == "Succeeded":
        # Of an indexed Job the index itself is the record.
        if not is_indexed(census.job):
            waiting["succeeded"].append(uid)
        return
    if not census.is_valid(pod):
        return
    if has_failed(census.job, pod):
        counts = verdict_on(census.job, pod).action != "Ignore"
        if counts and _may_go(census, pod, target):
            waiting["failed"].append(uid)
    elif _is_failing(target):
        waiting["failed"].append(uid)


def _is_failing(target: Claim | None) -> bool:
    return target is not None and target.type != SUCCESS_CRITERIA_MET


def _is_to_be_ended(pod: Manifest, target: Claim | None) -> bool:
    """Whether a pod counts as failed because it is going to be deleted, and is not yet: the
    request may be refused, and a pod that is counted is not looked at any more."""
    return _is_failing(target) and not is_deleting(pod) and not is_terminal(pod)


def _may_go(census: Census, pod: Manifest, target: Claim | None) -> bool:
    if is_deleting(census.job) or target is not None or phase_of(pod) == "Succeeded":
        return True
    if not has_failed(census.job, pod):
        return False
    remembered = census.remembered.get(index_of(pod) or 0) if is_indexed(census.job) else None
    return remembered is None or uid_of(remembered) != uid_of(pod)


def release(pod: Manifest) -> tuple[Command, ...]:
    """The command that lets a pod go."""
    if not is_tracked(pod):
        return ()
    kept = [name for name in pod["metadata"]["finalizers"] if name != FINALIZER]
    return (change(pod, {"metadata": {"finalizers": kept or None}}),)
