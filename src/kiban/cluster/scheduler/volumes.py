"""Where a pod's claims let it run: all must be there, and a bound volume names its nodes.

A claim that waits for its first consumer lets the pod run anywhere; it is bound to the node that
is chosen. Source: pkg/scheduler/framework/plugins/volumebinding.
"""

from collections.abc import Sequence

from kiban.cluster.scheduler.node_info import NodeInfo
from kiban.cluster.scheduler.shape import Shape
from kiban.cluster.scheduler.terms import NodeChoice, node_term
from kiban.cluster.scheduler.verdict import Rejection
from kiban.kube.objects import PERSISTENT_VOLUME_CLAIM, GroupKind, Key, get_in, is_deleting
from kiban.reconcile.controller import Snapshot

PERSISTENT_VOLUME = GroupKind("", "PersistentVolume")

ELSEWHERE = Rejection(
    "VolumeBinding", ("node(s) didn't match PersistentVolume's node affinity",), is_final=True
)


def missing_claim(shape: Shape, snapshot: Snapshot) -> Rejection | None:
    """Why no node at all can take the pod, on account of its claims."""
    for name in shape.claims:
        claim = snapshot.get(Key(*PERSISTENT_VOLUME_CLAIM, shape.namespace, name))
        if claim is None:
            text = f'persistentvolumeclaim "{name}" not found'
        elif is_deleting(claim):
            text = f'persistentvolumeclaim "{name}" is being deleted'
        elif get_in(claim, "status", "phase") == "Lost":
            text = f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume'
        else:
            continue
        return Rejection("VolumeBinding", (text,), is_final=True)
    return None


def volume_choices(shape: Shape, snapshot: Snapshot) -> Sequence[NodeChoice]:
    """The nodes from which the pod's bound volumes can be reached, one choice per volume."""
    found = []
    for name in shape.claims:
        claim = snapshot.get(Key(*PERSISTENT_VOLUME_CLAIM, shape.namespace, name))
        volume_name = get_in(claim, "spec", "volumeName", default="")
        volume = snapshot.get(Key(*PERSISTENT_VOLUME, "", volume_name)) if volume_name else None
        required = get_in(volume, "spec", "nodeAffinity", "required")
        if required is not None:
            terms = tuple(node_term(entry) for entry in required.get("nodeSelectorTerms") or ())
            found.append(NodeChoice((), terms))
    return found


def is_out_of_reach(choices: Sequence[NodeChoice], info: NodeInfo) -> bool:
    return not all(choice.matches(info.name, info.labels) for choice in choices)
