"""Keeps the rules of cluster roles that collect those of others by their labels.

Source of the rule: pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go.
"""

from collections.abc import Iterable

from kiban.cluster.controllers.writing import change
from kiban.kube.objects import GroupKind, Key, Manifest, is_deleting, key_of
from kiban.kube.selectors import selector_from_object
from kiban.primitives.instants import Instant
from kiban.reconcile.controller import NOTHING, Change, Outcome, Snapshot

CLUSTER_ROLE = GroupKind("rbac.authorization.k8s.io", "ClusterRole")


class ClusterRoleAggregationController:
    """The controller of cluster roles with an `aggregationRule`."""

    name = "clusterrole-aggregation-controller"
    watches = frozenset({CLUSTER_ROLE})

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        """Any role may be a part of any that collects."""
        return [key_of(role) for role in snapshot.list(CLUSTER_ROLE) if _selectors(role)]

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        role = snapshot.get(key)
        if role is None or is_deleting(role) or not _selectors(role):
            return NOTHING
        rules = _collected(role, snapshot)
        if rules == (role.get("rules") or []):
            return NOTHING
        return Outcome((change(role, {"rules": rules}),))


def _selectors(role: Manifest) -> list[Manifest]:
    found: list[Manifest] = (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or []
    return found


def _collected(role: Manifest, snapshot: Snapshot) -> list[Manifest]:
    """The rules of the parts by the selectors' order and then by name, each once."""
    rules: list[Manifest] = []
    for selector in map(selector_from_object, _selectors(role)):
        for part in snapshot.list(CLUSTER_ROLE):
            if key_of(part) == key_of(role) or not selector.chooses(part):
                continue
            rules += [rule for rule in part.get("rules") or () if rule not in rules]
    return rules
