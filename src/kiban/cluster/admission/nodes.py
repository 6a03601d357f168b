"""A new node takes no pods until it is known to be ready
(kubernetes/plugin/pkg/admission/nodetaint)."""

from kiban.cluster.admission.attempts import Attempt
from kiban.kube.objects import NODE, Manifest, get_in, replaced

NOT_READY_TAINT = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


def taint_new_node(attempt: Attempt, manifest: Manifest) -> Manifest:
    if attempt.info.group_kind != NODE or attempt.verb != "CREATE":
        return manifest
    taints = get_in(manifest, "spec", "taints", default=[])
    if any(taint.items() >= NOT_READY_TAINT.items() for taint in taints):
        return manifest
    return replaced(manifest, ("spec", "taints"), [*taints, dict(NOT_READY_TAINT)])
