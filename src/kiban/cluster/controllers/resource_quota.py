"""Keeps the status of resource quotas: what is allowed and what is used of it.

Source of the rule: pkg/controller/resourcequota/resource_quota_controller.go.
"""

from collections.abc import Iterable

from kiban.cluster.controllers.writing import status_update
from kiban.cluster.quotas import NOTHING as NO_AMOUNT
from kiban.cluster.quotas import RESOURCE_QUOTA, Amount, used
from kiban.kube.kinds import KindInfo, standard_kinds
from kiban.kube.objects import Key, Manifest, get_in, is_deleting, key_of
from kiban.primitives.instants import Instant
from kiban.reconcile.controller import NOTHING, Change, Outcome, Snapshot


def _counted_kinds() -> list[KindInfo]:
    """The kinds whose objects quotas count: all that live in namespaces, in one version each."""
    found: dict[tuple[str, str], KindInfo] = {}
    kinds = standard_kinds()
    for group, versions in kinds.groups().items():
        for version in versions:
            for info in kinds.in_version(group, version):
                if info.namespaced and "create" in info.verbs and "list" in info.verbs:
                    found.setdefault((info.group, info.kind), info)
    return list(found.values())


class ResourceQuotaController:
    """The controller of kind ResourceQuota."""

    name = "resourcequota-controller"

    def __init__(self) -> None:
        self._kinds = _counted_kinds()
        self.watches = frozenset({info.group_kind for info in self._kinds} | {RESOURCE_QUOTA})

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        if change.key.group_kind == RESOURCE_QUOTA:
            return [change.key]
        quotas = snapshot.list(RESOURCE_QUOTA, change.key.namespace)
        if not quotas or (change.before and change.after and not _matters(change)):
            return []
        return [key_of(quota) for quota in quotas]

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        quota = snapshot.get(key)
        if quota is None or is_deleting(quota):
            return NOTHING
        hard = get_in(quota, "spec", "hard", default={})
        figures = {name: str(self._used(quota, name, snapshot)) for name in sorted(hard)}
        status = {"hard": hard, "used": figures} if hard else {}
        return Outcome(tuple(status_update(quota, status)))

    def _used(self, quota: Manifest, name: str, snapshot: Snapshot) -> Amount:
        namespace = quota["metadata"].get("namespace", "")
        counts = (
            used(quota, name, info, snapshot.list(info.group_kind, namespace))
            for info in self._kinds
        )
        return sum(counts, NO_AMOUNT)


def _matters(change: Change) -> bool:
    """A changed object that was there counts otherwise only when its spec or phase changed."""
    before, after = change.before or {}, change.after or {}
    if before.get("spec") != after.get("spec"):
        return True
    return bool(get_in(before, "status", "phase") != get_in(after, "status", "phase"))
