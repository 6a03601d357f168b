"""Starts the Jobs of a CronJob, keeps the list of those that run, removes the old ones.

Source: pkg/controller/cronjob/cronjob_controllerv2.go.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from kiban.cluster.controllers.cron_job.jobs import (
    completed_at,
    job_for,
    job_name,
    outdated_jobs,
    reference_to,
)
from kiban.cluster.controllers.cron_job.missed import missed_times
from kiban.cluster.controllers.job.ending import end_of
from kiban.cluster.controllers.ownership import controllers_of, is_controlled_by
from kiban.cluster.controllers.pods import created_at, instant_in
from kiban.cluster.controllers.writing import event, status_update, warning
from kiban.kube.objects import CRON_JOB, JOB, Key, Manifest, is_deleting, key_of, uid_of
from kiban.kube.schedule_times import Schedule, ScheduleError, parse_schedule, parse_zone
from kiban.primitives.instants import (
    Instant,
    later,
    rfc3339,
    seconds_between,
    to_datetime,
)
from kiban.reconcile.commands import Command, Create, Delete, Refusal
from kiban.reconcile.controller import NOTHING, Change, Outcome, Snapshot

# nextScheduleDelta of the real controller: never too early by a rounding.
AFTER_SLOT_SECONDS = 0.1
_FORBIDDEN = "Not starting job because prior execution is running and concurrency policy is Forbid"
_TOO_MANY = (
    "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
)


class CronJobController:
    """The controller of kind CronJob."""

    name = "cronjob-controller"
    watches = frozenset({CRON_JOB, JOB})

    def __init__(self) -> None:
        # Those whose times have changed since they were last looked at.
        self._rescheduled: dict[Key, None] = {}

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        if change.key.group_kind == CRON_JOB:
            if _has_other_times(change):
                self._rescheduled[change.key] = None
            return [change.key]
        return controllers_of(CRON_JOB, (change.before, change.after))

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        cron_job = snapshot.get(key)
        if cron_job is None:
            return NOTHING
        jobs = [
            job for job in snapshot.owned(uid_of(cron_job), JOB) if is_controlled_by(job, cron_job)
        ]
        run = _Run(cron_job, jobs, now)
        if key in self._rescheduled:
            # A time that has passed was none when it did: the next one is waited for.
            del self._rescheduled[key]
            return Outcome(wake_after=run.seconds_until_next())
        run.report_refused(snapshot.refusals)
        run.remove_outdated()
        run.follow_jobs()
        wake_after = run.start_due()
        run.report_unexpected()
        return Outcome((*run.commands, *status_update(cron_job, run.status)), wake_after)


def _has_other_times(change: Change) -> bool:
    before, after = change.before, change.after
    if before is None or after is None:
        return False
    return any(
        before["spec"].get(field) != after["spec"].get(field) for field in ("schedule", "timeZone")
    )


@dataclass(frozen=True, slots=True)
class _Timing:
    schedule: Schedule
    zone: tzinfo


class _Run:
    """One pass over a CronJob: the commands and the status it leads to."""

    def __init__(self, cron_job: Manifest, jobs: Sequence[Manifest], now: Instant) -> None:
        self._cron_job = cron_job
        self._jobs = jobs
        self._now = now
        self._policy = cron_job["spec"].get("concurrencyPolicy", "Allow")
        self._deleted: dict[str, None] = {}
        self.commands: list[Command] = []
        self.status: dict[str, Any] = dict(cron_job.get("status") or {})

    @property
    def _active(self) -> list[dict[str, Any]]:
        return self.status.get("active") or []

    @_active.setter
    def _active(self, references: list[dict[str, Any]]) -> None:
        self.status.pop("active", None)
        if references:
            self.status["active"] = references

    def _is_listed(self, job: Manifest) -> bool:
        return any(reference.get("uid") == uid_of(job) for reference in self._active)

    def _unlist(self, uid: str) -> None:
        self._active = [entry for entry in self._active if entry.get("uid") != uid]

    def _say(self, reason: str, message: str, *, after_success: bool = False) -> None:
        self.commands.append(event(self._cron_job, reason, message, after_success=after_success))

    def _warn(self, reason: str, message: str) -> None:
        self.commands.append(warning(self._cron_job, reason, message))

    def report_refused(self, refusals: Sequence[Refusal]) -> None:
        """Say why a Job could not be made or deleted."""
        for refusal in refusals:
            if isinstance(refusal.command, Create) and not _is_harmless(refusal):
                self._warn("FailedCreate", f"Error creating job: {refusal.message}")
            elif isinstance(refusal.command, Delete) and refusal.code != 404:
                self._warn("FailedDelete", f"Deleted job: {refusal.message}")

    def remove_outdated(self) -> None:
        """Delete the finished Jobs beyond the history limits."""
        for job in outdated_jobs(self._cron_job, self._jobs):
            if not is_deleting(job):
                self._delete(job)

    def _delete(self, job: Manifest) -> None:
        self.commands.append(Delete(key_of(job), uid=uid_of(job), propagation="Background"))
        self._say("SuccessfulDelete", f"Deleted job {job['metadata']['name']}", after_success=True)
        self._unlist(uid_of(job))
        self._deleted[uid_of(job)] = None

    def follow_jobs(self) -> None:
        """Strike the Jobs that have ended or vanished off the list, note the last success."""
        for job in self._jobs:
            end = end_of(job)
            if end is not None and self._is_listed(job):
                self._unlist(uid_of(job))
                name = job["metadata"]["name"]
                self._say("SawCompletedJob", f"Saw completed job: {name}, condition: {end['type']}")
            if completed := completed_at(job):
                before = self.status.get("lastSuccessfulTime", "")
                self.status["lastSuccessfulTime"] = max(before, completed)
        present = [uid_of(job) for job in self._jobs]
        for reference in self._active:
            if reference.get("uid") not in present:
                self._say("MissingJob", f"Active job went missing: {reference['name']}")
                self._unlist(reference.get("uid", ""))

    def report_unexpected(self) -> None:
        """Say of Jobs that run under this CronJob's name and are not its own doing."""
        for job in self._jobs:
            name = job["metadata"]["name"]
            goes = is_deleting(job) or uid_of(job) in self._deleted
            if end_of(job) is None and not self._is_listed(job) and not goes:
                text = f"Saw a job that the controller did not create or forgot: {name}"
                self._warn("UnexpectedJob", text)

    def start_due(self) -> float | None:
        """Start the Job of the latest time that has come; seconds until the next look."""
        if is_deleting(self._cron_job):
            return None
        timing = self._timing()
        if timing is None or self._cron_job["spec"].get("suspend"):
            return None
        missed = missed_times(timing.schedule, self._earliest(with_deadline=True), self._now)
        if missed.too_many:
            self._warn("TooManyMissedTimes", _TOO_MANY)
        if missed.latest is not None:
            self._handle(missed.latest, timing.zone)
        return self._until_next(timing.schedule)

    def seconds_until_next(self) -> float | None:
        """Seconds until the next time of the schedule, whatever was missed."""
        timing = self._timing()
        return self._until_next(timing.schedule) if timing is not None else None

    def _timing(self) -> _Timing | None:
        spec = self._cron_job["spec"]
        try:
            zone = parse_zone(spec.get("timeZone"))
        except ScheduleError as error:
            self._warn("UnknownTimeZone", f'invalid timeZone: "{spec.get("timeZone")}": {error}')
            return None
        try:
            return _Timing(parse_schedule(spec["schedule"], zone), zone)
        except ScheduleError as error:
            text = f'unparseable schedule: "{spec["schedule"]}" : {error}'
            self._warn("UnparseableSchedule", text)
            return None

    def _earliest(self, *, with_deadline: bool) -> Instant:
        """From when on a time counts as missed."""
        last = instant_in(self.status, "lastScheduleTime")
        earliest = last if last is not None else created_at(self._cron_job)
        deadline = self._cron_job["spec"].get("startingDeadlineSeconds")
        if with_deadline and deadline is not None:
            earliest = max(earliest, later(self._now, -deadline))
        return earliest

    def _handle(self, slot: Instant, zone: tzinfo) -> None:
        """Start the Job of a slot, or say why not."""
        deadline = self._cron_job["spec"].get("startingDeadlineSeconds")
        if deadline is not None and later(slot, deadline) < self._now:
            moment = to_datetime(slot).strftime("%a, %d %b %Y %H:%M:%S +0000")
            self._warn("MissSchedule", f"Missed scheduled time to start a job: {moment}")
            return
        name = job_name(self._cron_job, slot)
        made = next((job for job in self._jobs if job["metadata"]["name"] == name), None)
        if made is not None:
            self._note(made, slot)
            return
        if self._policy == "Forbid" and self._active:
            self._say("JobAlreadyActive", _FORBIDDEN)
            return
        if self._policy == "Replace":
            for job in [job for job in self._jobs if self._is_listed(job)]:
                self._delete(job)
        self.commands.append(Create(job_for(self._cron_job, slot, zone)))
        self._say("SuccessfulCreate", f"Created job {name}", after_success=True)

    def _note(self, job: Manifest, slot: Instant) -> None:
        """Write down a Job that was just made: only now is its uid known."""
        if end_of(job) is None and not self._is_listed(job):
            self._active = [*self._active, reference_to(job)]
        self.status["lastScheduleTime"] = rfc3339(slot)

    def _until_next(self, schedule: Schedule) -> float | None:
        missed = missed_times(schedule, self._earliest(with_deadline=False), self._now)
        following = schedule.after(missed.latest if missed.latest is not None else missed.earliest)
        if following is None:
            return None
        return max(0.0, seconds_between(self._now, following) + AFTER_SLOT_SECONDS)


def _is_harmless(refusal: Refusal) -> bool:
    return refusal.reason == "AlreadyExists" or "NamespaceTerminating" in refusal.causes
