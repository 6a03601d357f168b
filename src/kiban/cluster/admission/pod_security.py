"""Holds the pods of a namespace to the security level that its labels name.

Source: k8s.io/pod-security-admission/admission/admission.go.
"""

import re
from collections.abc import Mapping
from typing import Any

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.api.failures import Cause, forbidden, invalid
from kiban.kube.objects import NAMESPACE, POD, GroupKind, Key, Manifest, get_in, labels_of
from kiban.kube.pod_security import LEVELS, violations

PREFIX = "pod-security.kubernetes.io/"
_VERSION = re.compile(r"latest|v1\.\d+")
# Where the kinds that make pods keep the template of them.
TEMPLATES: dict[GroupKind, tuple[str, ...]] = {
    GroupKind("", "PodTemplate"): ("template",),
    GroupKind("", "ReplicationController"): ("spec", "template"),
    GroupKind("apps", "DaemonSet"): ("spec", "template"),
    GroupKind("apps", "Deployment"): ("spec", "template"),
    GroupKind("apps", "ReplicaSet"): ("spec", "template"),
    GroupKind("apps", "StatefulSet"): ("spec", "template"),
    GroupKind("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
    GroupKind("batch", "Job"): ("spec", "template"),
}


def hold_to_pod_security(attempt: Attempt, manifest: Manifest) -> None:
    """Refuse a pod that its namespace's level forbids, warn of what another label asks for.

    Raises `Failure`.
    """
    if attempt.verb == "DELETE":
        return
    if attempt.info.group_kind == NAMESPACE and not attempt.subresource:
        _check_namespace(attempt, manifest)
    elif attempt.info.group_kind == POD:
        if attempt.subresource in _JUDGED and _is_significant(attempt.old, manifest):
            _check_pod(attempt, manifest)
    elif attempt.info.group_kind in TEMPLATES and not attempt.subresource:
        template = get_in(manifest, *TEMPLATES[attempt.info.group_kind])
        if template is not None:
            _warn(attempt, template, _labels(attempt))


# Changes through other end points of a pod change nothing that is judged.
_JUDGED = ("", "ephemeralcontainers", "resize")


def _is_significant(old: Manifest | None, new: Manifest) -> bool:
    """Whether other containers run after the change, or other images. What was there before the
    level was is not held against a change of anything else."""
    if old is None:
        return True
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        before, after = (
            [(entry["name"], entry.get("image")) for entry in pod["spec"].get(kind) or ()]
            for pod in (old, new)
        )
        if before != after:
            return True
    return False


def _labels(attempt: Attempt) -> Mapping[str, str]:
    namespace = attempt.store.get(Key(*NAMESPACE, "", attempt.namespace))
    return labels_of(namespace) if namespace is not None else {}


def _policy(labels: Mapping[str, str], mode: str) -> tuple[str, str]:
    """The level of a mode, and how it is called."""
    level = labels.get(PREFIX + mode, "privileged")
    version = labels.get(f"{PREFIX}{mode}-version", "latest")
    if level not in LEVELS:
        # What cannot be read is taken as the strictest, except where it only warns.
        level = "restricted" if mode == "enforce" else "privileged"
    return level, f"{level}:{version}"


def _violations(level: str, pod: Manifest) -> list[Any]:
    return list(violations(level, pod.get("metadata") or {}, pod.get("spec") or {}))


def _check_pod(attempt: Attempt, pod: Manifest) -> None:
    labels = _labels(attempt)
    if not any(name.startswith(PREFIX) for name in labels):
        return
    level, called = _policy(labels, "enforce")
    found = _violations(level, pod)
    if found:
        said = ", ".join(map(str, found))
        raise forbidden(attempt.info, attempt.name, f'violates PodSecurity "{called}": {said}')
    _warn(attempt, pod, labels)


def _warn(attempt: Attempt, pod: Manifest, labels: Mapping[str, str]) -> None:
    level, called = _policy(labels, "warn")
    found = _violations(level, pod)
    if found:
        said = ", ".join(map(str, found))
        attempt.call.warnings.append(f'would violate PodSecurity "{called}": {said}')


def _check_namespace(attempt: Attempt, namespace: Manifest) -> None:
    """Labels that name no level are refused; a stricter one is told of the pods it forbids."""
    labels, before = labels_of(namespace), labels_of(attempt.old or {"metadata": {}})
    faults = _label_faults(labels)
    if faults and faults != _label_faults(before):
        raise invalid(attempt.info, attempt.name, faults)
    level, called = _policy(labels, "enforce")
    if attempt.old is None or LEVELS.index(level) <= LEVELS.index(_policy(before, "enforce")[0]):
        return
    alike: dict[str, list[str]] = {}
    for pod in attempt.store.list(POD, attempt.name):
        reasons = ", ".join(violation.reason for violation in _violations(level, pod))
        if reasons:
            alike.setdefault(reasons, []).append(pod["metadata"]["name"])
    if alike:
        attempt.call.warnings.append(
            f'existing pods in namespace "{attempt.name}" violate the new PodSecurity enforce '
            f'level "{called}"'
        )
    lines = [f"{_crowd(sorted(names))}: {reasons}" for reasons, names in alike.items()]
    attempt.call.warnings.extend(sorted(lines))


def _crowd(names: list[str]) -> str:
    more = len(names) - 1
    if not more:
        return names[0]
    return f"{names[0]} (and {more} other {'pod' if more == 1 else 'pods'})"


def _label_faults(labels: Mapping[str, str]) -> list[Cause]:
    faults: list[Cause] = []
    for mode in ("enforce", "audit", "warn"):
        level, version = labels.get(PREFIX + mode), labels.get(f"{PREFIX}{mode}-version")
        if level is not None and level not in LEVELS:
            faults.append(_label_fault(mode, level, f"must be one of {', '.join(LEVELS)}"))
        if version is not None and not _VERSION.fullmatch(version):
            rule = 'must be "latest" or "v1.x"'
            faults.append(_label_fault(f"{mode}-version", version, rule))
    return faults


def _label_fault(name: str, text: str, rule: str) -> Cause:
    field = f"metadata.labels[{PREFIX}{name}]"
    message = f'Invalid value: "{text}": {rule}'
    return {"reason": "FieldValueInvalid", "message": message, "field": field}
