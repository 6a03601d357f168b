"""Which service a workload or a pod belongs to, by its labels."""

from collections.abc import Iterable

from kiban.kube.objects import Manifest, labels_of

# Kiban's own label first, then what the ecosystem uses.
SERVICE_LABELS = ("kiban.dev/service", "app.kubernetes.io/name", "app")
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")


def service_of(manifest: Manifest) -> str:
    """The service of an object; empty when its labels name none."""
    labels = labels_of(manifest)
    for name in SERVICE_LABELS:
        value = labels.get(name)
        if value:
            return value
    return ""


def services_of(manifests: Iterable[Manifest]) -> tuple[str, ...]:
    """The services of which there is a workload that keeps running, sorted."""
    found = {
        service_of(manifest) or manifest["metadata"]["name"]
        for manifest in manifests
        if manifest.get("kind") in WORKLOADS
    }
    return tuple(sorted(found))
