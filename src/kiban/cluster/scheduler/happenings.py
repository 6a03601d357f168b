"""Which changes in the cluster may help a pod that was rejected.

Every filter names the kinds of change after which it may judge otherwise, so that a heartbeat of
a node does not wake all pods that wait for memory. Source: EventsToRegister of the plugins under
pkg/scheduler/framework/plugins.
"""

from kiban.kube.objects import Manifest, get_in, labels_of

POD_GONE = "pod gone"
POD_ARRIVED = "pod arrived"
NODE_ADDED = "node added"
NODE_GONE = "node gone"
NODE_SIZE = "node size"
NODE_LABELS = "node labels"
NODE_TAINTS = "node taints"
VOLUMES = "volumes"

HELPED_BY: dict[str, frozenset[str]] = {
    "NodeUnschedulable": frozenset({NODE_ADDED, NODE_TAINTS}),
    "NodeName": frozenset({NODE_ADDED}),
    "TaintToleration": frozenset({NODE_ADDED, NODE_TAINTS}),
    "NodeAffinity": frozenset({NODE_ADDED, NODE_LABELS}),
    "NodePorts": frozenset({NODE_ADDED, POD_GONE}),
    "NodeResourcesFit": frozenset({NODE_ADDED, NODE_SIZE, POD_GONE}),
    "VolumeBinding": frozenset({NODE_ADDED, NODE_LABELS, VOLUMES}),
    "VolumeZone": frozenset({NODE_ADDED, NODE_LABELS, VOLUMES}),
    "PodTopologySpread": frozenset(
        {NODE_ADDED, NODE_GONE, NODE_LABELS, NODE_TAINTS, POD_GONE, POD_ARRIVED}
    ),
    "InterPodAffinity": frozenset({NODE_ADDED, NODE_LABELS, POD_GONE, POD_ARRIVED}),
    "NoNodes": frozenset({NODE_ADDED}),
}


def node_happenings(before: Manifest | None, after: Manifest | None) -> list[str]:
    """What a change of a node is to the pods that wait."""
    if after is None or before is None:
        return [NODE_GONE] if after is None else [NODE_ADDED]
    found = []
    if _size(before) != _size(after):
        found.append(NODE_SIZE)
    if labels_of(before) != labels_of(after):
        found.append(NODE_LABELS)
    if _taints(before) != _taints(after):
        found.append(NODE_TAINTS)
    return found


def _size(node: Manifest) -> object:
    return get_in(node, "status", "allocatable")


def _taints(node: Manifest) -> object:
    spec = node.get("spec") or {}
    return spec.get("taints"), bool(spec.get("unschedulable"))
