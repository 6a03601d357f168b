"""Which pods are of the same kind as a pod that says nothing about its spread: those of its
services and of the set that owns it (pkg/scheduler/framework/plugins/helper/spread.go)."""

from kiban.kube.objects import (
    REPLICA_SET,
    SERVICE,
    STATEFUL_SET,
    GroupKind,
    Key,
    Manifest,
    controller_of,
    labels_of,
)
from kiban.kube.selectors import (
    LabelSelector,
    Requirement,
    selector_from_labels,
    selector_from_object,
)
from kiban.reconcile.controller import Snapshot

REPLICATION_CONTROLLER = GroupKind("", "ReplicationController")
_OWNERS = {kind.kind: kind for kind in (REPLICA_SET, STATEFUL_SET)}


def own_selector(pod: Manifest, snapshot: Snapshot) -> LabelSelector | None:
    """The selectors of its services and its owner together; None when it belongs to nothing."""
    namespace, labels = pod["metadata"].get("namespace", ""), labels_of(pod)
    merged: dict[str, str] = {}
    for service in snapshot.list(SERVICE, namespace):
        selector = service["spec"].get("selector") or {}
        if selector and selector.items() <= labels.items():
            merged.update(selector)
    requirements: list[Requirement] = []
    owner = _owner(pod, namespace, snapshot)
    if owner is not None:
        selector = owner["spec"].get("selector") or {}
        if owner["kind"] == REPLICATION_CONTROLLER.kind:
            merged.update(selector)
        else:
            requirements += selector_from_object(selector).requirements
    found = (*selector_from_labels(merged).requirements, *requirements)
    return LabelSelector(found) if found else None


def _owner(pod: Manifest, namespace: str, snapshot: Snapshot) -> Manifest | None:
    reference = controller_of(pod)
    if reference is None:
        return None
    kind = _OWNERS.get(reference["kind"])
    if reference["kind"] == REPLICATION_CONTROLLER.kind and reference["apiVersion"] == "v1":
        kind = REPLICATION_CONTROLLER
    return snapshot.get(Key(*kind, namespace, reference["name"])) if kind else None
