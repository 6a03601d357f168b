"""What the API server warns about without refusing it: deprecated kinds and fields, and settings
that do not do what they seem to.

Source: k8s.io/kubernetes/pkg/api/{pod,node,service,persistentvolume}/ and the kinds' strategies.
"""

from collections.abc import Iterator
from typing import Any

from kiban.kube.formats import dns_label_faults
from kiban.kube.objects import Manifest
from kiban.kube.pod_warnings import pod_warnings

Value = dict[str, Any]

_TEMPLATES: dict[str, tuple[str, ...]] = {
    "Pod": (),
    "PodTemplate": ("template",),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
_WITH_TEMPLATE = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job",
                  "ReplicationController")  # fmt: skip
# Kinds whose name becomes a part of their pods' names.
_NAMES_PODS = frozenset({"Deployment", "ReplicaSet", "Job", "CronJob", "ReplicationController"})
_DEPRECATED_KINDS = {
    ("v1", "ComponentStatus"): "v1 ComponentStatus is deprecated in v1.19+",
    ("v1", "Endpoints"): (
        "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
    ),
}


def kind_warning(api_version: str, kind: str) -> str:
    """What is said about every request for a deprecated kind; empty for the others."""
    return _DEPRECATED_KINDS.get((api_version, kind), "")


def warnings_of(manifest: Manifest) -> list[str]:
    """What is said about an object that is created or changed."""
    kind = manifest["kind"]
    own = _OWN.get(kind)
    found = [*_name(manifest), *(own(manifest) if own else ())]
    path = _TEMPLATES.get(kind, ("spec", "template") if kind in _WITH_TEMPLATE else None)
    if path is None:
        return found
    holder: Any = manifest
    for part in path:
        holder = holder.get(part) or {}
    annotations = (holder.get("metadata") or {}).get("annotations") or {}
    spec, annotated = ".".join([*path, "spec"]), ".".join([*path, "metadata", "annotations"])
    return found + pod_warnings(holder.get("spec") or {}, annotations, spec, annotated)


def _name(manifest: Manifest) -> list[str]:
    kind, name = manifest["kind"], manifest["metadata"].get("name", "")
    if not name or not (kind == "Pod" or kind in _NAMES_PODS) or not dns_label_faults(name):
        return []
    text = "must not contain dots" if "." in name else dns_label_faults(name)[0]
    used = "the Pod's hostname" if kind == "Pod" else "Pod names and hostnames"
    return [
        f"metadata.name: this is used in {used}, which can result in surprising "
        f"behavior; a DNS label is recommended: [{text}]"
    ]


def _ingress(manifest: Manifest) -> Iterator[str]:
    name = "kubernetes.io/ingress.class"
    if name in (manifest["metadata"].get("annotations") or {}):
        yield f"annotation \"{name}\" is deprecated, please use 'spec.ingressClassName' instead"


def _service(manifest: Manifest) -> Iterator[str]:
    spec: Value = manifest.get("spec") or {}
    if spec.get("clusterIP") != "None" or spec.get("type") != "ClusterIP":
        return
    ignored = "is ignored for headless services"
    if spec.get("loadBalancerIP"):
        yield f"spec.loadBalancerIP {ignored}"
    if spec.get("externalIPs"):
        yield f"spec.externalIPs {ignored}"
    if spec.get("sessionAffinity") != "None":
        yield f"spec.SessionAffinity {ignored}"


def _cron_job(manifest: Manifest) -> Iterator[str]:
    schedule = manifest["spec"].get("schedule", "")
    if "TZ" in schedule:
        yield (
            f"CRON_TZ or TZ used in {schedule} is not officially supported, see "
            "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
        )


def _stateful_set(manifest: Manifest) -> Iterator[str]:
    if (manifest["spec"].get("revisionHistoryLimit") or 0) < 0:
        yield (
            "spec.revisionHistoryLimit: a negative value retains all historical revisions, "
            "a value >= 0 is recommended"
        )


def _volume(manifest: Manifest) -> Iterator[str]:
    yield from _class_annotation(manifest)
    if (manifest.get("spec") or {}).get("persistentVolumeReclaimPolicy") == "Recycle":
        yield (
            "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. "
            "Instead, the recommended approach is to use dynamic provisioning."
        )


def _class_annotation(manifest: Manifest) -> Iterator[str]:
    name = "volume.beta.kubernetes.io/storage-class"
    if name in (manifest["metadata"].get("annotations") or {}):
        yield (
            f"metadata.annotations[{name}]: deprecated since v1.8; "
            'use "storageClassName" attribute instead'
        )


_OWN = {
    "Ingress": _ingress,
    "Service": _service,
    "CronJob": _cron_job,
    "StatefulSet": _stateful_set,
    "PersistentVolume": _volume,
    "PersistentVolumeClaim": _class_annotation,
}
