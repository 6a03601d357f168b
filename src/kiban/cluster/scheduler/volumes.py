"""Where a pod's claims let it run: all must be there, and a bound volume names its nodes.

A claim that waits for its first consumer lets the pod run anywhere; it is bound to the node that
is chosen. Source: pkg/scheduler/framework/plugins/{volumebinding,volumezone}.
"""

from collections.abc import Sequence
from typing import NamedTuple

from kiban.cluster.scheduler.node_info import NodeInfo
from kiban.cluster.scheduler.shape import Shape
from kiban.cluster.scheduler.terms import NodeChoice, NodeTerm, node_term
from kiban.cluster.scheduler.verdict import Rejection
from kiban.kube.objects import (
    PERSISTENT_VOLUME_CLAIM,
    STORAGE_CLASS,
    GroupKind,
    Key,
    Manifest,
    get_in,
    is_deleting,
    labels_of,
)
from kiban.kube.selectors import Requirement
from kiban.reconcile.controller import Snapshot

PERSISTENT_VOLUME = GroupKind("", "PersistentVolume")

ELSEWHERE = Rejection(
    "VolumeBinding", ("node(s) didn't match PersistentVolume's node affinity",), is_final=True
)

OTHER_ZONE = Rejection("VolumeZone", ("node(s) had no available volume zone",), is_final=True)
ZONE_LABELS = (
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
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
        elif _waits_for_nobody(claim, snapshot):
            text = "pod has unbound immediate PersistentVolumeClaims"
        else:
            continue
        return Rejection("VolumeBinding", (text,), is_final=True)
    return None


def _waits_for_nobody(claim: Manifest, snapshot: Snapshot) -> bool:
    """Whether a claim without a volume is to be bound before its first pod has a node."""
    if get_in(claim, "spec", "volumeName"):
        return False
    name = get_in(claim, "spec", "storageClassName")
    if name == "":
        return True
    found = snapshot.get(Key(*STORAGE_CLASS, "", name)) if name else None
    return found is not None and found.get("volumeBindingMode") != "WaitForFirstConsumer"


class VolumeChoice(NamedTuple):
    """The nodes from which a volume can be reached, and what is said of the others."""

    nodes: NodeChoice
    otherwise: Rejection


def volume_choices(shape: Shape, snapshot: Snapshot) -> Sequence[VolumeChoice]:
    """Where the pod's bound volumes let it run: by their node affinity, and by their zone."""
    found = []
    for name in shape.claims:
        claim = snapshot.get(Key(*PERSISTENT_VOLUME_CLAIM, shape.namespace, name))
        volume_name = get_in(claim, "spec", "volumeName", default="")
        volume = snapshot.get(Key(*PERSISTENT_VOLUME, "", volume_name)) if volume_name else None
        if volume is None:
            continue
        required = get_in(volume, "spec", "nodeAffinity", "required")
        if required is not None:
            terms = tuple(node_term(entry) for entry in required.get("nodeSelectorTerms") or ())
            found.append(VolumeChoice(NodeChoice((), terms), ELSEWHERE))
        if zones := _zones_of(volume):
            found.append(VolumeChoice(NodeChoice((), (NodeTerm(zones),)), OTHER_ZONE))
    return found


def _zones_of(volume: Manifest) -> tuple[Requirement, ...]:
    """The zones in a volume's labels; several are joined by two underscores."""
    labels = labels_of(volume)
    return tuple(
        Requirement(key, "in", tuple(sorted(labels[key].split("__"))))
        for key in ZONE_LABELS
        if key in labels
    )


def unreachable(choices: Sequence[VolumeChoice], info: NodeInfo) -> Rejection | None:
    """Why a volume cannot be reached from a node."""
    return next(
        (
            choice.otherwise
            for choice in choices
            if not choice.nodes.matches(info.name, info.labels)
        ),
        None,
    )


def is_out_of_reach(choices: Sequence[VolumeChoice], info: NodeInfo) -> bool:
    return unreachable(choices, info) is not None
