"""Keeps the ConfigMap `kube-root-ca.crt` in every namespace: the certificate by which pods know
the API server. Source of the rule: pkg/controller/certificates/rootcacertpublisher."""

from collections.abc import Iterable

from kiban.cluster.controllers.writing import change
from kiban.kube.objects import CONFIG_MAP, NAMESPACE, Key, is_deleting
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Create
from kiban.reconcile.controller import NOTHING, Change, Outcome, Snapshot

NAME = "kube-root-ca.crt"
DESCRIPTION = "kubernetes.io/description"
_ABOUT = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
    "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
    "guaranteed across distributions of Kubernetes clusters."
)


class RootCaController:
    """The controller of the certificate's copies. `certificate` is PEM text."""

    name = "root-ca-certificate-publisher-controller"
    watches = frozenset({NAMESPACE, CONFIG_MAP})

    def __init__(self, certificate: str) -> None:
        self.certificate = certificate

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        if change.key.group_kind == NAMESPACE:
            return [change.key]
        if change.key.name == NAME:
            return [Key(*NAMESPACE, "", change.key.namespace)]
        return []

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        namespace = snapshot.get(key)
        if namespace is None or is_deleting(namespace):
            return NOTHING
        data = {"ca.crt": self.certificate}
        present = snapshot.get(Key(*CONFIG_MAP, key.name, NAME))
        if present is None:
            metadata = {"name": NAME, "namespace": key.name, "annotations": {DESCRIPTION: _ABOUT}}
            config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
            return Outcome((Create(config),))
        if present.get("data") == data:
            return NOTHING
        gone = {name: None for name in present.get("data") or {} if name not in data}
        return Outcome((change(present, {"data": {**data, **gone}}),))
