"""What workloads and claims get besides their defaults, because it needs the object's old
state or is a rule of the whole cluster.

Sources: kubernetes/pkg/registry/apps/daemonset/strategy.go and
kubernetes/plugin/pkg/admission/storage/storageobjectinuseprotection.
"""

from kiban.cluster.admission.attempts import Attempt
from kiban.kube.objects import (
    DAEMON_SET,
    PERSISTENT_VOLUME_CLAIM,
    GroupKind,
    Manifest,
    get_in,
    replaced,
)

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
PERSISTENT_VOLUME = GroupKind("", "PersistentVolume")
PROTECTION = {
    PERSISTENT_VOLUME_CLAIM: "kubernetes.io/pvc-protection",
    PERSISTENT_VOLUME: "kubernetes.io/pv-protection",
}


def count_daemon_set_templates(attempt: Attempt, daemon_set: Manifest) -> Manifest:
    """The old way to tell pods of one template from those of another."""
    if attempt.info.group_kind != DAEMON_SET or attempt.verb == "DELETE" or attempt.subresource:
        return daemon_set
    number = 1
    if attempt.old is not None:
        number = int(get_in(attempt.old, "metadata", "annotations", TEMPLATE_GENERATION, default=1))
        number += attempt.old["spec"].get("template") != daemon_set["spec"].get("template")
    return replaced(daemon_set, ("metadata", "annotations", TEMPLATE_GENERATION), str(number))


def protect_storage(attempt: Attempt, manifest: Manifest) -> Manifest:
    """Claims and volumes stay until nobody uses them."""
    finalizer = PROTECTION.get(attempt.info.group_kind)
    if finalizer is None or attempt.verb != "CREATE":
        return manifest
    present = manifest["metadata"].get("finalizers") or []
    if finalizer in present:
        return manifest
    return replaced(manifest, ("metadata", "finalizers"), [*present, finalizer])
