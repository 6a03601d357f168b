"""Rules for the kinds that run pods, and for what may not change in them.

Source: k8s.io/kubernetes/pkg/apis/{apps,batch,autoscaling}/validation.
"""

from typing import Any
from zoneinfo import ZoneInfo

from kiban.kube.objects import Manifest
from kiban.kube.schedules import schedule_fault
from kiban.kube.selectors import SelectorError, selector_from_object
from kiban.kube.validation.faults import (
    Faults,
    at_least,
    forbidden,
    immutable,
    invalid,
    one_of,
    required,
    unsupported,
)
from kiban.kube.validation.pods import validate_template
from kiban.kube.validation.selectors import validate_selector, validate_share

Value = dict[str, Any]


def _spec(manifest: Manifest) -> Value:
    spec: Value = manifest.get("spec") or {}
    return spec


def _selects_template(spec: Value, kind: str) -> Faults:
    """The selector is there, is not empty, and chooses the template's pods; then the template."""
    faults: Faults = []
    selector = spec.get("selector")
    if selector is None:
        faults.append(required("spec.selector"))
    else:
        faults += validate_selector(selector, "spec.selector")
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            detail = f"empty selector is invalid for {kind}"
            faults.append(invalid("spec.selector", {}, detail))
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels")
    if not _matches(selector, labels or {}):
        detail = "`selector` does not match template `labels`"
        faults.append(invalid("spec.template.metadata.labels", labels, detail))
    faults += validate_template(template, "spec.template")
    restart = template["spec"]["restartPolicy"]
    if restart in ("OnFailure", "Never"):
        faults.append(unsupported("spec.template.spec.restartPolicy", restart, ("Always",)))
    return faults


def _matches(selector: Any, labels: dict[str, str]) -> bool:
    if selector is not None and not selector:
        return True
    try:
        return selector_from_object(selector).matches(labels)
    except (SelectorError, KeyError):
        return True


def validate_deployment(manifest: Manifest) -> Faults:
    spec = _spec(manifest)
    faults = at_least("spec.replicas", spec["replicas"])
    faults += _selects_template(spec, "deployment")
    faults += _deployment_strategy(spec["strategy"], "spec.strategy")
    faults += at_least("spec.minReadySeconds", spec.get("minReadySeconds"))
    faults += at_least("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    deadline = spec.get("progressDeadlineSeconds")
    faults += at_least("spec.progressDeadlineSeconds", deadline)
    if deadline is not None and deadline <= spec.get("minReadySeconds", 0):
        detail = "must be greater than minReadySeconds"
        faults.append(invalid("spec.progressDeadlineSeconds", deadline, detail))
    return faults


def _deployment_strategy(strategy: Value, field: str) -> Faults:
    rolling = strategy.get("rollingUpdate") or {}
    if strategy["type"] == "Recreate":
        detail = "may not be specified when strategy `type` is 'Recreate'"
        return [forbidden(f"{field}.rollingUpdate", detail)] if rolling else []
    if strategy["type"] != "RollingUpdate":
        return [unsupported(f"{field}.type", strategy["type"], ("Recreate", "RollingUpdate"))]
    unavailable, surge = rolling["maxUnavailable"], rolling["maxSurge"]
    at = f"{field}.rollingUpdate"
    faults = validate_share(unavailable, f"{at}.maxUnavailable")
    faults += validate_share(surge, f"{at}.maxSurge")
    if unavailable in (0, "0%") and surge in (0, "0%"):
        detail = "may not be 0 when `maxSurge` is 0"
        faults.append(invalid(f"{at}.maxUnavailable", unavailable, detail))
    if isinstance(unavailable, str):
        too_much = validate_share(unavailable, f"{at}.maxUnavailable", most=100)
        faults += [fault for fault in too_much if fault not in faults]
    return faults


def validate_replica_set(manifest: Manifest) -> Faults:
    spec = _spec(manifest)
    faults = at_least("spec.replicas", spec["replicas"])
    faults += at_least("spec.minReadySeconds", spec.get("minReadySeconds"))
    return faults + _selects_template(spec, "replicaset")


def validate_stateful_set(manifest: Manifest) -> Faults:
    spec = _spec(manifest)
    policies = ("OrderedReady", "Parallel")
    faults = one_of("spec.podManagementPolicy", spec["podManagementPolicy"], policies)
    update = spec["updateStrategy"]
    faults += one_of("spec.updateStrategy", update["type"], ("RollingUpdate", "OnDelete"))
    rolling = update.get("rollingUpdate") or {}
    at = "spec.updateStrategy.rollingUpdate.partition"
    faults += at_least(at, rolling.get("partition"))
    faults += at_least("spec.replicas", spec["replicas"])
    faults += at_least("spec.minReadySeconds", spec.get("minReadySeconds"))
    return faults + _selects_template(spec, "statefulset")


def validate_daemon_set(manifest: Manifest) -> Faults:
    spec = _spec(manifest)
    faults = _selects_template(spec, "daemonset")
    faults += at_least("spec.minReadySeconds", spec.get("minReadySeconds"))
    update = spec["updateStrategy"]
    field = "spec.updateStrategy.type"
    faults += one_of(field, update["type"], ("RollingUpdate", "OnDelete"))
    return faults + at_least("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))


def validate_job(manifest: Manifest) -> Faults:
    return _job_spec(_spec(manifest), "spec")


_JOB_NUMBERS = (
    "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit",
    "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes",
)  # fmt: skip


def _job_spec(spec: Value, field: str) -> Faults:
    faults: Faults = []
    for name in _JOB_NUMBERS:
        faults += at_least(f"{field}.{name}", spec.get(name))
    mode = spec.get("completionMode")
    if mode is not None:
        faults += one_of(f"{field}.completionMode", mode, ("NonIndexed", "Indexed"))
        if mode == "Indexed" and spec.get("completions") is None:
            detail = "when completion mode is Indexed"
            faults.append(required(f"{field}.completions", detail))
    faults += validate_template(spec["template"], f"{field}.template")
    restart = spec["template"]["spec"]["restartPolicy"]
    if restart == "Always":
        detail = 'valid values: "OnFailure", "Never"'
        faults.append(required(f"{field}.template.spec.restartPolicy", detail))
    return faults


def validate_cron_job(manifest: Manifest) -> Faults:
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
    faults += _job_spec(spec["jobTemplate"]["spec"], "spec.jobTemplate.spec")
    for name in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        faults += at_least(f"spec.{name}", spec.get(name))
    if len(manifest["metadata"].get("name", "")) > _LONGEST_CRON_JOB:
        name = manifest["metadata"]["name"]
        detail = f"must be no more than {_LONGEST_CRON_JOB} characters"
        faults.append(invalid("metadata.name", name, detail))
    return faults


# The controller appends eleven characters to name the jobs.
_LONGEST_CRON_JOB = 52


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


def validate_autoscaler(manifest: Manifest) -> Faults:
    spec = _spec(manifest)
    faults: Faults = []
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    faults += at_least("spec.minReplicas", least, 1)
    if most < 1:
        faults.append(invalid("spec.maxReplicas", most, "must be greater than 0"))
    if most < least:
        detail = "must be greater than or equal to `minReplicas`"
        faults.append(invalid("spec.maxReplicas", most, detail))
    target = spec.get("scaleTargetRef") or {}
    for name in ("kind", "name"):
        if not target.get(name):
            faults.append(required(f"spec.scaleTargetRef.{name}"))
    for index, metric in enumerate(spec.get("metrics") or ()):
        faults += _metric(metric, f"spec.metrics[{index}]")
    for direction in ("scaleUp", "scaleDown"):
        rules = (spec.get("behavior") or {}).get(direction)
        if rules:
            faults += _scaling(rules, f"spec.behavior.{direction}")
    return faults


_METRICS = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_TARGETS = ("averageUtilization", "averageValue", "value")


def _metric(metric: Value, field: str) -> Faults:
    kind = metric.get("type", "")
    if not kind:
        return [required(f"{field}.type", "must specify a metric source type")]
    if kind not in _METRICS:
        return [unsupported(f"{field}.type", kind, sorted(_METRICS))]
    source = metric.get(_METRICS[kind])
    if source is None:
        detail = f"must populate information for the given metric source (only `{_METRICS[kind]}`)"
        return [required(f"{field}.{_METRICS[kind]}", detail)]
    target, at = source.get("target") or {}, f"{field}.{_METRICS[kind]}.target"
    faults = one_of(f"{at}.type", target.get("type"), ("Utilization", "Value", "AverageValue"))
    share = target.get("averageUtilization")
    if share is not None and share < 1:
        faults.append(invalid(f"{at}.averageUtilization", share, "must be greater than 0"))
    if not any(name in target for name in _TARGETS):
        detail = "must set either a target raw value or a target utilization"
        faults.append(required(f"{at}.averageUtilization", detail))
    return faults


_LONGEST_WINDOW = 3600
_LONGEST_PERIOD = 1800


def _scaling(rules: Value, field: str) -> Faults:
    faults: Faults = []
    window = rules.get("stabilizationWindowSeconds")
    faults += at_least(f"{field}.stabilizationWindowSeconds", window)
    if window is not None and window > _LONGEST_WINDOW:
        detail = f"must be less than or equal to {_LONGEST_WINDOW}"
        faults.append(invalid(f"{field}.stabilizationWindowSeconds", window, detail))
    for index, policy in enumerate(rules.get("policies") or ()):
        at = f"{field}.policies[{index}]"
        faults += one_of(f"{at}.type", policy.get("type"), ("Percent", "Pods"))
        if policy.get("value", 0) <= 0:
            detail = "must be greater than zero"
            faults.append(invalid(f"{at}.value", policy.get("value", 0), detail))
        period = policy.get("periodSeconds", 0)
        if period <= 0:
            faults.append(invalid(f"{at}.periodSeconds", period, "must be greater than zero"))
        if period > _LONGEST_PERIOD:
            detail = f"must be less than or equal to {_LONGEST_PERIOD}"
            faults.append(invalid(f"{at}.periodSeconds", period, detail))
    return faults


def selector_stays(old: Manifest, new: Manifest) -> Faults:
    return immutable("spec.selector", _spec(old).get("selector"), _spec(new).get("selector"))


_SET_FIELDS = (
    "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
)  # fmt: skip


def stateful_set_stays(old: Manifest, new: Manifest) -> Faults:
    """Only the listed fields of a StatefulSet's spec may change."""
    before, after = (
        {key: value for key, value in _spec(manifest).items() if key not in _SET_FIELDS}
        for manifest in (old, new)
    )
    if before == after:
        return []
    names = ", ".join(f"'{name}'" for name in _SET_FIELDS[:-1]) + f" and '{_SET_FIELDS[-1]}'"
    detail = f"updates to statefulset spec for fields other than {names} are forbidden"
    return [forbidden("spec", detail)]


def job_stays(old: Manifest, new: Manifest) -> Faults:
    """Completions (unless elastic), selector, template and completion mode of a job stay."""
    before, after = _spec(old), _spec(new)
    faults: Faults = []
    if not _is_elastic(before, after):
        faults += immutable("spec.completions", before.get("completions"), after.get("completions"))
    faults += immutable("spec.selector", before.get("selector"), after.get("selector"))
    loose = bool(before.get("suspend"))
    templates = (_job_template(spec, loose=loose) for spec in (before, after))
    faults += immutable("spec.template", *templates)
    return faults + immutable(
        "spec.completionMode", before.get("completionMode"), after.get("completionMode")
    )


def _is_elastic(before: Value, after: Value) -> bool:
    """An indexed job may be resized when completions and parallelism move together."""
    indexed = before.get("completionMode") == "Indexed" == after.get("completionMode")
    return indexed and after.get("completions") == after.get("parallelism")


def _job_template(spec: Value, *, loose: bool) -> Any:
    """A suspended job that has not started may change where its pods run."""
    template = spec.get("template") or {}
    if not loose:
        return template
    free = ("nodeSelector", "affinity", "tolerations", "schedulingGates")
    pod = {key: value for key, value in (template.get("spec") or {}).items() if key not in free}
    return {**template, "metadata": None, "spec": pod}
