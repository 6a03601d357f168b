"""What every cluster has from its first moment: namespaces, priority classes, roles, and the
service under which pods find the API."""

from collections.abc import Sequence
from ipaddress import ip_network

from kiban.cluster.authorization.bootstrap import bootstrap_roles
from kiban.kube.objects import Manifest

SYSTEM_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "default")
# The two classes every cluster knows (kubernetes/pkg/apis/scheduling/v1/helpers.go).
SYSTEM_PRIORITIES = {
    "system-node-critical": 2_000_001_000,
    "system-cluster-critical": 2_000_000_000,
}
_ADVICE = {
    "system-node-critical": (
        "Used for system critical pods that must not be moved from their current node."
    ),
    "system-cluster-critical": (
        "Used for system critical pods that must run in the cluster, but can be moved to another "
        "node if necessary."
    ),
}


def bootstrap_objects(service_cidr: str) -> Sequence[Manifest]:
    """The objects to create in an empty store, in this order. The API's own service has the first
    address of the services' network."""
    return [
        *(_namespace(name) for name in SYSTEM_NAMESPACES),
        *(_priority_class(name, value) for name, value in SYSTEM_PRIORITIES.items()),
        *bootstrap_roles(),
        _api_service(service_cidr),
    ]


def _api_service(service_cidr: str) -> Manifest:
    network = ip_network(service_cidr)
    labels = {"component": "apiserver", "provider": "kubernetes"}
    port = {"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": labels},
        "spec": {"type": "ClusterIP", "clusterIP": str(network[1]), "ports": [port]},
    }


def _namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _priority_class(name: str, value: int) -> Manifest:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
        "description": _ADVICE[name],
    }
