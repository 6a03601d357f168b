"""For Argo CD: one Application for each environment on each cluster, over a directory of rendered
manifests whose sync waves follow the service graph."""

from collections.abc import Iterable
from typing import Any

from kiban.compiler.bundle import HOOK_ANNOTATION, Bundle
from kiban.delivery.exports.place import (
    Published,
    folder_of,
    name_of,
    parts_of,
    scaled_by_others,
    waves_of,
)
from kiban.delivery.order import is_address, rank_of
from kiban.kube.objects import Manifest, annotations_of, key_of
from kiban.primitives.canonical import yaml_documents, yaml_text

WAVE_ANNOTATION = "argocd.argoproj.io/sync-wave"
SYNC_ANNOTATION = "argocd.argoproj.io/sync-options"
PHASE_ANNOTATION = "argocd.argoproj.io/hook"
POLICY_ANNOTATION = "argocd.argoproj.io/hook-delete-policy"
_PHASES = {"before": "PreSync", "after": "PostSync", "failure": "SyncFail"}
# Before the first service: what others live in, what they read, what they are called.
_FIRST, _SECOND, _ADDRESSES = -3, -2, -1
# What a commit alone must never delete.
_KEPT = ("Namespace", "CustomResourceDefinition", "PersistentVolumeClaim", "PersistentVolume")
_IN_CLUSTER = "https://kubernetes.default.svc"


def argocd_files(bundles: Iterable[Bundle], published: Published) -> dict[str, str]:
    """Every file by path: the manifests, and `applications/NAME.yaml`."""
    files: dict[str, str] = {}
    for bundle in bundles:
        waves = waves_of(bundle)
        for part, manifests in parts_of(bundle).items():
            marked = [_marked(one, waves.get(part)) for one in manifests]
            files[f"{folder_of(bundle)}/{part}.yaml"] = yaml_documents(marked)
        files[f"applications/{name_of(bundle)}.yaml"] = yaml_text(_application(bundle, published))
    return dict(sorted(files.items()))


def _marked(manifest: Manifest, wave: int | None) -> Manifest:
    """With its wave: a service's own, or one before the first for what services rely on. Hooks
    have a phase instead."""
    if moment := annotations_of(manifest).get(HOOK_ANNOTATION):
        phase = {PHASE_ANNOTATION: _PHASES[moment], POLICY_ANNOTATION: "BeforeHookCreation"}
        notes = {**annotations_of(manifest), **phase}
        return {**manifest, "metadata": {**manifest["metadata"], "annotations": notes}}
    if is_address(manifest):
        wave = _ADDRESSES
    elif wave is None:
        wave = _FIRST if rank_of(key_of(manifest)) == 0 else _SECOND
    notes = {**annotations_of(manifest), WAVE_ANNOTATION: str(wave)}
    if manifest["kind"] in _KEPT:
        notes[SYNC_ANNOTATION] = "Prune=false"
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": notes}}


def _application(bundle: Bundle, published: Published) -> dict[str, Any]:
    here = bundle.cluster in ("", "local", "in-cluster")
    destination = {"server": _IN_CLUSTER} if here else {"name": bundle.cluster}
    ignored = [
        {"group": group, "kind": kind, "name": name, "jsonPointers": ["/spec/replicas"]}
        for group, kind, name in sorted(scaled_by_others(bundle))
    ]
    spec: dict[str, Any] = {
        "project": "default",
        "source": {
            "repoURL": published.url,
            "targetRevision": published.branch_of(bundle),
            "path": published.path(folder_of(bundle)),
            "directory": {"recurse": False},
        },
        "destination": {**destination, "namespace": bundle.namespace},
        "syncPolicy": {
            # An empty directory is a mistake, never a wish.
            "automated": {"prune": True, "selfHeal": True, "allowEmpty": False},
            "retry": {
                "limit": 5,
                "backoff": {"duration": "5s", "factor": 2, "maxDuration": "5m"},
            },
            "syncOptions": [
                "ServerSideApply=true",
                "PruneLast=true",
                "RespectIgnoreDifferences=true",
                "FailOnSharedResource=true",
            ],
        },
        "revisionHistoryLimit": 10,
    }
    if ignored:
        spec["ignoreDifferences"] = ignored
    # Without a finalizer: deleting the Application must not delete what runs.
    labels = {"app.kubernetes.io/managed-by": "kiban", "app.kubernetes.io/part-of": bundle.platform}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name_of(bundle), "namespace": "argocd", "labels": labels},
        "spec": spec,
    }
