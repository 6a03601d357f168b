"""Numbers of replicas that an autoscaler owns: what a manifest says of them counts only for an
object that is not there yet."""

from collections.abc import Iterable

from kiban.kube.objects import (
    HORIZONTAL_POD_AUTOSCALER,
    Key,
    Manifest,
    get_in,
    group_of,
    key_of,
    replaced,
)
from kiban.primitives.differences import Difference

REPLICAS = ("spec", "replicas")


def autoscaled(manifests: Iterable[Manifest]) -> frozenset[Key]:
    """The workloads that autoscalers among the manifests scale."""
    found = []
    for manifest in manifests:
        if key_of(manifest).group_kind != HORIZONTAL_POD_AUTOSCALER:
            continue
        target = get_in(manifest, "spec", "scaleTargetRef", default={})
        group = group_of(target.get("apiVersion", ""))
        namespace = key_of(manifest).namespace
        found.append(Key(group, target.get("kind", ""), namespace, target.get("name", "")))
    return frozenset(found)


def without_replicas(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """The differences that are Git's business."""
    return tuple(entry for entry in differences if entry.path != REPLICAS)


def at_live_scale(wanted: Manifest, live: Manifest) -> Manifest:
    """The manifest with as many replicas as there are: leaving the field out would give it up,
    and Kubernetes would start again from one."""
    count = get_in(live, *REPLICAS)
    if count is None or get_in(wanted, *REPLICAS) is None:
        return wanted
    return replaced(wanted, REPLICAS, count)
