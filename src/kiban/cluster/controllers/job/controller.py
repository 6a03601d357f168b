"""Runs a Job's pods to completion: makes, counts, retries, gives up, suspends, finishes.

Changes of pods are looked at a second later, all together. Source: syncJob in
pkg/controller/job/job_controller.go.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kiban.cluster.controllers.conditions import (
    Claim,
    Condition,
    condition_from,
    condition_in,
    with_condition,
)
from kiban.cluster.controllers.job.backoff import (
    RECORD,
    Failures,
    failures_after,
    recorded_failures,
)
from kiban.cluster.controllers.job.census import Census, is_tracked
from kiban.cluster.controllers.job.counting import Tally, release, tallied
from kiban.cluster.controllers.job.ending import (
    COMPLETE,
    COMPLETED,
    deadline_seconds,
    end_of,
    final,
    is_completed,
    target_of,
)
from kiban.cluster.controllers.job.sizing import Sizing, sized
from kiban.cluster.controllers.job.wishes import is_managed_elsewhere, is_suspended
from kiban.cluster.controllers.ownership import claim, controllers_of
from kiban.cluster.controllers.pod_changes import of_owners
from kiban.cluster.controllers.pods import is_ready
from kiban.cluster.controllers.writing import event, warning
from kiban.kube.merges.merge_patch import merge_patch_between
from kiban.kube.objects import (
    JOB,
    POD,
    Key,
    Manifest,
    annotations_of,
    controller_of,
    is_deleting,
    key_of,
    uid_of,
)
from kiban.primitives.instants import Instant, rfc3339
from kiban.reconcile.commands import Command, Create, Delete, Patch, Refusal
from kiban.reconcile.controller import NOTHING, Change, Delayed, Only, Outcome, Snapshot, Watched

# syncJobBatchPeriod of the real controller.
BATCH_SECONDS = 1.0
SUSPENDED = "Suspended"
_TIMES = ("lastProbeTime", "lastTransitionTime")


class JobController:
    """The controller of kind Job."""

    name = "job-controller"
    watches: Watched = frozenset({JOB, Only(POD, of_owners(JOB))})

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key | Delayed]:
        if change.key.group_kind == JOB:
            return _interested_in_job(change, snapshot)
        owners = controllers_of(JOB, (change.before, change.after))
        found: list[Key | Delayed] = [Delayed(key, BATCH_SECONDS) for key in owners]
        if change.after is not None and _is_lost(change.after, snapshot):
            found.append(change.key)
        return found

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        if key.group_kind == POD:
            return _let_go(snapshot.get(key), snapshot)
        job = snapshot.get(key)
        if job is None or end_of(job) is not None or is_managed_elsewhere(job):
            return NOTHING
        claimed = claim(snapshot, job, POD)
        census = Census(job, claimed.objects, now)
        return _advance(census, claimed.commands, snapshot)


def _interested_in_job(change: Change, snapshot: Snapshot) -> list[Key | Delayed]:
    if change.after is None:
        pods = snapshot.owned(uid_of(change.object), POD)
        return [key_of(pod) for pod in pods if is_tracked(pod)]
    generation = change.after["metadata"].get("generation")
    if change.before is not None and change.before["metadata"].get("generation") == generation:
        return [Delayed(change.key, BATCH_SECONDS)]
    return [change.key]


def _is_lost(pod: Manifest, snapshot: Snapshot) -> bool:
    """Whether a pod waits to be counted by a Job that is not there."""
    if not is_tracked(pod):
        return False
    owner = controller_of(pod)
    if owner is None:
        return True
    job = snapshot.get(Key(*JOB, pod["metadata"].get("namespace", ""), owner["name"]))
    return owner["kind"] == JOB.kind and (job is None or uid_of(job) != owner["uid"])


def _let_go(pod: Manifest | None, snapshot: Snapshot) -> Outcome:
    return Outcome(release(pod)) if pod is not None and _is_lost(pod, snapshot) else NOTHING


@dataclass(frozen=True, slots=True)
class _Course:
    """What is done in one pass: why the Job ends, if it does, and what happens to its pods."""

    target: Claim | None
    sizing: Sizing
    active: int
    ready: int
    terminating: int


def _advance(census: Census, claims: Sequence[Command], snapshot: Snapshot) -> Outcome:
    before = recorded_failures(census.job)
    failures = failures_after(before, census.newly_succeeded, census.newly_failed, census.now)
    course = _course(census, failures, snapshot)
    tally = tallied(census, course.target)
    status, events = _status(census, course, tally)
    written = _written(census.job, status, failures)
    deleted = [command for pod in course.sizing.delete for command in _deletion(census.job, pod)]
    released = [command for pod in tally.released for command in release(pod)]
    created = [command for pod in course.sizing.create for command in _creation(census.job, pod)]
    reports = _reports(census.job, snapshot.refusals)
    # Suspension is no failure: its pods are let go before anyone could count them.
    freed = [command for pod in _uncounted_deletions(census, course) for command in release(pod)]
    if _cannot_say(course):
        return Outcome((*claims, *reports), wake_after=_wake_after(census, course))
    commands = (*claims, *reports, *written, *released, *freed, *deleted, *created, *events)
    # What was named or is to end is told in full at once, unless a pod could not be let go: then
    # the loop's own back-off decides, lest the two chase each other.
    has_more_to_say = tally.has_named or (course.target is not None and not tally.is_finished)
    at_once = has_more_to_say and not _refused(snapshot.refusals, Delete, Patch)
    return Outcome(commands, wake_after=0.0 if at_once else _wake_after(census, course))


def _course(census: Census, failures: Failures, snapshot: Snapshot) -> _Course:
    active, ready = len(census.active), census.ready
    target = target_of(census)
    sizing = Sizing()
    if target is not None:
        sizing = Sizing(delete=census.active)
    elif not is_deleting(census.job):
        sizing = sized(census, failures, snapshot.chance)
    removed = len(sizing.delete)
    # Pods that were refused a moment ago are only counted once they are there.
    made = 0 if _refused(snapshot.refusals, Create) else len(sizing.create)
    # As long as it waits to make pods, the real controller says that none is active.
    active = 0 if sizing.is_waiting else active + made - removed
    ready -= sum(is_ready(pod) for pod in sizing.delete)
    if target is None and is_completed(census, active):
        target = COMPLETED
    return _Course(target, sizing, active, ready, census.terminating + removed)


def _refused(refusals: Sequence[Refusal], *kinds: type[Command]) -> bool:
    """Whether a command of one of these kinds was refused."""
    return any(isinstance(refusal.command, kinds) for refusal in refusals)


def _cannot_say(course: _Course) -> bool:
    """Whether the API refuses the status, which may not have more ready pods than active ones.

    So it does up to v1.36.2 (kubernetes/kubernetes#139428): a Job that waits to replace a failed
    pod while others are ready counts nothing until its wait is over.
    """
    return course.sizing.is_waiting and course.ready > 0


def _uncounted_deletions(census: Census, course: _Course) -> Sequence[Manifest]:
    return () if course.target is not None else course.sizing.delete


def _status(census: Census, course: _Course, tally: Tally) -> tuple[dict[str, Any], list[Command]]:
    job, now = census.job, census.now
    status: dict[str, Any] = dict(job.get("status") or {})
    conditions: list[Condition] = list(status.get("conditions") or [])
    events: list[Command] = []
    if "startTime" not in status and not is_suspended(job):
        status["startTime"] = rfc3339(now)
    if course.target is None and not is_deleting(job):
        conditions, events = _suspension(job, status, conditions, now)
    elif course.target is not None:
        conditions = with_condition(conditions, condition_from(course.target, now, _TIMES))
    for field in ("succeeded", "failed", "active"):
        status.pop(field, None)
    status |= {"ready": course.ready, "terminating": course.terminating, **tally.fields}
    if course.active:
        status["active"] = course.active
    if course.target is not None and _is_over(course, tally):
        end = final(course.target)
        conditions = with_condition(conditions, condition_from(end, now, _TIMES))
        if end.type == COMPLETE:
            status["completionTime"] = rfc3339(now)
            events.append(event(job, "Completed", "Job completed"))
        else:
            events.append(warning(job, end.reason, end.message))
    if conditions:
        status["conditions"] = conditions
    return {k: v for k, v in status.items() if v or k not in ("succeeded", "failed")}, events


def _is_over(course: _Course, tally: Tally) -> bool:
    return tally.is_finished and not course.terminating and not course.active


def _suspension(
    job: Manifest, status: dict[str, Any], conditions: list[Condition], now: Instant
) -> tuple[list[Condition], list[Command]]:
    """The condition Suspended; the time of the start is that of the latest resumption."""
    current = condition_in(conditions, SUSPENDED)
    was = current is not None and current["status"] == "True"
    if is_suspended(job):
        if was:
            return conditions, []
        status.pop("startTime", None)
        said = Claim(SUSPENDED, "True", "JobSuspended", "Job suspended")
        added = with_condition(conditions, condition_from(said, now, _TIMES))
        return added, [event(job, "Suspended", "Job suspended")]
    if not was:
        return conditions, []
    status["startTime"] = rfc3339(now)
    said = Claim(SUSPENDED, "False", "JobResumed", "Job resumed")
    added = with_condition(conditions, condition_from(said, now, _TIMES))
    return added, [event(job, "Resumed", "Job resumed")]


def _written(job: Manifest, status: dict[str, Any], failures: Failures) -> list[Command]:
    """Status and back-off in one write, so that neither is lost without the other."""
    patch: dict[str, Any] = {}
    if changed := merge_patch_between(job.get("status") or {}, status):
        patch["status"] = changed
    if annotations_of(job).get(RECORD) != failures.text:
        patch["metadata"] = {"annotations": {RECORD: failures.text}}
    return [Patch(key_of(job), patch, subresource="status", uid=uid_of(job))] if patch else []


def _creation(job: Manifest, pod: Manifest) -> list[Command]:
    text = f"Created pod: {pod['metadata']['name']}"
    return [Create(pod), event(job, "SuccessfulCreate", text, after_success=True)]


def _deletion(job: Manifest, pod: Manifest) -> list[Command]:
    text = f"Deleted pod: {pod['metadata']['name']}"
    return [
        Delete(key_of(pod), uid=uid_of(pod)),
        event(job, "SuccessfulDelete", text, after_success=True),
    ]


def _reports(job: Manifest, refusals: Sequence[Refusal]) -> list[Command]:
    found: list[Command] = []
    for refusal in refusals:
        if isinstance(refusal.command, Create) and "NamespaceTerminating" not in refusal.causes:
            found.append(warning(job, "FailedCreate", f"Error creating: {refusal.message}"))
    return found


def _wake_after(census: Census, course: _Course) -> float | None:
    """At the end of the back-off or at the deadline."""
    waits = [course.sizing.wait_seconds]
    if course.target is None:
        waits.append(deadline_seconds(census.job, census.now))
        if "startTime" not in (census.job.get("status") or {}):
            waits.append(census.job["spec"].get("activeDeadlineSeconds"))
    return min((float(wait) for wait in waits if wait is not None and wait > 0), default=None)
