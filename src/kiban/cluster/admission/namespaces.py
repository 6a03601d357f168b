"""Namespaces: nothing is created in one that is missing or going, and a new one has its marks.

Source: k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go and
kubernetes/pkg/registry/core/namespace/strategy.go.
"""

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.api.failures import Failure, forbidden
from kiban.kube.objects import NAMESPACE, Key, Manifest, get_in, is_deleting, replaced

NAME_LABEL = "kubernetes.io/metadata.name"
FINALIZER = "kubernetes"
# Deleting these would take the cluster's own objects along.
PROTECTED = ("default", "kube-system", "kube-public")


def admit_namespaced(attempt: Attempt, manifest: Manifest) -> Manifest:
    """Refuse objects in namespaces that are not there or on their way out."""
    if attempt.info.group_kind == NAMESPACE:
        if attempt.verb == "DELETE" and attempt.name in PROTECTED:
            raise forbidden(attempt.info, attempt.name, "this namespace may not be deleted")
        return manifest
    if attempt.verb != "CREATE" or not attempt.info.namespaced:
        return manifest
    namespace = attempt.store.get(Key(*NAMESPACE, "", attempt.namespace))
    if namespace is None:
        details = {"name": attempt.namespace, "kind": "namespaces"}
        raise Failure(404, "NotFound", f'namespaces "{attempt.namespace}" not found', details)
    if is_deleting(namespace) or get_in(namespace, "status", "phase") == "Terminating":
        why = (
            f"unable to create new content in namespace {attempt.namespace} because it is being "
            "terminated"
        )
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {attempt.namespace} is being terminated",
            "field": "metadata.namespace",
        }
        raise forbidden(attempt.info, attempt.name, why, causes=[cause])
    return manifest


def complete_namespace(attempt: Attempt, manifest: Manifest) -> Manifest:
    """Label a namespace with its name; a new one gets the finalizer that its contents need."""
    if attempt.info.group_kind != NAMESPACE or attempt.verb == "DELETE" or attempt.subresource:
        return manifest
    labels = {**(manifest["metadata"].get("labels") or {}), NAME_LABEL: attempt.name}
    manifest = replaced(manifest, ("metadata", "labels"), labels)
    if attempt.verb == "CREATE":
        finalizers = get_in(manifest, "spec", "finalizers", default=[])
        if FINALIZER not in finalizers:
            manifest = replaced(manifest, ("spec", "finalizers"), [*finalizers, FINALIZER])
    elif attempt.old is not None:
        # Only the finalize end point changes the list.
        manifest = replaced(manifest, ("spec",), attempt.old.get("spec") or {})
    return manifest
