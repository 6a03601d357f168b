"""Which nodes a DaemonSet's pods belong on, and the pod that is bound to be on one.

Source: NodeShouldRunDaemonPod in pkg/controller/daemon/daemon_controller.go and
AddOrUpdateDaemonPodTolerations, ReplaceDaemonSetPodNodeNameNodeAffinity in its util.
"""

from typing import Any, NamedTuple

from kiban.cluster.controllers.controller_revisions import REVISION_HASH
from kiban.cluster.controllers.pods import PodIdentity, name_base, pod_from_template
from kiban.cluster.scheduler.taints import is_borne
from kiban.cluster.scheduler.terms import NodeChoice, node_term
from kiban.kube.objects import Manifest, get_in, labels_of
from kiban.primitives.chance import Chance

_TOLERATED = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
_NETWORK = ("node.kubernetes.io/network-unavailable", "NoSchedule")


class Fit(NamedTuple):
    """Whether a node should get a pod, and whether one that is there may stay."""

    should_run: bool
    may_stay: bool


def fit(daemon_set: Manifest, node: Manifest) -> Fit:
    """What a node is to a DaemonSet."""
    spec = daemon_set["spec"]["template"].get("spec") or {}
    name = node["metadata"]["name"]
    if spec.get("nodeName") not in (None, "", name):
        return Fit(False, False)
    if not _choice(spec).matches(name, labels_of(node)):
        return Fit(False, False)
    tolerations = [*(spec.get("tolerations") or []), *_own_tolerations(spec)]
    taints = get_in(node, "spec", "taints", default=[])
    unborne = [
        taint["effect"]
        for taint in taints
        if taint["effect"] != "PreferNoSchedule" and not is_borne(taint, tolerations)
    ]
    return Fit(not unborne, "NoExecute" not in unborne)


def _choice(spec: Manifest) -> NodeChoice:
    terms = get_in(
        spec,
        "affinity",
        "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
        "nodeSelectorTerms",
    )
    return NodeChoice(
        tuple(sorted((spec.get("nodeSelector") or {}).items())),
        tuple(node_term(term) for term in terms) if terms is not None else None,
    )


def _own_tolerations(spec: Manifest) -> list[dict[str, Any]]:
    pairs = [*_TOLERATED, _NETWORK] if spec.get("hostNetwork") else _TOLERATED
    return [{"key": key, "operator": "Exists", "effect": effect} for key, effect in pairs]


def daemon_pod(daemon_set: Manifest, node_name: str, digest: str, chance: Chance) -> Manifest:
    """A pod that only that node can run."""
    base = name_base(daemon_set["metadata"]["name"])
    labels = {REVISION_HASH: digest}
    generation = (
        daemon_set["metadata"]
        .get("annotations", {})
        .get("deprecated.daemonset.template.generation")
    )
    if generation is not None:
        labels["pod-template-generation"] = generation
    identity = PodIdentity(base + chance.suffix(), base, labels=labels)
    pod = pod_from_template(daemon_set["spec"]["template"], daemon_set, identity)
    spec = pod["spec"]
    given = spec.get("tolerations") or []
    added = [entry for entry in _own_tolerations(spec) if entry not in given]
    return {
        **pod,
        "spec": {
            **spec,
            "tolerations": [*given, *added],
            "affinity": _pinned(spec.get("affinity") or {}, node_name),
        },
    }


def _pinned(affinity: Manifest, node_name: str) -> Manifest:
    """The affinity with the node's name as the only required term."""
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node_name]}]}
    required = {"nodeSelectorTerms": [term]}
    node_affinity = {
        **(affinity.get("nodeAffinity") or {}),
        "requiredDuringSchedulingIgnoredDuringExecution": required,
    }
    return {**affinity, "nodeAffinity": node_affinity}


def target_node_of(pod: Manifest) -> str:
    """The node a daemon pod runs on or is meant for."""
    if name := get_in(pod, "spec", "nodeName"):
        return str(name)
    terms = get_in(
        pod,
        "spec",
        "affinity",
        "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
        "nodeSelectorTerms",
        default=[],
    )
    for term in terms:
        for field in term.get("matchFields") or []:
            if field["key"] == "metadata.name" and field["operator"] == "In":
                return str(field["values"][0])
    return ""
