"""The class that a claim names, for the controllers that give volumes to claims."""

from kiban.kube.objects import STORAGE_CLASS, Key, Manifest
from kiban.reconcile.controller import Snapshot

NO_PROVISIONER = "kubernetes.io/no-provisioner"


def storage_class(name: str, snapshot: Snapshot) -> Manifest | None:
    return snapshot.get(Key(*STORAGE_CLASS, "", name)) if name else None


def is_provisioned_by_hand(storage_class: Manifest | None) -> bool:
    """Whether volumes of the class are made by people only."""
    return storage_class is not None and storage_class.get("provisioner") == NO_PROVISIONER
