"""What may change in a pod: through its own end point, as debugging containers, as resources.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

from typing import Any

from kiban.kube.defaults.pods import qos_class
from kiban.kube.objects import Manifest
from kiban.kube.validation.differences import difference
from kiban.kube.validation.faults import Faults, forbidden, invalid, required
from kiban.kube.validation.pods import MOST_SECONDS, validate_pod_content, validate_tolerations

Value = dict[str, Any]

_UPDATES = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
    "to 1 if it was previously negative)"
)
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_LISTS = ("containers", "initContainers")


def pod_stays(old: Manifest, new: Manifest) -> Faults:
    """A pod may change its images, its deadline (shorter), its tolerations (more) and gates
    (fewer); while it is gated, also where it may run."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    faults: Faults = []
    for name in _LISTS:
        had, has = before.get(name) or [], after.get(name) or []
        if len(had) != len(has):
            detail = "pod updates may not add or remove containers"
            return [*faults, forbidden(f"spec.{name}", detail)]
        for index, container in enumerate(has):
            if not container.get("image"):
                faults.append(required(f"spec.{name}[{index}].image"))
    found, stop = _deadline(before, after)
    faults += found
    if stop:
        return faults
    faults += _tolerations(before, after) + _gates(before, after)
    if before == after:
        return faults
    if before.get("schedulingGates"):
        faults += _selector(before, after) + _affinity(before, after)
    munged = _munged(before, after)
    if munged != before:
        faults.append(forbidden("spec", f"{_UPDATES}\n{difference(before, munged)}"))
    return faults


def _deadline(before: Value, after: Value) -> tuple[Faults, bool]:
    """The faults of a deadline, and whether nothing else is looked at."""
    was, now, at = before.get("activeDeadlineSeconds"), None, "spec.activeDeadlineSeconds"
    now = after.get("activeDeadlineSeconds")
    if now is None:
        detail = "must not update from a positive integer to nil value"
        return ([invalid(at, None, detail)] if was is not None else []), False
    if not 0 <= now <= MOST_SECONDS:
        return [invalid(at, now, f"must be between 0 and {MOST_SECONDS}, inclusive")], True
    if was is not None and was < now:
        return [invalid(at, now, "must be less than or equal to previous value")], True
    return [], False


def _tolerations(before: Value, after: Value) -> Faults:
    has = [_untimed(entry) for entry in after.get("tolerations") or ()]
    if any(_untimed(entry) not in has for entry in before.get("tolerations") or ()):
        detail = "existing toleration can not be modified except its tolerationSeconds"
        return [forbidden("spec.tolerations", detail)]
    return validate_tolerations(after.get("tolerations") or (), "spec.tolerations")


def _untimed(toleration: Value) -> Value:
    return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}


def _gates(before: Value, after: Value) -> Faults:
    had = [gate["name"] for gate in before.get("schedulingGates") or ()]
    faults: Faults = []
    for index, gate in enumerate(after.get("schedulingGates") or ()):
        if gate["name"] not in had:
            detail = f"only deletion is allowed, but found new scheduling gate '{gate['name']}'"
            faults.append(forbidden(f"spec.schedulingGates[{index}].name", detail))
    return faults


def _selector(before: Value, after: Value) -> Faults:
    had, has = before.get("nodeSelector") or {}, after.get("nodeSelector")
    if all((has or {}).get(key) == value for key, value in had.items()):
        return []
    detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
    return [invalid("spec.nodeSelector", has, detail)]


def _affinity(before: Value, after: Value) -> Faults:
    had, has = (_terms(spec) for spec in (before, after))
    at = f"spec.affinity.nodeAffinity.{_REQUIRED}.nodeSelectorTerms"
    if not had:
        return []
    if len(had) != len(has):
        detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        return [invalid(at, has, detail)]
    detail = "only additions are allowed (no mutations or deletions)"
    return [
        invalid(f"{at}[{index}]", has[index], detail)
        for index, term in enumerate(had)
        if not _only_adds(term, has[index])
    ]


def _terms(spec: Value) -> list[Value]:
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    terms: list[Value] = (affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or []
    return terms


def _only_adds(old: Value, new: Value) -> bool:
    lists = ("matchExpressions", "matchFields")
    if not any(old.get(name) for name in lists):
        return not any(new.get(name) for name in lists)
    return all(
        (new.get(name) or [])[: len(old.get(name) or [])] == (old.get(name) or []) for name in lists
    )


def _munged(before: Value, after: Value) -> Value:
    """The new spec with the old one's values wherever a change is allowed."""
    munged = dict(after)
    free = ["activeDeadlineSeconds", "tolerations", "schedulingGates"]
    if before.get("schedulingGates"):
        free.append("nodeSelector")
        affinity = {**(after.get("affinity") or {})}
        _take("nodeAffinity", affinity, before.get("affinity") or {})
        if affinity or "affinity" in before:
            munged["affinity"] = affinity
        else:
            munged.pop("affinity", None)
    for name in free:
        _take(name, munged, before)
    for name in _LISTS:
        if name in munged:
            pairs = zip(munged[name], before.get(name) or (), strict=True)
            munged[name] = [{**has, "image": had.get("image")} for has, had in pairs]
    grace = "terminationGracePeriodSeconds"
    if before.get(grace, 0) < 0 and munged.get(grace) == 1:
        munged[grace] = before[grace]
    return munged


def _take(name: str, into: Value, source: Value) -> None:
    if name in source:
        into[name] = source[name]
    else:
        into.pop(name, None)


# Debugging containers


def ephemeral_containers_stay(old: Manifest, new: Manifest) -> Faults:
    """They may only become more."""
    faults = validate_pod_content(new)
    at = "spec.ephemeralContainers"
    has = {entry["name"]: entry for entry in new["spec"].get("ephemeralContainers") or ()}
    for entry in old["spec"].get("ephemeralContainers") or ():
        name = entry["name"]
        if name not in has:
            detail = f'existing ephemeral containers "{name}" may not be removed\n'
            faults.append(forbidden(at, detail))
        elif has[name] != entry:
            shown = difference(entry, has[name])
            detail = f'existing ephemeral containers "{name}" may not be changed\n{shown}'
            faults.append(forbidden(at, detail))
    return faults


# Resources


def resize_faults(old: Manifest, new: Manifest) -> Faults:
    """Only cpu and memory of containers change, and none is taken away."""
    before, after = old["spec"], new["spec"]
    faults = validate_pod_content(new)
    if qos_class(before) != qos_class(after):
        detail = "Pod QOS Class may not change as a result of resizing"
        shown = (new.get("status") or {}).get("qosClass", "")
        faults.append(invalid("spec", shown, detail))
    if not _node_resizes(old):
        faults.append(forbidden("spec", "Pod running on node without support for resize"))
    ordering = _ordering(before, after)
    if ordering:
        return faults + ordering
    for name in reversed(_LISTS):
        pairs = zip(before.get(name) or (), after.get(name) or (), strict=True)
        for index, (had, has) in enumerate(pairs):
            if name == "containers" or had.get("restartPolicy") == "Always":
                faults += _removed(had, has, f"spec.{name}[{index}].resources")
    return faults + _other_changes(before, after)


def _other_changes(before: Value, after: Value) -> Faults:
    faults: Faults = []
    mutable = "only cpu and memory resources are mutable"
    for had, has in zip(before.get("containers") or (), after.get("containers") or (), strict=True):
        if _resized(has, had) != {**had, "resources": had.get("resources") or {}}:
            faults.append(forbidden("spec", mutable))
    inits = zip(before.get("initContainers") or (), after.get("initContainers") or (), strict=True)
    for index, (had, has) in enumerate(inits):
        if had.get("restartPolicy") == "Always":
            if _resized(has, had) != {**had, "resources": had.get("resources") or {}}:
                detail = "only cpu and memory resources for init or sidecar containers are mutable"
                faults.append(forbidden(f"spec.initContainers[{index}]", detail))
        elif had != has:
            detail = "resources for non-sidecar init containers are immutable"
            faults.append(forbidden("spec", detail))
    if faults:
        return faults
    rest = ({k: v for k, v in spec.items() if k not in _LISTS} for spec in (before, after))
    return [] if next(rest) == next(rest) else [forbidden("spec", mutable)]


def _resized(has: Value, had: Value) -> Value:
    """A container with the old amounts of what may be resized."""
    own = dict(has.get("resources") or {})
    for kind in ("limits", "requests"):
        old = (had.get("resources") or {}).get(kind)
        amounts = {k: v for k, v in (own.get(kind) or {}).items() if k not in ("cpu", "memory")}
        amounts |= {k: v for k, v in (old or {}).items() if k in ("cpu", "memory")}
        if amounts or old is not None:
            own[kind] = amounts
        else:
            own.pop(kind, None)
    return {**has, "resources": own}


def _node_resizes(pod: Manifest) -> bool:
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        if (status.get("state") or {}).get("running") is not None:
            return status.get("resources") is not None
    return True


def _ordering(before: Value, after: Value) -> Faults:
    faults: Faults = []
    for name in _LISTS:
        had, has = before.get(name) or [], after.get(name) or []
        if len(had) != len(has):
            detail = f"{name} may not be added or removed on resize"
            faults.append(forbidden(f"spec.{name}", detail))
            continue
        for index, container in enumerate(had):
            if has[index].get("name") != container.get("name"):
                detail = f"{name} may not be renamed or reordered on resize"
                faults.append(forbidden(f"spec.{name}[{index}].name", detail))
    return faults


def _removed(had: Value, has: Value, field: str) -> Faults:
    faults: Faults = []
    for kind in ("requests", "limits"):
        old = (had.get("resources") or {}).get(kind) or {}
        new = (has.get("resources") or {}).get(kind) or {}
        if any(name not in new for name in old):
            detail = f"resource {kind} cannot be removed"
            faults.append(forbidden(f"{field}.{kind}", detail))
    return faults
