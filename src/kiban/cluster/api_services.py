"""The list of what the API serves, as objects: an APIService for each group and version.

All are our own ("Local"); those of definitions come and go with them. Sources: kube-aggregator's
pkg/controllers/autoregister and kubernetes/pkg/controlplane/apiserver/apis.go.
"""

from collections.abc import Iterable, Sequence

from kiban.cluster.api.customs import DEFINITION
from kiban.kube.kinds import Kinds
from kiban.kube.objects import GroupKind, Key, Manifest, condition_of, is_deleting, is_true
from kiban.primitives.instants import Instant, rfc3339
from kiban.reconcile.commands import Command, Create, Delete, Patch
from kiban.reconcile.controller import NOTHING, Change, Outcome, Snapshot

API_SERVICE = GroupKind("apiregistration.k8s.io", "APIService")
_MANAGED = "kube-aggregator.kubernetes.io/automanaged"
# How groups are ranked in discovery, as kube-apiserver ranks them.
_PRIORITIES = {
    "": 18000,
    "apps": 17800,
    "events.k8s.io": 17750,
    "authentication.k8s.io": 17700,
    "authorization.k8s.io": 17600,
    "autoscaling": 17500,
    "batch": 17400,
    "certificates.k8s.io": 17300,
    "networking.k8s.io": 17200,
    "policy": 17100,
    "rbac.authorization.k8s.io": 17000,
    "storage.k8s.io": 16800,
    "apiextensions.k8s.io": 16700,
    "admissionregistration.k8s.io": 16700,
    "scheduling.k8s.io": 16600,
    "coordination.k8s.io": 16500,
    "node.k8s.io": 16300,
    "discovery.k8s.io": 16200,
    "flowcontrol.apiserver.k8s.io": 16100,
}
_OTHERS, _DEFINED = 15000, 1000
_NOT_LISTED = ("apiregistration.k8s.io",)


def api_services(kinds: Kinds) -> Sequence[Manifest]:
    """One for each group and version that is served from the beginning."""
    return [
        _api_service(group, version, _PRIORITIES.get(group, _OTHERS), 15 if group else 1)
        for group, versions in kinds.groups().items()
        if group not in _NOT_LISTED
        for version in versions
    ]


def _api_service(group: str, version: str, group_rank: int, version_rank: int) -> Manifest:
    labels = {_MANAGED: "true" if group_rank == _DEFINED else "onstart"}
    spec = {"groupPriorityMinimum": group_rank, "version": version, "versionPriority": version_rank}
    return {
        "apiVersion": f"{API_SERVICE.group}/v1",
        "kind": API_SERVICE.kind,
        "metadata": {"name": f"{version}.{group}", "labels": labels},
        "spec": {"group": group, **spec} if group else spec,
    }


class ApiServiceController:
    """Says that what is local is available, and lists what definitions add."""

    name = "autoregister"
    watches = frozenset({API_SERVICE, DEFINITION})

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        if change.key.kind == API_SERVICE.kind:
            return [change.key]
        definition = change.after or change.before or {}
        return [_key(name) for name in _names(definition)]

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        present = snapshot.get(key)
        wanted = _defined(key.name, snapshot)
        if present is None:
            return Outcome((Create(wanted),)) if wanted else NOTHING
        if wanted is None and _is_defined(present):
            return Outcome((Delete(key),))
        return Outcome(tuple(_available(key, present, now)))


def _key(name: str) -> Key:
    return Key(*API_SERVICE, "", name)


def _names(definition: Manifest) -> list[str]:
    spec = definition.get("spec") or {}
    return [f"{version['name']}.{spec['group']}" for version in spec.get("versions") or ()]


def _defined(name: str, snapshot: Snapshot) -> Manifest | None:
    """The entry of a version that some established definition serves."""
    version, _, group = name.partition(".")
    for definition in snapshot.list(DEFINITION):
        spec = definition["spec"]
        if spec["group"] != group or is_deleting(definition):
            continue
        served = [entry["name"] for entry in spec["versions"] if entry.get("served")]
        if version in served and is_true(definition, "Established"):
            return _api_service(group, version, _DEFINED, 100)
    return None


def _is_defined(present: Manifest) -> bool:
    labels = present["metadata"].get("labels") or {}
    return bool(labels.get(_MANAGED) == "true")


def _available(key: Key, present: Manifest, now: Instant) -> list[Command]:
    if (present.get("spec") or {}).get("service") or condition_of(present, "Available"):
        return []
    condition = {
        "type": "Available",
        "status": "True",
        "lastTransitionTime": rfc3339(now),
        "reason": "Local",
        "message": "Local APIServices are always available",
    }
    return [Patch(key, {"status": {"conditions": [condition]}}, "status")]
