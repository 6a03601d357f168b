"""The Jobs of a CronJob: how one is made, which are remembered, which are old enough to go."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from kiban.cluster.controllers.job.ending import COMPLETE, end_of
from kiban.cluster.controllers.pods import created_at, instant_in
from kiban.kube.objects import JOB, Manifest, get_in, owner_reference, uid_of
from kiban.primitives.instants import Instant, to_datetime

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
DEFAULT_SUCCESSFUL_LIMIT = 3
DEFAULT_FAILED_LIMIT = 1
_MINUTE = 60_000_000


def job_name(cron_job: Manifest, slot: Instant) -> str:
    """One name per minute, so that a slot is never started twice."""
    return f"{cron_job['metadata']['name']}-{slot // _MINUTE}"


def job_for(cron_job: Manifest, slot: Instant, zone: tzinfo) -> Manifest:
    """The Job of a slot."""
    template = cron_job["spec"]["jobTemplate"]
    wanted = template.get("metadata") or {}
    moment = to_datetime(slot).astimezone(zone).isoformat().replace("+00:00", "Z")
    metadata: dict[str, Any] = {
        "name": job_name(cron_job, slot),
        "namespace": cron_job["metadata"].get("namespace", ""),
        "annotations": {**(wanted.get("annotations") or {}), SCHEDULED: moment},
        "ownerReferences": [owner_reference(cron_job)],
    }
    if labels := wanted.get("labels"):
        metadata["labels"] = labels
    return {
        "apiVersion": "batch/v1",
        "kind": JOB.kind,
        "metadata": metadata,
        "spec": template["spec"],
    }


def reference_to(job: Manifest) -> dict[str, Any]:
    """How a CronJob's status names a Job that runs."""
    return {
        "apiVersion": "batch/v1",
        "kind": JOB.kind,
        "namespace": job["metadata"].get("namespace", ""),
        "name": job["metadata"]["name"],
        "uid": uid_of(job),
        "resourceVersion": job["metadata"].get("resourceVersion", ""),
    }


def outdated_jobs(cron_job: Manifest, jobs: Sequence[Manifest]) -> list[Manifest]:
    """The finished Jobs beyond the history limits, oldest first."""
    spec = cron_job["spec"]
    succeeded = [job for job in jobs if (end := end_of(job)) and end["type"] == COMPLETE]
    failed = [job for job in jobs if (end := end_of(job)) and end["type"] != COMPLETE]
    return [
        *_beyond(succeeded, spec.get("successfulJobsHistoryLimit", DEFAULT_SUCCESSFUL_LIMIT)),
        *_beyond(failed, spec.get("failedJobsHistoryLimit", DEFAULT_FAILED_LIMIT)),
    ]


def _beyond(jobs: Sequence[Manifest], limit: int | None) -> list[Manifest]:
    if limit is None:
        return []
    by_age = sorted(jobs, key=_started)
    return by_age[: max(0, len(by_age) - limit)]


def _started(job: Manifest) -> tuple[int, str]:
    started = instant_in(job.get("status") or {}, "startTime")
    return started if started is not None else created_at(job), job["metadata"]["name"]


def completed_at(job: Manifest) -> str:
    """When a Job succeeded, as the API writes it; empty when it has not."""
    end = end_of(job)
    if end is None or end["type"] != COMPLETE:
        return ""
    text: str = get_in(job, "status", "completionTime", default="")
    return text
