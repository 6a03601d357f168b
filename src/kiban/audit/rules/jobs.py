"""Jobs: whether they run when they should, and end."""

from collections.abc import Iterator, Mapping
from typing import Any

from kiban.audit.findings import Mend, Said, Severity, rule
from kiban.audit.view import View, Workload
from kiban.kube.objects import get_in
from kiban.kube.schedule_times import ScheduleError, parse_zone
from kiban.kube.schedules import schedule_fault

_MOST_KEPT = 10
_NIGHT = "kind: CronJob\nmetadata: {name: night}\nspec: "
# Zones whose clocks never change, in which every schedule runs once a day.
_STEADY = ("Etc/", "UTC", "GMT", "Asia/Tokyo", "Asia/Seoul", "Asia/Singapore", "Asia/Shanghai",
           "Asia/Kolkata", "Asia/Hong_Kong", "Asia/Bangkok", "Asia/Dubai")  # fmt: skip
_CHANGES = (1, 2, 3)


def _runs(view: View) -> Iterator[tuple[Workload, Mapping[str, Any], str]]:
    """Every job and every template of one, with where it stands."""
    for workload in view.workloads:
        if workload.kind == "Job":
            yield workload, workload.spec, "spec"
        elif workload.kind == "CronJob":
            run = get_in(workload.spec, "jobTemplate", "spec", default={})
            yield workload, run, "spec.jobTemplate.spec"


@rule(
    Severity.ERROR,
    why="the API server refuses it",
    fix="write minute, hour, day, month, weekday",
    example=f"{_NIGHT}{{schedule: 0 25 * * *}}",
)
def cronjob_schedule_valid(view: View) -> Iterator[Said]:
    for key, job in view.kind("CronJob"):
        schedule = str(get_in(job, "spec", "schedule", default=""))
        if fault := schedule_fault(schedule):
            yield Said(key, "spec.schedule", f"{schedule!r} is no cron schedule: {fault}")


@rule(
    Severity.WARNING,
    why="after 100 missed runs the controller starts none again",
    fix="set startingDeadlineSeconds",
    example=f"{_NIGHT}{{startingDeadlineSeconds: null}}",
    mend=Mend(300),
)
def cronjob_deadline(view: View) -> Iterator[Said]:
    for key, job in view.kind("CronJob"):
        if get_in(job, "spec", "startingDeadlineSeconds") is None:
            what = "a run is never given up that could not start in time"
            yield Said(key, "spec.startingDeadlineSeconds", what)


@rule(
    Severity.WARNING,
    why="a run that takes long meets the next one, and both write",
    fix="set concurrencyPolicy: Forbid, or Allow if they do not disturb each other",
    example=f"{_NIGHT}{{concurrencyPolicy: null}}",
    mend=Mend("Forbid", field="concurrency", field_value="forbid", risky=True),
)
def cronjob_concurrency(view: View) -> Iterator[Said]:
    for key, job in view.kind("CronJob"):
        if get_in(job, "spec", "concurrencyPolicy") is None:
            yield Said(key, "spec.concurrencyPolicy", "nobody decided whether runs may overlap")


@rule(
    Severity.ADVICE,
    why="it runs in the zone of the controller's machine, which nobody chose",
    fix="set timeZone: Asia/Tokyo (`timezone` of a service)",
    example=f"{_NIGHT}{{timeZone: null}}",
    mend=Mend("Etc/UTC"),
)
def cronjob_timezone(view: View) -> Iterator[Said]:
    for key, job in view.kind("CronJob"):
        zone = get_in(job, "spec", "timeZone")
        if zone is None:
            yield Said(key, "spec.timeZone", "nothing says in which time zone the schedule is")
            continue
        try:
            parse_zone(str(zone))
        except ScheduleError:
            yield Said(key, "spec.timeZone", f"there is no time zone {zone!r}")


@rule(
    Severity.WARNING,
    why="in spring the hour is left out and in autumn it comes twice: the job runs never or twice",
    fix="run it between 4:00 and midnight, or in UTC",
    example=f"{_NIGHT}{{schedule: 30 2 * * *, timeZone: Europe/Berlin}}",
)
def dst_or_utc(view: View) -> Iterator[Said]:
    for key, job in view.kind("CronJob"):
        zone = str(get_in(job, "spec", "timeZone", default="Etc/UTC"))
        schedule = str(get_in(job, "spec", "schedule", default="")).split()
        hour = schedule[1] if len(schedule) == 5 else ""
        if hour.isdigit() and int(hour) in _CHANGES and not zone.startswith(_STEADY):
            what = f"{hour} o'clock is when clocks change in {zone}"
            yield Said(key, "spec.schedule", what)


@rule(
    Severity.WARNING,
    why="with concurrency forbidden, one run that hangs stops all that follow",
    fix="set activeDeadlineSeconds (`deadline: 1h` of a service)",
    example=f"{_NIGHT}{{jobTemplate: {{spec: {{activeDeadlineSeconds: null}}}}}}",
)
def job_active_deadline(view: View) -> Iterator[Said]:
    for workload, run, where in _runs(view):
        if not run.get("activeDeadlineSeconds"):
            path = f"{where}.activeDeadlineSeconds"
            yield Said(workload.key, path, "a run that hangs is never ended")


@rule(
    Severity.ADVICE,
    why="six tries of a job that cannot succeed cost six times, and hide the first reason",
    fix="set backoffLimit (`retries: 2` of a service)",
    example=f"{_NIGHT}{{jobTemplate: {{spec: {{backoffLimit: null}}}}}}",
    mend=Mend(2),
)
def job_backoff(view: View) -> Iterator[Said]:
    for workload, run, where in _runs(view):
        if run.get("backoffLimit") is None and not run.get("backoffLimitPerIndex"):
            what = "nobody decided how often it is tried again"
            yield Said(workload.key, f"{where}.backoffLimit", what)


@rule(
    Severity.ADVICE,
    why="finished jobs and their pods fill the API server",
    fix="set ttlSecondsAfterFinished",
    example="kind: Job\nmetadata: {name: once}\nspec: {ttlSecondsAfterFinished: null}",
    mend=Mend(86_400),
)
def job_ttl(view: View) -> Iterator[Said]:
    for key, job in view.kind("Job"):
        owned = job["metadata"].get("ownerReferences")
        if not owned and get_in(job, "spec", "ttlSecondsAfterFinished") is None:
            yield Said(key, "spec.ttlSecondsAfterFinished", "the finished job stays for ever")


@rule(
    Severity.ADVICE,
    why="0 leaves no failed run to look at, hundreds fill the API server",
    fix="keep 3 that succeeded and 5 that failed",
    example=f"{_NIGHT}{{failedJobsHistoryLimit: 0}}",
    mend=Mend(3),
)
def cronjob_history_limits(view: View) -> Iterator[Said]:
    for key, job in view.kind("CronJob"):
        for name in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
            kept = get_in(job, "spec", name)
            if kept is not None and (kept > _MOST_KEPT or (kept == 0 and "failed" in name)):
                yield Said(key, f"spec.{name}", f"{kept} runs are kept")


@rule(
    Severity.ERROR,
    why="the API server refuses it",
    fix="use Never, so that every try leaves its own logs",
    example=f"{_NIGHT}{{jobTemplate: {{spec: {{template: {{spec: {{restartPolicy: Always}}}}}}}}}}",
    mend=Mend("Never"),
)
def job_restart_policy(view: View) -> Iterator[Said]:
    for workload, _, _ in _runs(view):
        if workload.pod.get("restartPolicy", "Always") == "Always":
            yield workload.said("restartPolicy", "the pods of a job may not restart always")


RULES = (
    cronjob_schedule_valid,
    cronjob_deadline,
    cronjob_concurrency,
    cronjob_timezone,
    dst_or_utc,
    job_active_deadline,
    job_backoff,
    job_ttl,
    cronjob_history_limits,
    job_restart_policy,
)
