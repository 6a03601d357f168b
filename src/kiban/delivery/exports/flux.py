"""For Flux: a Kustomization for each service, which waits for those it uses, over a directory of
rendered manifests each."""

from collections.abc import Iterable
from typing import Any

from kiban.compiler.bundle import HOOK_ANNOTATION, Bundle
from kiban.delivery.exports.place import (
    ENVIRONMENT_PART,
    Published,
    folder_of,
    name_of,
    parts_of,
)
from kiban.delivery.order import without_loops
from kiban.kube.objects import Manifest, annotations_of
from kiban.primitives.canonical import yaml_documents

FORCE_ANNOTATION = "kustomize.toolkit.fluxcd.io/force"
PRUNE_ANNOTATION = "kustomize.toolkit.fluxcd.io/prune"
_KEPT = ("Namespace", "CustomResourceDefinition", "PersistentVolumeClaim", "PersistentVolume")
_NAMESPACE = "flux-system"
# Longer than a Deployment's default progress deadline (10m), which is the better message.
TIMEOUT = "11m"


def flux_files(bundles: Iterable[Bundle], published: Published) -> dict[str, str]:
    """Every file by path: the manifests, and `kustomizations/NAME.yaml`."""
    files: dict[str, str] = {}
    for bundle in bundles:
        parts = parts_of(bundle)
        for part, manifests in parts.items():
            path = f"{folder_of(bundle)}/{_folder(part)}/manifests.yaml"
            kept = (one for one in manifests if _moment(one) != "failure")
            files[path] = yaml_documents([_marked(one) for one in kept])
        graph = without_loops(bundle.needs)
        objects = [_repository(bundle, published)]
        for part in parts:
            uses = [use for use in graph.get(part, ()) if use in parts]
            before = [] if part == ENVIRONMENT_PART else [ENVIRONMENT_PART, *uses]
            before = [name for name in before if name in parts]
            objects.append(_kustomization(bundle, published, part, before))
        files[f"kustomizations/{name_of(bundle)}.yaml"] = yaml_documents(objects)
    return dict(sorted(files.items()))


def _folder(part: str) -> str:
    return part.strip("_")


def _moment(manifest: Manifest) -> str:
    """When a hook runs; Flux has no hooks, so there it runs beside the rest, or never."""
    return annotations_of(manifest).get(HOOK_ANNOTATION, "")


def _marked(manifest: Manifest) -> Manifest:
    if _moment(manifest):
        # A Job cannot be changed: the next release's is made in its place.
        notes = {**annotations_of(manifest), FORCE_ANNOTATION: "enabled"}
    elif manifest["kind"] in _KEPT:
        notes = {**annotations_of(manifest), PRUNE_ANNOTATION: "disabled"}
    else:
        return manifest
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": notes}}


def _repository(bundle: Bundle, published: Published) -> dict[str, Any]:
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": name_of(bundle), "namespace": _NAMESPACE},
        "spec": {
            "interval": "1m",
            "url": published.url,
            "ref": {"branch": published.branch_of(bundle)},
        },
    }


def _kustomization(
    bundle: Bundle, published: Published, part: str, before: list[str]
) -> dict[str, Any]:
    name = name_of(bundle)
    spec: dict[str, Any] = {
        "interval": "10m",
        "retryInterval": "30s",
        "timeout": TIMEOUT,
        "prune": True,
        # Well, and not only applied: so that who depends on it finds it.
        "wait": True,
        "sourceRef": {"kind": "GitRepository", "name": name},
        "path": f"./{published.path(folder_of(bundle), _folder(part))}",
    }
    if before:
        spec["dependsOn"] = [{"name": f"{name}-{_folder(one)}"} for one in before]
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": f"{name}-{_folder(part)}", "namespace": _NAMESPACE},
        "spec": spec,
    }
