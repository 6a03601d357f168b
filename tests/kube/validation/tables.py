"""Objects that are right, and a way to say how one of them is changed to be wrong."""

import copy
from typing import Any

from tests.kube.manifests import cron_job, deployment, job, pod, service

from kiban.kube.objects import Manifest

Value = dict[str, Any]


def _of(api_version: str, kind: str, **fields: Any) -> Manifest:
    meta = {"name": "x", "namespace": "shop"}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, **fields}


def _cluster_wide(api_version: str, kind: str, **fields: Any) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, **fields}


_RBAC = "rbac.authorization.k8s.io"
_PODS = deployment()["spec"]
_BACKEND = {"service": {"name": "s", "port": {"number": 80}}}
_TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
_STORAGE = {"requests": {"storage": "1Gi"}}

_SPEC = {"type": "object", "properties": {"a": {"type": "string"}}}
_THINGS = {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"}

_POD_RULE: Value = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE"],
    "resources": ["pods"],
}

RIGHT: dict[str, Manifest] = {
    "definition": {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": _THINGS,
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {"type": "object", "properties": {"spec": _SPEC}}
                    },
                }
            ],
        },
    },
    "pod": pod(),
    "deployment": deployment(),
    "statefulset": _of("apps/v1", "StatefulSet", spec={**_PODS, "serviceName": "s"}),
    "daemonset": _of(
        "apps/v1", "DaemonSet", spec={k: v for k, v in _PODS.items() if k != "replicas"}
    ),
    "job": job(),
    "cronjob": cron_job("* * * * *"),
    "service": service({"port": 80}),
    "ingress": _of("networking.k8s.io/v1", "Ingress", spec={"defaultBackend": _BACKEND}),
    "networkpolicy": _of("networking.k8s.io/v1", "NetworkPolicy", spec={"podSelector": {}}),
    "hpa": _of(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        spec={"scaleTargetRef": _TARGET, "maxReplicas": 3},
    ),
    "pvc": _of(
        "v1",
        "PersistentVolumeClaim",
        spec={"accessModes": ["ReadWriteOnce"], "resources": _STORAGE},
    ),
    "pdb": _of("policy/v1", "PodDisruptionBudget", spec={"selector": {}}),
    "namespace": _cluster_wide("v1", "Namespace", spec={"finalizers": ["kubernetes"]}),
    "node": _cluster_wide("v1", "Node", spec={}),
    "configmap": _of("v1", "ConfigMap"),
    "secret": _of("v1", "Secret"),
    "role": _of(
        f"{_RBAC}/v1", "Role", rules=[{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]
    ),
    "clusterrole": _cluster_wide(
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
        aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]},
    ),
    "rolebinding": _of(
        f"{_RBAC}/v1", "RoleBinding", roleRef={"apiGroup": _RBAC, "kind": "Role", "name": "x"}
    ),
    "priorityclass": _cluster_wide("scheduling.k8s.io/v1", "PriorityClass", value=1),
    "storageclass": _cluster_wide("storage.k8s.io/v1", "StorageClass", provisioner="a.example"),
    "lease": _of("coordination.k8s.io/v1", "Lease", spec={}),
    "endpointslice": _of(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        addressType="IPv4",
        endpoints=[{"addresses": ["10.0.0.1"]}],
    ),
    "endpoints": _of("v1", "Endpoints"),
    "runtimeclass": _cluster_wide("node.k8s.io/v1", "RuntimeClass", handler="h"),
    "event": _of("v1", "Event", involvedObject={"namespace": "shop"}),
    "policy": _cluster_wide(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy",
        spec={
            "matchConstraints": {"resourceRules": [_POD_RULE]},
            "validations": [{"expression": "true"}],
        },
    ),
    "policybinding": _cluster_wide(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicyBinding",
        spec={"policyName": "p", "validationActions": ["Deny"]},
    ),
    "csidriver": _cluster_wide("storage.k8s.io/v1", "CSIDriver", spec={}),
    "volume": _cluster_wide(
        "v1",
        "PersistentVolume",
        spec={
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/x"},
        },
    ),
}


def altered(base: str, places: Value) -> Manifest:
    """The right object of that name with other values at those places; None takes one away."""
    manifest = copy.deepcopy(RIGHT[base])
    for place, value in places.items():
        *way, last = _parts(place)
        holder: Any = manifest
        for part in way:
            if isinstance(holder, dict):
                holder = holder.setdefault(part, {})
            else:
                holder = holder[int(part)]
        if value is None:
            holder.pop(last, None)
        else:
            holder[last] = value
    return manifest


def _parts(place: str) -> list[str]:
    return place.split(".")
