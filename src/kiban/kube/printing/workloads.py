"""The cells of the kinds that run pods, without name and age."""

from typing import Any

from kiban.kube.objects import Manifest, condition_of, is_deleting, is_true
from kiban.kube.printing.durations import age, human_duration
from kiban.kube.selectors import Requirement, SelectorError, selector_from_object
from kiban.primitives.instants import Instant, parse_rfc3339, seconds_between

Value = dict[str, Any]
NONE = "<none>"
UNKNOWN = "<unknown>"
UNSET = "<unset>"
MOST_METRICS = 2


def spec_of(manifest: Manifest) -> Value:
    spec: Value = manifest.get("spec") or {}
    return spec


def status_of(manifest: Manifest) -> Value:
    status: Value = manifest.get("status") or {}
    return status


def format_labels(labels: Any) -> str:
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels or {})) or NONE


def format_selector(selector: Any) -> str:
    """A `LabelSelector` as one would type it."""
    if selector is None:
        return NONE
    try:
        requirements = selector_from_object(selector).requirements
    except (SelectorError, KeyError):
        return "<error>"
    return ",".join(_requirement(entry) for entry in requirements) or NONE


def _requirement(entry: Requirement) -> str:
    return str(entry)


def names_and_images(template: Value) -> list[str]:
    """What wide tables say of a template's containers."""
    containers = (template.get("spec") or {}).get("containers") or ()
    names = ",".join(container.get("name", "") for container in containers)
    return [names, ",".join(container.get("image", "") for container in containers)]


def deployment(manifest: Manifest, now: Instant) -> list[Any]:
    spec, status = spec_of(manifest), status_of(manifest)
    return [
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        age(manifest["metadata"].get("creationTimestamp"), now),
        *names_and_images(spec.get("template") or {}),
        format_selector(spec.get("selector")),
    ]


def replica_set(manifest: Manifest, now: Instant) -> list[Any]:
    spec, status = spec_of(manifest), status_of(manifest)
    selector = spec.get("selector")
    plain = manifest["kind"] == "ReplicationController"
    return [
        spec.get("replicas", 0),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        age(manifest["metadata"].get("creationTimestamp"), now),
        *names_and_images(spec.get("template") or {}),
        format_labels(selector) if plain else format_selector(selector),
    ]


def stateful_set(manifest: Manifest, now: Instant) -> list[Any]:
    spec, status = spec_of(manifest), status_of(manifest)
    return [
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        age(manifest["metadata"].get("creationTimestamp"), now),
        *names_and_images(spec.get("template") or {}),
    ]


def daemon_set(manifest: Manifest, now: Instant) -> list[Any]:
    spec, status = spec_of(manifest), status_of(manifest)
    template = spec.get("template") or {}
    return [
        status.get("desiredNumberScheduled", 0),
        status.get("currentNumberScheduled", 0),
        status.get("numberReady", 0),
        status.get("updatedNumberScheduled", 0),
        status.get("numberAvailable", 0),
        format_labels((template.get("spec") or {}).get("nodeSelector")),
        age(manifest["metadata"].get("creationTimestamp"), now),
        *names_and_images(template),
        format_selector(spec.get("selector")),
    ]


def job(manifest: Manifest, now: Instant) -> list[Any]:
    spec = spec_of(manifest)
    return [
        job_state(manifest),
        _completions(manifest),
        _duration(status_of(manifest), now),
        age(manifest["metadata"].get("creationTimestamp"), now),
        *names_and_images(spec.get("template") or {}),
        format_selector(spec.get("selector")),
    ]


def job_state(manifest: Manifest) -> str:
    """`Complete`, `Failed`, `Terminating`, `Suspended` … or `Running`."""
    for condition in ("Complete", "Failed"):
        if is_true(manifest, condition):
            return condition
    if is_deleting(manifest):
        return "Terminating"
    for condition in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if is_true(manifest, condition):
            return condition
    return "Running"


def _completions(manifest: Manifest) -> str:
    spec, done = spec_of(manifest), status_of(manifest).get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{done}/{spec['completions']}"
    parallel = spec.get("parallelism", 0)
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def _duration(status: Value, now: Instant) -> str:
    if not status.get("startTime"):
        return ""
    end = parse_rfc3339(status["completionTime"]) if status.get("completionTime") else now
    return human_duration(seconds_between(parse_rfc3339(status["startTime"]), end))


def cron_job(manifest: Manifest, now: Instant) -> list[Any]:
    spec, status = spec_of(manifest), status_of(manifest)
    last = status.get("lastScheduleTime")
    inner = (spec.get("jobTemplate") or {}).get("spec") or {}
    return [
        spec.get("schedule", ""),
        spec.get("timeZone") or NONE,
        "True" if spec.get("suspend") else "False",
        len(status.get("active") or ()),
        age(last, now) if last else NONE,
        age(manifest["metadata"].get("creationTimestamp"), now),
        *names_and_images(inner.get("template") or {}),
        format_selector(inner.get("selector")),
    ]


def autoscaler(manifest: Manifest, now: Instant) -> list[Any]:
    spec, status = spec_of(manifest), status_of(manifest)
    target = spec.get("scaleTargetRef") or {}
    least = spec.get("minReplicas")
    return [
        f"{target.get('kind', '')}/{target.get('name', '')}",
        _targets(manifest),
        str(least) if least is not None else UNSET,
        spec.get("maxReplicas", 0),
        status.get("currentReplicas", 0),
        age(manifest["metadata"].get("creationTimestamp"), now),
    ]


def _targets(manifest: Manifest) -> str:
    spec, status = spec_of(manifest), status_of(manifest)
    if manifest["apiVersion"] == "autoscaling/v1":
        wanted = spec.get("targetCPUUtilizationPercentage")
        current = status.get("currentCPUUtilizationPercentage")
        if wanted is None:
            return NONE
        return f"cpu: {UNKNOWN if current is None else f'{current}%'}/{wanted}%"
    metrics, current = spec.get("metrics") or [], status.get("currentMetrics") or []
    if not metrics:
        return NONE
    texts = [
        _metric(metric, current[index] if index < len(current) else {})
        for index, metric in enumerate(metrics)
    ]
    if len(texts) > MOST_METRICS:
        return ", ".join(texts[:MOST_METRICS]) + f" + {len(texts) - MOST_METRICS} more..."
    return ", ".join(texts)


_SOURCES = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}


def _metric(metric: Value, current: Value) -> str:
    key = _SOURCES.get(metric.get("type", ""), "")
    source, seen = metric.get(key) or {}, (current.get(key) or {}).get("current") or {}
    target = source.get("target") or {}
    for field, suffix, note in (
        ("averageUtilization", "%", ""),
        ("averageValue", "", " (avg)" if key in ("external", "object") else ""),
        ("value", "", ""),
    ):
        if target.get(field) is not None:
            value = f"{seen[field]}{suffix}" if seen.get(field) is not None else UNKNOWN
            text = f"{value}/{target[field]}{suffix}{note}"
            named = key in ("resource", "containerResource")
            return f"{source.get('name')}: {text}" if named else text
    return UNKNOWN


def budget(manifest: Manifest, now: Instant) -> list[Any]:
    spec, status = spec_of(manifest), status_of(manifest)
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    return [
        str(least) if least is not None else "N/A",
        str(most) if most is not None else "N/A",
        status.get("disruptionsAllowed", 0),
        age(manifest["metadata"].get("creationTimestamp"), now),
    ]


def node(manifest: Manifest, now: Instant) -> list[Any]:
    status = status_of(manifest)
    info = status.get("nodeInfo") or {}
    return [
        _node_state(manifest),
        _roles(manifest),
        age(manifest["metadata"].get("creationTimestamp"), now),
        info.get("kubeletVersion", ""),
        _node_address(status, "InternalIP"),
        _node_address(status, "ExternalIP"),
        info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _node_state(manifest: Manifest) -> str:
    ready = condition_of(manifest, "Ready")
    state = "Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"
    return state + (",SchedulingDisabled" if spec_of(manifest).get("unschedulable") else "")


_ROLE_PREFIX = "node-role.kubernetes.io/"


def _roles(manifest: Manifest) -> str:
    labels = manifest["metadata"].get("labels") or {}
    roles = {key.removeprefix(_ROLE_PREFIX) for key in labels if key.startswith(_ROLE_PREFIX)}
    if labels.get("kubernetes.io/role"):
        roles.add(labels["kubernetes.io/role"])
    return ",".join(sorted(role for role in roles if role)) or NONE


def _node_address(status: Value, kind: str) -> str:
    addresses = status.get("addresses") or ()
    return next((entry["address"] for entry in addresses if entry.get("type") == kind), NONE)
