"""The cells of the small kinds, without the name."""

from typing import Any

from kiban.kube.objects import Manifest, controller_of, is_deleting
from kiban.kube.printing.durations import age
from kiban.kube.printing.workloads import UNSET, Value, spec_of, status_of
from kiban.primitives.instants import Instant


def _age(manifest: Manifest, now: Instant) -> str:
    return age(manifest["metadata"].get("creationTimestamp"), now)


def only_age(manifest: Manifest, now: Instant) -> list[Any]:
    return [_age(manifest, now)]


def created_at(manifest: Manifest, _now: Instant) -> list[Any]:
    return [manifest["metadata"].get("creationTimestamp")]


def config_map(manifest: Manifest, now: Instant) -> list[Any]:
    count = len(manifest.get("data") or ()) + len(manifest.get("binaryData") or ())
    return [count, _age(manifest, now)]


def secret(manifest: Manifest, now: Instant) -> list[Any]:
    return [manifest.get("type", ""), len(manifest.get("data") or ()), _age(manifest, now)]


def lease(manifest: Manifest, now: Instant) -> list[Any]:
    return [spec_of(manifest).get("holderIdentity") or "", _age(manifest, now)]


def namespace(manifest: Manifest, now: Instant) -> list[Any]:
    return [status_of(manifest).get("phase", ""), _age(manifest, now)]


def event(manifest: Manifest, now: Instant) -> list[Any]:
    subject = manifest.get("involvedObject") or manifest.get("regarding") or {}
    created = manifest["metadata"].get("creationTimestamp")
    first = manifest.get("firstTimestamp") or manifest.get("eventTime")
    last = _last_seen(manifest)
    return [
        age(last or created, now),
        manifest.get("type", ""),
        manifest.get("reason", ""),
        f"{subject.get('kind', '').lower()}/{subject.get('name', '')}",
        subject.get("fieldPath", ""),
        _event_source(manifest),
        (manifest.get("message") or manifest.get("note") or "").strip(),
        age(first or created, now),
        _event_count(manifest),
        manifest["metadata"]["name"],
    ]


def _last_seen(manifest: Manifest) -> Any:
    series = manifest.get("series") or {}
    return (
        series.get("lastObservedTime") or manifest.get("lastTimestamp") or manifest.get("eventTime")
    )


def _event_source(manifest: Manifest) -> str:
    source = manifest.get("source") or manifest.get("deprecatedSource") or {}
    component = source.get("component") or manifest.get("reportingComponent") or ""
    host = source.get("host", "")
    return f"{component}, {host}" if host else component


def _event_count(manifest: Manifest) -> int:
    series = manifest.get("series") or {}
    return int(series.get("count") or manifest.get("count") or 1)


_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def _modes(modes: Any) -> str:
    return ",".join(short for mode, short in _MODES.items() if mode in (modes or ()))


def claim(manifest: Manifest, now: Instant) -> list[Any]:
    spec, status = spec_of(manifest), status_of(manifest)
    bound = bool(spec.get("volumeName"))
    state = "Terminating" if is_deleting(manifest) else status.get("phase", "")
    return [
        state,
        spec.get("volumeName", ""),
        (status.get("capacity") or {}).get("storage", "") if bound else "",
        _modes(status.get("accessModes")) if bound else "",
        spec.get("storageClassName") or "",
        spec.get("volumeAttributesClassName") or UNSET,
        _age(manifest, now),
        spec.get("volumeMode") or UNSET,
    ]


def volume(manifest: Manifest, now: Instant) -> list[Any]:
    spec, status = spec_of(manifest), status_of(manifest)
    user = spec.get("claimRef") or {}
    return [
        (spec.get("capacity") or {}).get("storage", ""),
        _modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy", ""),
        "Terminating" if is_deleting(manifest) else status.get("phase", ""),
        f"{user['namespace']}/{user['name']}" if user else "",
        spec.get("storageClassName") or "",
        spec.get("volumeAttributesClassName") or UNSET,
        status.get("reason", ""),
        _age(manifest, now),
        spec.get("volumeMode") or UNSET,
    ]


def storage_class(manifest: Manifest, now: Instant) -> list[Any]:
    annotations = manifest["metadata"].get("annotations") or {}
    default = annotations.get("storageclass.kubernetes.io/is-default-class") == "true"
    return [
        manifest["metadata"]["name"] + (" (default)" if default else ""),
        manifest.get("provisioner", ""),
        manifest.get("reclaimPolicy", "Delete"),
        manifest.get("volumeBindingMode", UNSET),
        bool(manifest.get("allowVolumeExpansion")),
        _age(manifest, now),
    ]


def priority_class(manifest: Manifest, now: Instant) -> list[Any]:
    return [
        manifest.get("value", 0),
        bool(manifest.get("globalDefault")),
        _age(manifest, now),
        manifest.get("preemptionPolicy", ""),
    ]


def ingress_class(manifest: Manifest, now: Instant) -> list[Any]:
    spec = spec_of(manifest)
    parameters = spec.get("parameters")
    text = "<none>"
    if parameters:
        group = f".{parameters['apiGroup']}" if parameters.get("apiGroup") else ""
        text = f"{parameters.get('kind')}{group}/{parameters.get('name')}"
    return [spec.get("controller", ""), text, _age(manifest, now)]


def role_binding(manifest: Manifest, now: Instant) -> list[Any]:
    role = manifest.get("roleRef") or {}
    subjects = manifest.get("subjects") or []
    return [
        f"{role.get('kind', '')}/{role.get('name', '')}",
        _age(manifest, now),
        _subjects(subjects, "User"),
        _subjects(subjects, "Group"),
        _subjects(subjects, "ServiceAccount"),
    ]


def _subjects(subjects: list[Value], kind: str) -> str:
    chosen = [subject for subject in subjects if subject.get("kind") == kind]
    return ", ".join(
        f"{subject['namespace']}/{subject['name']}" if subject.get("namespace") else subject["name"]
        for subject in chosen
    )


def quota(manifest: Manifest, now: Instant) -> list[Any]:
    status = status_of(manifest)
    hard, used = status.get("hard") or {}, status.get("used") or {}
    texts = {name: f"{name}: {used.get(name, '0')}/{hard[name]}" for name in sorted(hard)}
    limits = [text for name, text in texts.items() if name.startswith("limits.")]
    others = [text for name, text in texts.items() if not name.startswith("limits.")]
    return [", ".join(others), ", ".join(limits), _age(manifest, now)]


def controller_revision(manifest: Manifest, now: Instant) -> list[Any]:
    owner = controller_of(manifest)
    text = "<none>"
    if owner:
        group = str(owner.get("apiVersion", "")).rpartition("/")[0]
        kind = owner["kind"].lower()
        text = f"{kind}.{group}/{owner['name']}" if group else f"{kind}/{owner['name']}"
    return [text, manifest.get("revision", 0), _age(manifest, now)]


def webhooks(manifest: Manifest, now: Instant) -> list[Any]:
    return [len(manifest.get("webhooks") or ()), _age(manifest, now)]


def admission_policy(manifest: Manifest, now: Instant) -> list[Any]:
    spec = spec_of(manifest)
    kind = spec.get("paramKind")
    called = f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}" if kind else UNSET
    return [len(spec.get("validations") or ()), called, _age(manifest, now)]


def admission_binding(manifest: Manifest, now: Instant) -> list[Any]:
    spec = spec_of(manifest)
    reference = spec.get("paramRef")
    called = UNSET
    if reference:
        place, name = reference.get("namespace", ""), reference.get("name", "")
        called = f"{place}/{name}" if place else name
    return [spec.get("policyName", ""), called, _age(manifest, now)]


def runtime_class(manifest: Manifest, now: Instant) -> list[Any]:
    return [manifest.get("handler", ""), _age(manifest, now)]
