"""A bundle as files: what `kiban compile --out` writes and people review."""

from kiban.compiler.bundle import SERVICE_LABEL, Bundle
from kiban.kube.objects import Manifest, labels_of
from kiban.primitives.canonical import yaml_documents


def render(bundle: Bundle) -> dict[str, str]:
    """One file for each service and one for the environment itself, by path, sorted."""
    groups: dict[str, list[Manifest]] = {}
    for manifest in bundle.manifests:
        groups.setdefault(labels_of(manifest).get(SERVICE_LABEL, ""), []).append(manifest)
    folder = f"{bundle.cluster}/{bundle.environment}"
    return {
        f"{folder}/{service or '_environment'}.yaml": yaml_documents(groups[service])
        for service in sorted(groups)
    }
