"""Manifests and how they are named, labelled and owned.

A `Manifest` is one Kubernetes object as plain JSON data. Manifests are shared freely and never
changed in place: whoever wants another one copies what differs (`replaced`). A `Key` is the
identity of an object in one cluster and sorts in a stable order.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import lru_cache
from typing import Any, NamedTuple

Manifest = dict[str, Any]


class GroupKind(NamedTuple):
    """A kind without its version; the core group is the empty string."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


class Key(NamedTuple):
    """The identity of an object: `Key("apps", "Deployment", "shop", "cart")`.

    The namespace is empty for cluster-scoped kinds.
    """

    group: str
    kind: str
    namespace: str
    name: str

    @property
    def group_kind(self) -> GroupKind:
        return _group_kind(self.group, self.kind)

    def __str__(self) -> str:
        kind = f"{self.kind}.{self.group}" if self.group else self.kind
        return f"{kind}/{self.namespace}/{self.name}" if self.namespace else f"{kind}/{self.name}"


POD = GroupKind("", "Pod")
NODE = GroupKind("", "Node")
SERVICE = GroupKind("", "Service")
SECRET = GroupKind("", "Secret")
CONFIG_MAP = GroupKind("", "ConfigMap")
NAMESPACE = GroupKind("", "Namespace")
SERVICE_ACCOUNT = GroupKind("", "ServiceAccount")
EVENT = GroupKind("", "Event")
PERSISTENT_VOLUME_CLAIM = GroupKind("", "PersistentVolumeClaim")
STORAGE_CLASS = GroupKind("storage.k8s.io", "StorageClass")
DEPLOYMENT = GroupKind("apps", "Deployment")
REPLICA_SET = GroupKind("apps", "ReplicaSet")
STATEFUL_SET = GroupKind("apps", "StatefulSet")
DAEMON_SET = GroupKind("apps", "DaemonSet")
JOB = GroupKind("batch", "Job")
CRON_JOB = GroupKind("batch", "CronJob")
INGRESS = GroupKind("networking.k8s.io", "Ingress")
NETWORK_POLICY = GroupKind("networking.k8s.io", "NetworkPolicy")
ENDPOINT_SLICE = GroupKind("discovery.k8s.io", "EndpointSlice")
POD_DISRUPTION_BUDGET = GroupKind("policy", "PodDisruptionBudget")
HORIZONTAL_POD_AUTOSCALER = GroupKind("autoscaling", "HorizontalPodAutoscaler")
LEASE = GroupKind("coordination.k8s.io", "Lease")


@lru_cache(maxsize=1024)
def _group_kind(group: str, kind: str) -> GroupKind:
    """There are few kinds, and they are asked for all the time."""
    return GroupKind(group, kind)


@lru_cache(maxsize=1024)
def group_of(api_version: str) -> str:
    """`apps/v1` gives `apps`, `v1` gives the core group's empty name."""
    return api_version.rpartition("/")[0]


def key_of(manifest: Manifest) -> Key:
    """The key of an object that has a name."""
    metadata = manifest["metadata"]
    return Key(
        group_of(manifest["apiVersion"]),
        manifest["kind"],
        metadata.get("namespace", ""),
        metadata["name"],
    )


def uid_of(manifest: Manifest) -> str:
    uid: str = manifest["metadata"].get("uid", "")
    return uid


def labels_of(manifest: Manifest) -> dict[str, str]:
    return manifest["metadata"].get("labels") or {}


def annotations_of(manifest: Manifest) -> dict[str, str]:
    return manifest["metadata"].get("annotations") or {}


def is_deleting(manifest: Manifest) -> bool:
    """Whether the object has been asked to go and is still here."""
    return "deletionTimestamp" in manifest["metadata"]


def owners_of(manifest: Manifest) -> list[dict[str, Any]]:
    return manifest["metadata"].get("ownerReferences") or []


def controller_of(manifest: Manifest) -> dict[str, Any] | None:
    """The owner reference marked as the controller, if there is one."""
    for owner in owners_of(manifest):
        if owner.get("controller"):
            return owner
    return None


def owner_reference(owner: Manifest) -> dict[str, Any]:
    """A reference that makes `owner` the controller and waits for it in foreground deletion."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def get_in(tree: Any, *path: str | int, default: Any = None) -> Any:
    """The value at a path of keys and indexes, or the default where the path ends early."""
    for part in path:
        if type(tree) is dict or isinstance(tree, Mapping):
            tree = tree.get(part)
        elif isinstance(tree, list) and isinstance(part, int) and -len(tree) <= part < len(tree):
            tree = tree[part]
        else:
            return default
        if tree is None:
            return default
    return tree


def replaced(manifest: Manifest, path: Iterable[str], value: Any) -> Manifest:
    """The manifest with the value at a path of keys replaced; what is not on the path is shared."""
    first, *rest = path
    copy = dict(manifest)
    copy[first] = replaced(copy.get(first) or {}, rest, value) if rest else value
    return copy


def sharing(new: Manifest, old: Manifest, levels: int = 2) -> Manifest:
    """The new manifest with the old one's own parts where they are equal, so many levels down."""
    same = {key: part for key, part in old.items() if key in new and new[key] == part}
    if len(same) == len(new):
        return old if len(old) == len(new) else {**new, **same}
    parts = {**new, **same}
    if levels > 1:
        for key, part in new.items():
            if key not in same and isinstance(part, dict) and isinstance(old.get(key), dict):
                parts[key] = sharing(part, old[key], levels - 1)
    return parts


def copied(manifest: Manifest) -> Manifest:
    """A deep copy that may be changed."""
    return deepcopy(manifest)


def condition_of(manifest: Manifest, type_: str) -> dict[str, Any] | None:
    """The status condition of that type, if there is one."""
    status = manifest.get("status")
    conditions: list[dict[str, Any]] = (status.get("conditions") if status else None) or []
    for condition in conditions:
        if condition.get("type") == type_:
            return condition
    return None


def is_true(manifest: Manifest, condition_type: str) -> bool:
    """Whether the condition is there and has status `True`."""
    condition = condition_of(manifest, condition_type)
    return condition is not None and condition.get("status") == "True"
