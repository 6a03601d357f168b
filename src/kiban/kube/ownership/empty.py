"""What the encoder writes for an object of a kind in which nothing is set.

Fields of an object that is created count as added only where this does not hold them already, so
it decides which containers get a `"."` of their own in `managedFields`. Structs that are plain
values are always written; the list follows the type definitions of k8s.io/api.
"""

from typing import Any

from kiban.kube.objects import GroupKind, Manifest, group_of

_TEMPLATE: Manifest = {"metadata": {}, "spec": {"containers": None}}
_NO_LABELS: Any = None

_EMPTY: dict[GroupKind, Manifest] = {
    GroupKind("", "Event"): {"involvedObject": {}, "source": {}},
    GroupKind("", "LimitRange"): {"spec": {"limits": None}},
    GroupKind("", "Namespace"): {"spec": {}, "status": {}},
    GroupKind("", "Node"): {
        "spec": {},
        "status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}, "nodeInfo": {}},
    },
    GroupKind("", "PersistentVolume"): {"spec": {}, "status": {}},
    GroupKind("", "PersistentVolumeClaim"): {"spec": {"resources": {}}, "status": {}},
    GroupKind("", "Pod"): {"spec": {"containers": None}, "status": {}},
    GroupKind("", "PodTemplate"): {"template": _TEMPLATE},
    GroupKind("", "ReplicationController"): {"spec": {}, "status": {"replicas": 0}},
    GroupKind("", "ResourceQuota"): {"spec": {}, "status": {}},
    GroupKind("", "Service"): {"spec": {}, "status": {"loadBalancer": {}}},
    GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): {
        "spec": {"group": "", "names": {"plural": "", "kind": ""}, "scope": "", "versions": None},
        "status": {},
    },
    GroupKind("apps", "DaemonSet"): {
        "spec": {"selector": _NO_LABELS, "template": _TEMPLATE, "updateStrategy": {}},
        "status": {},
    },
    GroupKind("apps", "Deployment"): {
        "spec": {"selector": _NO_LABELS, "template": _TEMPLATE, "strategy": {}},
        "status": {},
    },
    GroupKind("apps", "ReplicaSet"): {
        "spec": {
            "selector": _NO_LABELS,
            "template": {"metadata": {}, "spec": {"containers": None}},
        },
        "status": {"replicas": 0},
    },
    GroupKind("apps", "StatefulSet"): {
        "spec": {
            "selector": _NO_LABELS,
            "template": _TEMPLATE,
            "serviceName": "",
            "updateStrategy": {},
        },
        "status": {"replicas": 0},
    },
    GroupKind("autoscaling", "HorizontalPodAutoscaler"): {
        "spec": {"scaleTargetRef": {"kind": "", "name": ""}, "maxReplicas": 0},
        "status": {},
    },
    GroupKind("batch", "CronJob"): {
        "spec": {"schedule": "", "jobTemplate": {"metadata": {}, "spec": {"template": _TEMPLATE}}},
        "status": {},
    },
    GroupKind("batch", "Job"): {"spec": {"template": _TEMPLATE}, "status": {}},
    GroupKind("coordination.k8s.io", "Lease"): {"spec": {}},
    GroupKind("discovery.k8s.io", "EndpointSlice"): {
        "addressType": "",
        "endpoints": None,
        "ports": None,
    },
    GroupKind("networking.k8s.io", "Ingress"): {"spec": {}, "status": {"loadBalancer": {}}},
    GroupKind("networking.k8s.io", "IngressClass"): {"spec": {}},
    GroupKind("networking.k8s.io", "NetworkPolicy"): {"spec": {"podSelector": {}}},
    GroupKind("policy", "PodDisruptionBudget"): {"spec": {}, "status": {}},
    GroupKind("rbac.authorization.k8s.io", "ClusterRole"): {"rules": None},
    GroupKind("rbac.authorization.k8s.io", "ClusterRoleBinding"): {
        "roleRef": {"apiGroup": "", "kind": "", "name": ""}
    },
    GroupKind("rbac.authorization.k8s.io", "Role"): {"rules": None},
    GroupKind("rbac.authorization.k8s.io", "RoleBinding"): {
        "roleRef": {"apiGroup": "", "kind": "", "name": ""}
    },
}


def empty_object(manifest: Manifest) -> Manifest:
    """The empty object of the manifest's kind."""
    kind = GroupKind(group_of(manifest["apiVersion"]), manifest["kind"])
    return {"metadata": {}, **_EMPTY.get(kind, {})}
