"""Rules for the kinds that run pods on and on, and for what may not change in them.

Source: k8s.io/kubernetes/pkg/apis/apps/validation.
"""

from typing import Any

from kiban.kube import formats
from kiban.kube.objects import Manifest
from kiban.kube.selectors import SelectorError, selector_from_object
from kiban.kube.validation.claims import validate_claim_template
from kiban.kube.validation.faults import (
    Faults,
    all_invalid,
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


def _selects(spec: Value, kind: str, *, needed: bool = True) -> Faults:
    """The selector is there, and is not empty."""
    selector = spec.get("selector")
    if selector is None:
        return [required("spec.selector")] if needed else []
    faults = validate_selector(selector, "spec.selector")
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        detail = f"empty selector is invalid for {kind}"
        faults.append(invalid("spec.selector", {}, detail))
    return faults


def _template(spec: Value, kind: str) -> Faults:
    """The template's pods are chosen by the selector, and are meant to run on."""
    faults = _chosen(spec)
    template = spec.get("template") or {}
    return faults + validate_template(template, "spec.template") + _runs_on(template, kind)


def _chosen(spec: Value) -> Faults:
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    if _matches(spec.get("selector"), labels or {}):
        return []
    detail = "`selector` does not match template `labels`"
    return [invalid("spec.template.metadata.labels", labels, detail)]


def _runs_on(template: Value, kind: str) -> Faults:
    faults: Faults = []
    pod, at = template["spec"], "spec.template.spec"
    if pod["restartPolicy"] != "Always":
        faults.append(unsupported(f"{at}.restartPolicy", pod["restartPolicy"], ("Always",)))
    if pod.get("activeDeadlineSeconds") is not None:
        detail = f"activeDeadlineSeconds in {kind} is not Supported"
        faults.append(forbidden(f"{at}.activeDeadlineSeconds", detail))
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
    faults += _selects(spec, "deployment") + _template(spec, "ReplicaSet")
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
    kind, rolling = strategy["type"], strategy.get("rollingUpdate")
    if kind == "Recreate":
        detail = "may not be specified when strategy `type` is 'Recreate'"
        return [] if rolling is None else [forbidden(f"{field}.rollingUpdate", detail)]
    if kind != "RollingUpdate":
        shown = _as_internal(kind, rolling, ("maxUnavailable", "maxSurge"))
        return [unsupported(field, shown, ("Recreate", "RollingUpdate"))]
    rolling = rolling or {}
    unavailable, surge = rolling["maxUnavailable"], rolling["maxSurge"]
    at = f"{field}.rollingUpdate"
    faults = validate_share(unavailable, f"{at}.maxUnavailable")
    faults += validate_share(surge, f"{at}.maxSurge")
    if _is_none(unavailable) and _is_none(surge):
        detail = "may not be 0 when `maxSurge` is 0"
        faults.append(invalid(f"{at}.maxUnavailable", unavailable, detail))
    return faults + _at_most_all(unavailable, f"{at}.maxUnavailable")


def _as_internal(kind: str, rolling: Any, names: tuple[str, ...]) -> Value:
    """A strategy as messages show it: by the server's own field names."""
    own = None
    if rolling is not None:
        own = {name[0].upper() + name[1:]: rolling.get(name, 0) for name in names}
    return {"Type": kind, "RollingUpdate": own}


def _is_none(share: Any) -> bool:
    return share in (0, "0%") or (isinstance(share, str) and not share.removesuffix("%").isdigit())


def _at_most_all(share: Any, field: str) -> Faults:
    """A percentage that is one is at most 100."""
    if not isinstance(share, str) or validate_share(share, field):
        return []
    return validate_share(share, field, most=100)


def validate_replica_set(manifest: Manifest) -> Faults:
    spec = _spec(manifest)
    faults = at_least("spec.replicas", spec["replicas"])
    faults += at_least("spec.minReadySeconds", spec.get("minReadySeconds"))
    return faults + _selects(spec, "replicaset") + _template(spec, "ReplicaSet")


def validate_replication_controller(manifest: Manifest) -> Faults:
    """Its selector is a plain set of labels, and its template may be missing."""
    spec = _spec(manifest)
    faults = at_least("spec.minReadySeconds", spec.get("minReadySeconds"))
    selector, template = spec.get("selector") or {}, spec.get("template")
    if not selector:
        faults.append(required("spec.selector"))
    faults += at_least("spec.replicas", spec.get("replicas"))
    if template is None:
        return [*faults, required("spec.template")]
    labels = (template.get("metadata") or {}).get("labels")
    if any((labels or {}).get(key) != value for key, value in selector.items()):
        detail = "`selector` does not match template `labels`"
        faults.append(invalid("spec.template.metadata.labels", labels, detail))
    faults += validate_template(template, "spec.template")
    return faults + _runs_on(template, "ReplicationController")


def validate_pod_template(manifest: Manifest) -> Faults:
    return validate_template(manifest.get("template") or {}, "template")


_MANAGEMENT = ("OrderedReady", "Parallel")
_RETENTION = ("Retain", "Delete")


def validate_stateful_set(manifest: Manifest) -> Faults:
    spec = _spec(manifest)
    faults: Faults = []
    policy = spec["podManagementPolicy"]
    if policy not in _MANAGEMENT:
        detail = f"must be '{_MANAGEMENT[0]}' or '{_MANAGEMENT[1]}'"
        faults.append(invalid("spec.podManagementPolicy", policy, detail))
    faults += _set_strategy(spec["updateStrategy"], "spec.updateStrategy")
    retention = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    for name, value in retention.items():
        at = f"spec.persistentVolumeClaimRetentionPolicy.{name}"
        faults += one_of(at, value, _RETENTION)
    faults += at_least("spec.replicas", spec["replicas"])
    faults += at_least("spec.minReadySeconds", spec.get("minReadySeconds"))
    faults += at_least("spec.ordinals.start", (spec.get("ordinals") or {}).get("start"))
    faults += at_least("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    faults += _selects(spec, "statefulset") + _chosen(spec)
    for index, claim in enumerate(spec.get("volumeClaimTemplates") or ()):
        faults += _claim(claim, f"spec.volumeClaimTemplates[{index}]")
    name = spec.get("serviceName")
    if name:
        faults += all_invalid("spec.serviceName", name, formats.dns_label_faults(name))
    template = _with_claims(spec)
    return faults + validate_template(template, "spec.template") + _runs_on(template, "StatefulSet")


def _claim(claim: Value, field: str) -> Faults:
    bare = {"spec": claim.get("spec") or {}}
    return validate_claim_template(bare, field)


def _with_claims(spec: Value) -> Value:
    """The template with a volume for each claim, as its pods will have them."""
    template: Value = spec.get("template") or {}
    claims = spec.get("volumeClaimTemplates") or ()
    if not claims:
        return template
    names = [
        claim["metadata"]["name"] for claim in claims if (claim.get("metadata") or {}).get("name")
    ]
    pod = template.get("spec") or {}
    own = [volume for volume in pod.get("volumes") or () if volume.get("name") not in names]
    added = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in names]
    return {**template, "spec": {**pod, "volumes": [*own, *added]}}


def _set_strategy(update: Value, field: str) -> Faults:
    kind, rolling = update["type"], update.get("rollingUpdate")
    at = f"{field}.rollingUpdate"
    if kind == "OnDelete":
        if rolling is None:
            return []
        shown = {"Partition": rolling.get("partition", 0),
                 "MaxUnavailable": rolling.get("maxUnavailable")}  # fmt: skip
        return [invalid(at, shown, "only allowed for updateStrategy 'RollingUpdate'")]
    if kind != "RollingUpdate":
        shown = _as_internal(kind, rolling, ("partition", "maxUnavailable"))
        return [invalid(field, shown, "must be 'RollingUpdate' or 'OnDelete'")]
    faults = at_least(f"{at}.partition", (rolling or {}).get("partition"))
    share = (rolling or {}).get("maxUnavailable")
    if share is None:
        return faults
    faults += validate_share(share, f"{at}.maxUnavailable")
    if _is_none(share):
        faults.append(invalid(f"{at}.maxUnavailable", share, "cannot be 0"))
    return faults + _at_most_all(share, f"{at}.maxUnavailable")


def validate_daemon_set(manifest: Manifest) -> Faults:
    spec = _spec(manifest)
    selector = spec.get("selector")
    faults = validate_selector(selector, "spec.selector") + _chosen(spec)
    if selector is not None and not any(selector.values()):
        detail = "empty selector is invalid for daemonset"
        faults.append(invalid("spec.selector", {}, detail))
    template = spec.get("template") or {}
    faults += validate_template(template, "spec.template") + _runs_on(template, "DaemonSet")
    faults += at_least("spec.minReadySeconds", spec.get("minReadySeconds"))
    faults += _daemon_strategy(spec["updateStrategy"], "spec.updateStrategy")
    return faults + at_least("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))


def _daemon_strategy(update: Value, field: str) -> Faults:
    kind, rolling = update["type"], update.get("rollingUpdate")
    if kind == "OnDelete":
        return []
    if kind != "RollingUpdate":
        shown = _as_internal(kind, rolling, ("maxUnavailable", "maxSurge"))
        return [unsupported(field, shown, ("RollingUpdate", "OnDelete"))]
    at = f"{field}.rollingUpdate"
    if rolling is None:
        return [required(at)]
    unavailable, surge = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    faults = validate_share(unavailable, f"{at}.maxUnavailable")
    faults += validate_share(surge, f"{at}.maxSurge")
    faults += _at_most_all(unavailable, f"{at}.maxUnavailable")
    faults += _at_most_all(surge, f"{at}.maxSurge")
    if not _is_none(unavailable) and not _is_none(surge):
        detail = "may not be set when maxUnavailable is non-zero"
        faults.append(invalid(f"{at}.maxSurge", surge, detail))
    elif _is_none(unavailable) and _is_none(surge):
        faults.append(required(f"{at}.maxUnavailable", "cannot be 0 when maxSurge is 0"))
    return faults


def validate_controller_revision(manifest: Manifest) -> Faults:
    faults: Faults = []
    if manifest.get("data") is None:
        faults.append(required("data", "data is mandatory"))
    return faults + at_least("revision", manifest.get("revision"))


def controller_revision_stays(old: Manifest, new: Manifest) -> Faults:
    return immutable("data", old.get("data"), new.get("data"))


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
