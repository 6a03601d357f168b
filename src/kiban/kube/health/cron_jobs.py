"""The health of a schedule: whether its last run succeeded and whether a run was missed."""

from kiban.kube.health.verdicts import Health, degraded, healthy, progressing
from kiban.kube.objects import Manifest
from kiban.kube.schedule_times import ScheduleError, parse_schedule, parse_zone
from kiban.primitives.instants import Instant, later, parse_rfc3339, rfc3339

# How late the controller may start a job before it counts as missed: it looks every ten seconds.
LATEST_START_SECONDS = 100.0
# Missed runs are counted so far.
COUNTED_RUNS = 100


def cron_job_health(manifest: Manifest, now: Instant | None) -> Health:
    """A missed run is only noticed when the time is told."""
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    if spec.get("suspend"):
        return Health("Suspended", "Suspended", "the schedule is suspended")
    active = status.get("active") or ()
    last, success = status.get("lastScheduleTime"), status.get("lastSuccessfulTime")
    if last and not active and (not success or parse_rfc3339(success) < parse_rfc3339(last)):
        return degraded("LastRunFailed", f"the run of {last} did not succeed")
    since = last or manifest["metadata"].get("creationTimestamp")
    missed = _missed(spec, since, now) if since and now is not None else []
    if missed and not (active and spec.get("concurrencyPolicy") == "Forbid"):
        return degraded("MissedRun", _missed_text(missed))
    if active:
        return progressing("Running", f"{len(active)} running") if not last else healthy("Running")
    return healthy()


def _missed(spec: Manifest, since: str, now: Instant) -> list[Instant]:
    """The runs after `since` that should have been started by now, the first ones."""
    try:
        schedule = parse_schedule(spec.get("schedule", ""), parse_zone(spec.get("timeZone")))
    except ScheduleError:
        return []
    found: list[Instant] = []
    due = schedule.after(parse_rfc3339(since))
    while due is not None and later(due, LATEST_START_SECONDS) < now:
        if len(found) == COUNTED_RUNS:
            break
        found.append(due)
        due = schedule.after(due)
    return found


def _missed_text(missed: list[Instant]) -> str:
    if len(missed) == 1:
        return f"the run of {rfc3339(missed[0])} was not started"
    count = f"{COUNTED_RUNS} or more" if len(missed) == COUNTED_RUNS else str(len(missed))
    return f"{count} runs were not started, the first of {rfc3339(missed[0])}"
