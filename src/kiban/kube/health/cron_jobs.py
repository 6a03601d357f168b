"""The health of a schedule: whether its last run succeeded and whether a run was missed."""

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from kiban.kube.health.verdicts import Health, degraded, healthy, progressing
from kiban.kube.objects import Manifest
from kiban.primitives.instants import (
    Instant,
    from_datetime,
    later,
    parse_rfc3339,
    rfc3339,
    to_datetime,
)

# How late the controller may start a job before it counts as missed: it looks every ten seconds.
LATEST_START_SECONDS = 100.0


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
    missed = _missed(spec, since, now) if since and now is not None else None
    if missed is not None and not (active and spec.get("concurrencyPolicy") == "Forbid"):
        return degraded("MissedRun", f"the run of {rfc3339(missed)} was not started")
    if active:
        return progressing("Running", f"{len(active)} running") if not last else healthy("Running")
    return healthy()


def _missed(spec: Manifest, since: str, now: Instant) -> Instant | None:
    """The first run after `since` that should have been started by now."""
    try:
        zone: tzinfo = ZoneInfo(spec["timeZone"]) if spec.get("timeZone") else UTC
        start = to_datetime(parse_rfc3339(since)).astimezone(zone)
        due = from_datetime(next(CronSim(spec.get("schedule", ""), start)))
    except (CronSimError, StopIteration, LookupError, ValueError, OSError):
        return None
    return due if later(due, LATEST_START_SECONDS) < now else None
