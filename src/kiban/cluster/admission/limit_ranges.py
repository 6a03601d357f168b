"""Gives new pods the default requests and limits of their namespace's LimitRanges, and refuses
what is outside of them.

Source: kubernetes/plugin/pkg/admission/limitranger/admission.go.
"""

from collections.abc import Callable
from typing import Any

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.admission.pods import is_new_pod
from kiban.cluster.api.failures import forbidden
from kiban.cluster.quotas import pod_total
from kiban.kube.objects import PERSISTENT_VOLUME_CLAIM, GroupKind, Manifest, get_in, replaced
from kiban.primitives.quantities import parse_quantity

LIMIT_RANGE = GroupKind("", "LimitRange")
ANNOTATION = "kubernetes.io/limit-ranger"

Value = dict[str, Any]


def set_default_limits(attempt: Attempt, pod: Manifest) -> Manifest:
    """The pod with what its containers do not say for themselves."""
    if not is_new_pod(attempt):
        return pod
    for limit_range in attempt.store.list(LIMIT_RANGE, attempt.namespace):
        pod = _with_defaults(pod, limit_range)
    return pod


def _with_defaults(pod: Manifest, limit_range: Manifest) -> Manifest:
    limits: Value = {}
    requests: Value = {}
    for entry in _entries(limit_range, "Container"):
        limits |= entry.get("default") or {}
        requests |= entry.get("defaultRequest") or {}
    spec, said = dict(pod["spec"]), []
    for name, word in (("initContainers", "init container"), ("containers", "container")):
        if spec.get(name):
            done = [_completed(c, requests, limits, word) for c in spec[name]]
            spec[name] = [container for container, _ in done]
            said += [text for _, texts in done for text in texts]
    pod = {**pod, "spec": spec}
    if not said:
        return pod
    return replaced(
        pod, ("metadata", "annotations", ANNOTATION), "LimitRanger plugin set: " + "; ".join(said)
    )


def _completed(
    container: Value, requests: Value, limits: Value, word: str
) -> tuple[Value, list[str]]:
    """A container with the defaults, and what was set."""
    resources, said = dict(container.get("resources") or {}), []
    for part, defaults in (("requests", requests), ("limits", limits)):
        given = resources.get(part) or {}
        missing = {name: defaults[name] for name in sorted(defaults) if name not in given}
        if missing:
            resources[part] = {**given, **missing}
            said.append(f"{', '.join(missing)} {part[:-1]} for {word} {container['name']}")
    return ({**container, "resources": resources} if said else container), said


def review_limits(attempt: Attempt, manifest: Manifest) -> None:
    """Raise `Failure` 403 for a pod or a claim that is too large or too small."""
    if attempt.verb != "CREATE" or attempt.subresource:
        return
    if attempt.info.group_kind == PERSISTENT_VOLUME_CLAIM:
        judge: Callable[[Manifest, Manifest], list[str]] = _claim_faults
    elif is_new_pod(attempt):
        judge = _pod_faults
    else:
        return
    for limit_range in attempt.store.list(LIMIT_RANGE, attempt.namespace):
        faults = judge(manifest, limit_range)
        if faults:
            text = faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]"
            raise forbidden(attempt.info, attempt.name, text)


def _entries(limit_range: Manifest, type_: str) -> list[Value]:
    limits = get_in(limit_range, "spec", "limits", default=[])
    return [entry for entry in limits if entry.get("type") == type_]


def _pod_faults(pod: Manifest, limit_range: Manifest) -> list[str]:
    faults: list[str] = []
    spec = pod["spec"]
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    for entry in _entries(limit_range, "Container"):
        for container in containers:
            resources = container.get("resources") or {}
            asked, most = resources.get("requests") or {}, resources.get("limits") or {}
            faults += _faults(entry, "Container", asked, most)
    for entry in _entries(limit_range, "Pod"):
        asked, most = (_total(spec, part) for part in ("requests", "limits"))
        faults += _faults(entry, "Pod", asked, most)
    return faults


def _total(spec: Value, part: str) -> Value:
    """What the pod as a whole asks for, of all that it names."""
    everyone = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ()), spec]
    names = {name for one in everyone for name in get_in(one, "resources", part, default={})}
    return {name: str(pod_total(spec, part, name)) for name in sorted(names)}


def _faults(entry: Value, type_: str, requests: Value, limits: Value) -> list[str]:
    faults: list[str] = []
    for part, text, judge in _RULES:
        for name, bound in sorted((entry.get(part) or {}).items()):
            rule = f"{text.format(name)} per {type_} is {bound}"
            faults += judge(rule, bound, requests.get(name), limits.get(name))
    return faults


def _below(rule: str, least: str, request: Any, limit: Any) -> list[str]:
    if request is None:
        return [f"{rule}.  No request is specified"]
    if parse_quantity(request) < parse_quantity(least):
        return [f"{rule}, but request is {request}"]
    if limit is not None and parse_quantity(limit) < parse_quantity(least):
        return [f"{rule}, but limit is {limit}"]
    return []


def _above(rule: str, most: str, request: Any, limit: Any) -> list[str]:
    if limit is None:
        return [f"{rule}.  No limit is specified"]
    if parse_quantity(limit) > parse_quantity(most):
        return [f"{rule}, but limit is {limit}"]
    if request is not None and parse_quantity(request) > parse_quantity(most):
        return [f"{rule}, but request is {request}"]
    return []


def _ratio(rule: str, most: str, request: Any, limit: Any) -> list[str]:
    if request is None or parse_quantity(request) == 0:
        return [f"{rule}, but no request is specified or request is 0"]
    if limit is None or parse_quantity(limit) == 0:
        return [f"{rule}, but no limit is specified or limit is 0"]
    found = parse_quantity(limit) / parse_quantity(request)
    return (
        [f"{rule}, but provided ratio is {float(found):f}"] if found > parse_quantity(most) else []
    )


_RULES: tuple[tuple[str, str, Callable[[str, str, Any, Any], list[str]]], ...] = (
    ("min", "minimum {} usage", _below),
    ("max", "maximum {} usage", _above),
    ("maxLimitRequestRatio", "{} max limit to request ratio", _ratio),
)


def _claim_faults(claim: Manifest, limit_range: Manifest) -> list[str]:
    faults: list[str] = []
    requests = get_in(claim, "spec", "resources", "requests", default={})
    for entry in _entries(limit_range, "PersistentVolumeClaim"):
        for name, least in sorted((entry.get("min") or {}).items()):
            rule = f"minimum {name} usage per PersistentVolumeClaim is {least}"
            faults += _below(rule, least, requests.get(name), None)
        for name, most in sorted((entry.get("max") or {}).items()):
            asked = requests.get(name)
            rule = f"maximum {name} usage per PersistentVolumeClaim is {most}"
            if asked is None:
                faults.append(f"{rule}.  No request is specified")
            elif parse_quantity(asked) > parse_quantity(most):
                faults.append(f"{rule}, but request is {asked}")
    return faults
