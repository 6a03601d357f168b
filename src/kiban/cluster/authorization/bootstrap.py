"""The roles every cluster has: administrators, editors, viewers, and what everybody may read.

Source: kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go, in short: the
user-facing roles are written out for the kinds that are served here.
"""

from collections.abc import Sequence
from typing import Any

from kiban.cluster.authorization.roles import RBAC
from kiban.kube.objects import Manifest

_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]
_CORE = [
    "configmaps", "endpoints", "events", "persistentvolumeclaims", "pods", "pods/log",
    "pods/status", "replicationcontrollers", "resourcequotas", "limitranges", "serviceaccounts",
    "services",
]  # fmt: skip
_GROUPS: dict[str, list[str]] = {
    "apps": [
        "daemonsets", "deployments", "deployments/scale", "replicasets", "replicasets/scale",
        "statefulsets", "statefulsets/scale",
    ],
    "autoscaling": ["horizontalpodautoscalers"],
    "batch": ["cronjobs", "jobs"],
    "discovery.k8s.io": ["endpointslices"],
    "networking.k8s.io": ["ingresses", "networkpolicies"],
    "policy": ["poddisruptionbudgets"],
}  # fmt: skip
_PUBLIC = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
_DISCOVERY = ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", *_PUBLIC]
_REVIEWS = ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]

Rule = dict[str, Any]


def bootstrap_roles() -> Sequence[Manifest]:
    """Cluster roles, and the bindings of those that everybody has."""
    everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    every_path = {"nonResourceURLs": ["*"], "verbs": ["*"]}
    return [
        _role("cluster-admin", [everything, every_path]),
        _role("view", _rules(_READ)),
        _role("edit", [*_rules([*_READ, *_WRITE]), *_acts()]),
        _role("admin", [*_rules([*_READ, *_WRITE]), *_acts(), _own_roles()]),
        _role("system:basic-user", _self_reviews()),
        _role("system:discovery", [{"nonResourceURLs": _DISCOVERY, "verbs": ["get"]}]),
        _role("system:public-info-viewer", [{"nonResourceURLs": _PUBLIC, "verbs": ["get"]}]),
        _binding("cluster-admin", "system:masters"),
        _binding("system:basic-user", "system:authenticated"),
        _binding("system:discovery", "system:authenticated"),
        _binding("system:public-info-viewer", "system:authenticated", "system:unauthenticated"),
    ]


def _rules(verbs: list[str]) -> list[Rule]:
    core = {"apiGroups": [""], "resources": _CORE, "verbs": verbs}
    namespaces = {"apiGroups": [""], "resources": ["namespaces"], "verbs": _READ}
    others = [
        {"apiGroups": [group], "resources": resources, "verbs": verbs}
        for group, resources in _GROUPS.items()
    ]
    return [core, namespaces, *others]


def _acts() -> list[Rule]:
    streams = ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "services/proxy"]
    return [
        {"apiGroups": [""], "resources": streams, "verbs": ["get", "create"]},
        {"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": [*_READ, *_WRITE]},
    ]


def _own_roles() -> Rule:
    return {"apiGroups": [RBAC], "resources": ["rolebindings", "roles"], "verbs": [*_READ, *_WRITE]}


def _self_reviews() -> list[Rule]:
    return [
        {"apiGroups": ["authorization.k8s.io"], "resources": _REVIEWS, "verbs": ["create"]},
        {
            "apiGroups": ["authentication.k8s.io"],
            "resources": ["selfsubjectreviews"],
            "verbs": ["create"],
        },
    ]


_LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}


def _role(name: str, rules: list[Rule]) -> Manifest:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": _LABELS},
        "rules": rules,
    }


def _binding(role: str, *groups: str) -> Manifest:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": role, "labels": _LABELS},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "Group", "apiGroup": RBAC, "name": group} for group in groups],
    }
