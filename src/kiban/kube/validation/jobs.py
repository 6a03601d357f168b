"""Rules for Jobs and CronJobs, and for what may not change in them.

Source: k8s.io/kubernetes/pkg/apis/batch/validation/validation.go.
"""

import re
from typing import Any
from zoneinfo import ZoneInfo

from kiban.kube import formats
from kiban.kube.objects import Manifest
from kiban.kube.schedules import schedule_fault
from kiban.kube.selectors import SelectorError, selector_from_object
from kiban.kube.validation.faults import (
    Fault,
    Faults,
    all_invalid,
    at_least,
    duplicate,
    immutable,
    invalid,
    one_of,
    required,
    too_long,
    unsupported,
)
from kiban.kube.validation.pods import validate_template
from kiban.kube.validation.selectors import validate_selector

Value = dict[str, Any]

_NUMBERS = (
    "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit",
    "ttlSecondsAfterFinished", "backoffLimitPerIndex",
)  # fmt: skip
_MOST_PARALLEL = 100_000
_MOST_FAILED = 100_000
_MOST_RULES = 20
_LONGEST_MANAGER = 63
# The controller appends eleven characters to name the jobs.
_LONGEST_CRON_JOB = 52


def _spec(manifest: Manifest) -> Value:
    spec: Value = manifest.get("spec") or {}
    return spec


def validate_job(manifest: Manifest) -> Faults:
    spec = _spec(manifest)
    faults = _job_spec(spec, "spec") + _selection(spec, "spec")
    indexes = spec.get("completions") or 0
    if spec.get("completionMode") == "Indexed" and indexes > 0:
        name = manifest["metadata"].get("name", "")
        host = f"{name}-{indexes - 1}"
        if formats.dns_label_faults(host):
            detail = f"will not able to create pod with invalid DNS label: {host}"
            faults.append(invalid("metadata.name", name, detail))
    return faults


def validate_changed_job(manifest: Manifest) -> Faults:
    spec = _spec(manifest)
    return _job_spec(spec, "spec") + _selection(spec, "spec")


def _selection(spec: Value, field: str) -> Faults:
    """A selector of its own must choose the template's pods; ours does."""
    selector = spec.get("selector")
    faults = validate_selector(selector, f"{field}.selector")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    try:
        chosen = selector is None or selector_from_object(selector).matches(labels)
    except (SelectorError, KeyError):
        chosen = True
    if not chosen:
        detail = "`selector` does not match template `labels`"
        faults.append(invalid(f"{field}.template.metadata.labels", labels or None, detail))
    return faults


def _job_spec(spec: Value, field: str) -> Faults:
    faults: Faults = []
    for name in _NUMBERS:
        faults += at_least(f"{field}.{name}", spec.get(name))
    failed = spec.get("maxFailedIndexes")
    if failed is not None:
        faults += at_least(f"{field}.maxFailedIndexes", failed)
        if spec.get("backoffLimitPerIndex") is None:
            said = "when maxFailedIndexes is specified"
            faults.append(required(f"{field}.backoffLimitPerIndex", said))
    faults += _manager(spec.get("managedBy"), f"{field}.managedBy")
    faults += _mode(spec, field)
    if spec.get("podFailurePolicy") is not None:
        faults += _failure_policy(spec, f"{field}.podFailurePolicy")
    if spec.get("successPolicy") is not None:
        faults += _success_policy(spec, f"{field}.successPolicy")
    faults += _replacement(spec, f"{field}.podReplacementPolicy")
    faults += validate_template(spec["template"], f"{field}.template")
    return faults + _restart(spec, f"{field}.template.spec.restartPolicy")


def _manager(name: Any, field: str) -> Faults:
    if name is None:
        return []
    faults = domain_prefixed_path(name, field)
    if len(name) > _LONGEST_MANAGER:
        faults.append(too_long(field, _LONGEST_MANAGER))
    return faults


def domain_prefixed_path(path: str, field: str) -> Faults:
    """A domain, a slash and a path, such as `example.com/ingress`."""
    if not path:
        return [required(field)]
    domain, slash, rest = path.partition("/")
    if not slash or not domain or not rest:
        return [invalid(field, path, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    faults = all_invalid(field, domain, formats.dns_subdomain_faults(domain))
    if not re.fullmatch(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+", rest):
        detail = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')"
        faults.append(invalid(field, rest, detail))
    return faults


def _mode(spec: Value, field: str) -> Faults:
    mode = spec.get("completionMode")
    faults: Faults = []
    if mode is not None:
        faults += one_of(f"{field}.completionMode", mode, ("NonIndexed", "Indexed"))
    if mode == "Indexed":
        return faults + _indexed(spec, field)
    if mode is None or mode == "NonIndexed":
        for name in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if spec.get(name) is not None:
                detail = "requires indexed completion mode"
                faults.append(invalid(f"{field}.{name}", spec[name], detail))
    return faults


def _indexed(spec: Value, field: str) -> Faults:
    completions, failed = spec.get("completions"), spec.get("maxFailedIndexes")
    faults: Faults = []
    if completions is None:
        faults.append(required(f"{field}.completions", "when completion mode is Indexed"))
    parallel = spec.get("parallelism")
    if parallel is not None and parallel > _MOST_PARALLEL:
        detail = f"must be less than or equal to {_MOST_PARALLEL} when completion mode is Indexed"
        faults.append(invalid(f"{field}.parallelism", parallel, detail))
    if failed is not None and completions is not None and failed > completions:
        detail = "must be less than or equal to completions"
        faults.append(invalid(f"{field}.maxFailedIndexes", failed, detail))
    if failed is not None and failed > _MOST_FAILED:
        detail = f"must be less than or equal to {_MOST_FAILED}"
        faults.append(invalid(f"{field}.maxFailedIndexes", failed, detail))
    return faults


_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")


def _listed(values: tuple[str, ...]) -> str:
    """Values as Go prints a list of texts."""
    return "valid values: [" + " ".join(f'"{value}"' for value in values) + "]"


def _failure_policy(spec: Value, field: str) -> Faults:
    rules = spec["podFailurePolicy"].get("rules") or ()
    faults: Faults = []
    if len(rules) > _MOST_RULES:
        faults.append(too_many(f"{field}.rules", len(rules), _MOST_RULES))
    for index, rule in enumerate(rules):
        faults += _failure_rule(spec, rule, f"{field}.rules[{index}]")
    return faults


def too_many(field: str, count: int, most: int) -> Fault:
    return Fault("FieldValueTooMany", field, f"Too many: {count}: must have at most {most} items")


def _failure_rule(spec: Value, rule: Value, field: str) -> Faults:
    action, codes = rule.get("action", ""), rule.get("onExitCodes")
    conditions = rule.get("onPodConditions") or ()
    faults: Faults = []
    if not action:
        faults.append(required(f"{field}.action", _listed(_ACTIONS)))
    elif action == "FailIndex":
        if spec.get("backoffLimitPerIndex") is None:
            detail = "requires the backoffLimitPerIndex to be set"
            faults.append(invalid(f"{field}.action", action, detail))
    elif action not in _ACTIONS:
        faults.append(unsupported(f"{field}.action", action, _ACTIONS))
    if codes is not None:
        faults += _exit_codes(spec, codes, f"{field}.onExitCodes")
    for index, pattern in enumerate(conditions):
        faults += _condition(pattern, f"{field}.onPodConditions[{index}]")
    if codes is not None and conditions:
        faults.append(_unseen(field, "both OnExitCodes and OnPodConditions is not supported"))
    if codes is None and not conditions:
        faults.append(_unseen(field, "one of OnExitCodes and OnPodConditions is required"))
    return faults


def _unseen(field: str, rest: str) -> Fault:
    """A fault of a whole object, which is not shown."""
    return Fault("FieldValueInvalid", field, f"Invalid value: specifying {rest}")


def _condition(pattern: Value, field: str) -> Faults:
    kind, status = pattern.get("type", ""), pattern.get("status", "")
    faults = all_invalid(f"{field}.type", kind, formats.label_key_faults(kind))
    if not status:
        return [*faults, required(f"{field}.status", _listed(_STATUSES))]
    return faults + one_of(f"{field}.status", status, _STATUSES)


def _exit_codes(spec: Value, codes: Value, field: str) -> Faults:
    operator, values = codes.get("operator", ""), codes.get("values") or []
    faults: Faults = []
    if not operator:
        faults.append(required(f"{field}.operator", _listed(_OPERATORS)))
    else:
        faults += one_of(f"{field}.operator", operator, _OPERATORS)
    name = codes.get("containerName")
    pod = (spec.get("template") or {}).get("spec") or {}
    names = [
        c.get("name") for kind in ("containers", "initContainers") for c in pod.get(kind) or ()
    ]
    if name is not None and name not in names:
        detail = "must be one of the container or initContainer names in the pod template"
        faults.append(invalid(f"{field}.containerName", name, detail))
    if not values:
        faults.append(invalid(f"{field}.values", values, "at least one value is required"))
    for index, value in enumerate(values):
        at = f"{field}.values[{index}]"
        if operator == "In" and value == 0:
            faults.append(invalid(at, value, "must not be 0 for the In operator"))
        if value in values[:index]:
            faults.append(duplicate(at, value))
    if values != sorted(values):
        faults.append(invalid(f"{field}.values", values, "must be ordered"))
    return faults


def _success_policy(spec: Value, field: str) -> Faults:
    rules = spec["successPolicy"].get("rules") or ()
    if spec.get("completionMode") != "Indexed":
        shown = {"Rules": [_as_internal(rule) for rule in rules] or None}
        return [invalid(field, shown, "requires indexed completion mode")]
    if not rules:
        detail = "at least one rules must be specified when the successPolicy is specified"
        return [required(f"{field}.rules", detail)]
    faults: Faults = []
    most = spec.get("completions") or 0
    for index, rule in enumerate(rules):
        at, count = f"{field}.rules[{index}]", rule.get("succeededCount")
        if count is None and rule.get("succeededIndexes") is None:
            detail = "at least one of succeededCount or succeededIndexes must be specified"
            faults.append(required(at, detail))
        faults += at_least(f"{at}.succeededCount", count)
        if count is not None and count > most:
            detail = f"must be less than or equal to {most} (the number of specified completions)"
            faults.append(invalid(f"{at}.succeededCount", count, detail))
    return faults


def _as_internal(rule: Value) -> Value:
    return {"SucceededIndexes": rule.get("succeededIndexes"),
            "SucceededCount": rule.get("succeededCount")}  # fmt: skip


def _replacement(spec: Value, field: str) -> Faults:
    policy = spec.get("podReplacementPolicy")
    if policy is None:
        return []
    failing = spec.get("podFailurePolicy") is not None
    return one_of(field, policy, ("Failed",) if failing else ("Failed", "TerminatingOrFailed"))


def _restart(spec: Value, field: str) -> Faults:
    restart = spec["template"]["spec"]["restartPolicy"]
    if restart == "Always":
        return [required(field, 'valid values: "OnFailure", "Never"')]
    if restart not in ("OnFailure", "Never"):
        return [unsupported(field, restart, ("OnFailure", "Never"))]
    if spec.get("podFailurePolicy") is not None and restart != "Never":
        detail = 'only "Never" is supported when podFailurePolicy is specified'
        return [invalid(field, restart, detail)]
    return []


def validate_cron_job(manifest: Manifest) -> Faults:
    faults = validate_changed_cron_job(manifest)
    name = manifest["metadata"].get("name", "")
    if len(name) > _LONGEST_CRON_JOB:
        detail = f"must be no more than {_LONGEST_CRON_JOB} characters"
        faults.append(invalid("metadata.name", name, detail))
    return faults


def validate_changed_cron_job(manifest: Manifest) -> Faults:
    """A name that was allowed once may be too long by now."""
    spec = _spec(manifest)
    schedule = spec.get("schedule", "")
    faults: Faults = []
    if not schedule:
        faults.append(required("spec.schedule"))
    elif fault := schedule_fault(schedule):
        faults.append(invalid("spec.schedule", schedule, fault))
    faults += at_least("spec.startingDeadlineSeconds", spec.get("startingDeadlineSeconds"))
    faults += _time_zone(spec.get("timeZone"))
    policies = ("Allow", "Forbid", "Replace")
    faults += one_of("spec.concurrencyPolicy", spec["concurrencyPolicy"], policies)
    job = spec["jobTemplate"]["spec"]
    faults += _job_spec(job, "spec.jobTemplate.spec")
    at = "spec.jobTemplate.spec"
    if job.get("selector") is not None:
        detail = "`selector` will be auto-generated"
        faults.append(invalid(f"{at}.selector", job["selector"], detail))
    if job.get("manualSelector"):
        faults.append(unsupported(f"{at}.manualSelector", True, ("nil", "false")))
    for name in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        faults += at_least(f"spec.{name}", spec.get(name))
    return faults


def _time_zone(name: Any) -> Faults:
    if name is None:
        return []
    if not name:
        return [invalid("spec.timeZone", name, "timeZone must be nil or non-empty string")]
    if name.lower() == "local":
        detail = (
            "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        )
        return [invalid("spec.timeZone", name, detail)]
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return [invalid("spec.timeZone", name, f"unknown time zone {name}")]
    return []


_FROZEN = (
    "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy",
)  # fmt: skip


def job_stays(old: Manifest, new: Manifest) -> Faults:
    """Completions (unless elastic), selector, template and the ways to succeed of a job stay."""
    before, after = _spec(old), _spec(new)
    faults = _completions(before, after)
    faults += immutable("spec.selector", before.get("selector"), after.get("selector"))
    loose = bool(before.get("suspend")) and not (old.get("status") or {}).get("startTime")
    templates = (_template(spec, loose=loose) for spec in (before, after))
    faults += immutable("spec.template", *templates)
    for name in _FROZEN:
        faults += immutable(f"spec.{name}", before.get(name), after.get(name))
    return faults


def _completions(before: Value, after: Value) -> Faults:
    """An indexed job may be resized when completions and parallelism move together."""
    was, now = before.get("completions"), after.get("completions")
    if after.get("completionMode") != "Indexed":
        return immutable("spec.completions", was, now)
    if was == now or now is None or now == after.get("parallelism"):
        return []
    detail = "can only be modified in tandem with spec.parallelism"
    return [invalid("spec.completions", now, detail)]


def _template(spec: Value, *, loose: bool) -> Any:
    """A suspended job that has not started may change where its pods run."""
    template = spec.get("template") or {}
    if not loose:
        return template
    free = ("nodeSelector", "affinity", "tolerations", "schedulingGates")
    pod = {key: value for key, value in (template.get("spec") or {}).items() if key not in free}
    for kind in ("containers", "initContainers"):
        if kind in pod:
            pod[kind] = [{**container, "resources": None} for container in pod[kind]]
    return {**template, "metadata": None, "spec": pod}
