"""Whether a Job has come to its end, and why: the condition that says so first.

FailureTarget and SuccessCriteriaMet come at once; Failed and Complete only when no pod is left
running and all are counted. Source: syncJob in pkg/controller/job/job_controller.go and
success_policy.go beside it.
"""

from typing import Any

from kiban.cluster.controllers.conditions import Claim, Condition
from kiban.cluster.controllers.job.census import Census
from kiban.cluster.controllers.job.failure_policy import verdict_on
from kiban.cluster.controllers.job.indexes import parse_indexes
from kiban.cluster.controllers.job.wishes import (
    backoff_limit_of,
    backs_off_by_index,
    completions_of,
    is_indexed,
    is_suspended,
)
from kiban.cluster.controllers.pods import instant_in, phase_of
from kiban.kube.objects import Manifest, condition_of, get_in
from kiban.primitives.instants import Instant, seconds_between

FAILURE_TARGET = "FailureTarget"
SUCCESS_CRITERIA_MET = "SuccessCriteriaMet"
FAILED = "Failed"
COMPLETE = "Complete"
_FINAL = {FAILURE_TARGET: FAILED, SUCCESS_CRITERIA_MET: COMPLETE}


def end_of(job: Manifest) -> Condition | None:
    """The condition Failed or Complete of a Job that is over."""
    for type_ in (COMPLETE, FAILED):
        found = condition_of(job, type_)
        if found is not None and found["status"] == "True":
            return found
    return None


def final(target: Claim) -> Claim:
    """What a target becomes when nothing runs any more."""
    return Claim(_FINAL[target.type], "True", target.reason, target.message)


def target_of(census: Census) -> Claim | None:
    """Why the Job is to end now; None while it is to go on."""
    said = _said_before(census.job)
    return said or _failure(census) or _success_by_policy(census)


def _said_before(job: Manifest) -> Claim | None:
    for type_ in (SUCCESS_CRITERIA_MET, FAILURE_TARGET):
        found = condition_of(job, type_)
        if found is not None and found["status"] == "True":
            return Claim(type_, "True", found.get("reason", ""), found.get("message", ""))
    return None


def _failure(census: Census) -> Claim | None:
    job = census.job
    verdicts = [verdict_on(job, pod) for pod in census.newly_failed if phase_of(pod) == "Failed"]
    fatal = next((verdict for verdict in verdicts if verdict.action == "FailJob"), None)
    if fatal is not None:
        return _failing("PodFailurePolicy", fatal.message)
    if census.failed > _limit(job) or _restarted_too_often(census):
        return _failing("BackoffLimitExceeded", "Job has reached the specified backoff limit")
    remaining = deadline_seconds(job, census.now)
    if remaining is not None and remaining <= 0:
        return _failing("DeadlineExceeded", "Job was active longer than specified deadline")
    return _index_failure(census) if backs_off_by_index(job) else None


def _failing(reason: str, message: str) -> Claim:
    return Claim(FAILURE_TARGET, "True", reason, message)


def _limit(job: Manifest) -> int:
    # With a limit for every index the one for all has no default.
    if backs_off_by_index(job) and job["spec"].get("backoffLimit") is None:
        return 2**31 - 1
    return backoff_limit_of(job)


def _restarted_too_often(census: Census) -> bool:
    """With restartPolicy OnFailure it is the containers' restarts that count."""
    job = census.job
    if get_in(job, "spec", "template", "spec", "restartPolicy") != "OnFailure":
        return False
    restarts = sum(
        status.get("restartCount", 0)
        for pod in census.pods
        if phase_of(pod) in ("Running", "Pending")
        for field in ("initContainerStatuses", "containerStatuses")
        for status in get_in(pod, "status", field, default=[])
    )
    limit = _limit(job)
    return bool(restarts > 0 if limit == 0 else restarts >= limit)


def _index_failure(census: Census) -> Claim | None:
    failed = len(census.failed_indexes)
    most = census.job["spec"].get("maxFailedIndexes")
    if most is not None and failed > most:
        text = "Job has exceeded the specified maximal number of failed indexes"
        return _failing("MaxFailedIndexesExceeded", text)
    completions = completions_of(census.job) or 0
    if failed and failed + len(census.succeeded_indexes) >= completions:
        return _failing("FailedIndexes", "Job has failed indexes")
    return None


def _success_by_policy(census: Census) -> Claim | None:
    rules = get_in(census.job, "spec", "successPolicy", "rules", default=[])
    if not is_indexed(census.job):
        return None
    for number, rule in enumerate(rules):
        if _is_met(rule, census):
            text = f"Matched rules at index {number}"
            return Claim(SUCCESS_CRITERIA_MET, "True", "SuccessPolicy", text)
    return None


def _is_met(rule: dict[str, Any], census: Census) -> bool:
    done = census.succeeded_indexes
    count = rule.get("succeededCount")
    if rule.get("succeededIndexes") is None:
        return count is not None and len(done) >= count
    wanted = parse_indexes(rule["succeededIndexes"], completions_of(census.job) or 0)
    met = [index for index in wanted if index in done]
    return len(met) >= (len(wanted) if count is None else count)


def is_completed(census: Census, active: int) -> bool:
    """Whether enough pods have succeeded and none runs."""
    completions = completions_of(census.job)
    enough = census.succeeded > 0 if completions is None else census.succeeded >= completions
    return enough and active == 0


COMPLETED = Claim(
    SUCCESS_CRITERIA_MET,
    "True",
    "CompletionsReached",
    "Reached expected number of succeeded pods",
)


def deadline_seconds(job: Manifest, now: Instant) -> float | None:
    """Seconds until the Job's deadline; None when it has none or is not under way."""
    deadline = job["spec"].get("activeDeadlineSeconds")
    started = instant_in(job.get("status") or {}, "startTime")
    if deadline is None or started is None or is_suspended(job):
        return None
    return float(deadline - seconds_between(started, now))
