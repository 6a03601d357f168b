"""Jobs: whether they run when they should, and end."""

from collections.abc import Iterator

from kiban.audit.findings import Rule, Said, Severity
from kiban.audit.view import View
from kiban.kube.objects import get_in
from kiban.kube.schedules import schedule_fault


def _schedule(view: View) -> Iterator[Said]:
    for key, job in view.kind("CronJob"):
        schedule = str(get_in(job, "spec", "schedule", default=""))
        if fault := schedule_fault(schedule):
            yield Said(key, "spec.schedule", f"{schedule!r} is no cron schedule: {fault}")


def _deadline(view: View) -> Iterator[Said]:
    for key, job in view.kind("CronJob"):
        if get_in(job, "spec", "startingDeadlineSeconds") is None:
            what = "a run is never given up that could not start in time"
            yield Said(key, "spec.startingDeadlineSeconds", what)


def _endless(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        spec = workload.manifest.get("spec", {})
        run = (
            get_in(spec, "jobTemplate", "spec", default={}) if workload.kind == "CronJob" else spec
        )
        if workload.kind in ("Job", "CronJob") and not run.get("activeDeadlineSeconds"):
            yield Said(workload.key, "activeDeadlineSeconds", "a run that hangs is never ended")


def _kept(view: View) -> Iterator[Said]:
    for key, job in view.kind("Job"):
        owned = job["metadata"].get("ownerReferences")
        if not owned and get_in(job, "spec", "ttlSecondsAfterFinished") is None:
            yield Said(key, "spec.ttlSecondsAfterFinished", "the finished job stays for ever")


RULES = (
    Rule(
        "cronjob-schedule",
        Severity.ERROR,
        "the API server refuses it",
        "write minute, hour, day, month, weekday",
        _schedule,
    ),
    Rule(
        "cronjob-starting-deadline",
        Severity.WARNING,
        "after 100 missed runs the controller starts none again",
        "set startingDeadlineSeconds",
        _deadline,
    ),
    Rule(
        "job-deadline",
        Severity.WARNING,
        "with concurrency forbidden, one run that hangs stops all that follow",
        "say `deadline: 1h`",
        _endless,
    ),
    Rule(
        "job-kept",
        Severity.ADVICE,
        "finished jobs and their pods fill the API server",
        "set ttlSecondsAfterFinished",
        _kept,
    ),
)
