"""What workloads and claims get besides their defaults, because it needs the object's old
state or is a rule of the whole cluster.

Sources: kubernetes/pkg/registry/apps/daemonset/strategy.go and
kubernetes/plugin/pkg/admission/storage/storageobjectinuseprotection.
"""

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.admission.storage import PERSISTENT_VOLUME
from kiban.kube.objects import (
    DAEMON_SET,
    PERSISTENT_VOLUME_CLAIM,
    Manifest,
    get_in,
    replaced,
)

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
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


_GATED = ("spec", "updateStrategy", "rollingUpdate", "maxUnavailable")


def leave_out_gated_fields(attempt: Attempt, stateful_set: Manifest) -> Manifest:
    """A field whose feature is off is taken from nobody who has not used it before
    (kubernetes/pkg/registry/apps/statefulset/strategy.go)."""
    if get_in(stateful_set, *_GATED) is None:
        return stateful_set
    if attempt.old is not None and get_in(attempt.old, *_GATED) is not None:
        return stateful_set
    update = get_in(stateful_set, *_GATED[:-1])
    rest = {key: value for key, value in update.items() if key != _GATED[-1]}
    return replaced(stateful_set, _GATED[:-1], rest)
