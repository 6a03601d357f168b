"""Assigning a pod to a node, once (kubernetes/pkg/registry/core/pod/storage/storage.go)."""

from dataclasses import replace

from kiban.cluster.api.calls import Call
from kiban.cluster.api.failures import Failure, conflict
from kiban.cluster.api.registry import Registry
from kiban.cluster.store import Store
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import NODE, Key, Manifest, is_deleting, labels_of
from kiban.primitives.instants import Instant, rfc3339


def bind(registry: Registry, pod: Key, binding: Manifest, call: Call) -> Manifest:
    """Set the node of a pod that has none. The binding's annotations and labels go along."""
    info = registry.info_of(pod)
    node = (binding.get("target") or {}).get("name", "")

    def bound(live: Manifest) -> Manifest:
        if is_deleting(live):
            text = f"pod {pod.name} is being deleted, cannot be assigned to a host"
            raise _refusal(info, pod, text)
        assigned = live["spec"].get("nodeName")
        if assigned:
            text = f'pod {pod.name} is already assigned to node "{assigned}"'
            raise _refusal(info, pod, text)
        if live["spec"].get("schedulingGates"):
            text = f"pod {pod.name} has non-empty .spec.schedulingGates"
            raise _refusal(info, pod, text)
        metadata = dict(live["metadata"])
        uid = (binding.get("metadata") or {}).get("uid")
        if uid:
            metadata["uid"] = uid
        given = binding.get("metadata") or {}
        labels = {**(given.get("labels") or {}), **place_of(registry.store, node)}
        for part, added in (("annotations", given.get("annotations")), ("labels", labels)):
            if added:
                metadata[part] = {**(metadata.get(part) or {}), **added}
        return {
            **live,
            "metadata": metadata,
            "spec": {**live["spec"], "nodeName": node},
            "status": scheduled(live.get("status") or {}, call.now),
        }

    return registry.update(info, pod, bound, call, "binding")


# Where a node stands is told to its pods (plugin/pkg/admission/podtopologylabels).
_PLACE = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")


def place_of(store: Store, node: str) -> dict[str, str]:
    """The labels that a pod gets for the place of its node."""
    found = store.get(Key(*NODE, "", node))
    labels = labels_of(found) if found is not None else {}
    return {name: labels[name] for name in _PLACE if name in labels}


def _refusal(info: KindInfo, pod: Key, text: str) -> Failure:
    return conflict(replace(info, plural=f"{info.plural}/binding"), pod.name, text)


def scheduled(status: Manifest, now: Instant) -> Manifest:
    """The status of a pod that has got its node; no other is promised to it any more."""
    condition = {
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": rfc3339(now),
    }
    others = [c for c in status.get("conditions") or () if c.get("type") != "PodScheduled"]
    rest = {key: value for key, value in status.items() if key != "nominatedNodeName"}
    return {**rest, "conditions": [*others, condition]}
