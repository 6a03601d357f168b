"""Gives every namespace its service account `default`, which pods use that name none.

Source of the rule: pkg/controller/serviceaccount/serviceaccounts_controller.go.
"""

from collections.abc import Iterable

from kiban.kube.objects import NAMESPACE, SERVICE_ACCOUNT, Key, is_deleting
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Create
from kiban.reconcile.controller import NOTHING, Change, Outcome, Snapshot

DEFAULT_NAME = "default"


class ServiceAccountController:
    """The controller of the service accounts named `default`."""

    name = "service-account-controller"
    watches = frozenset({NAMESPACE, SERVICE_ACCOUNT})

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        if change.key.group_kind == NAMESPACE:
            return [change.key]
        if change.after is None and change.key.name == DEFAULT_NAME:
            return [Key(*NAMESPACE, "", change.key.namespace)]
        return []

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        namespace = snapshot.get(key)
        if namespace is None or is_deleting(namespace):
            return NOTHING
        if snapshot.get(Key(*SERVICE_ACCOUNT, key.name, DEFAULT_NAME)) is not None:
            return NOTHING
        account = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": DEFAULT_NAME, "namespace": key.name},
        }
        return Outcome((Create(account),))
