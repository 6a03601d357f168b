"""The programs that stand in, on a laptop, for the resources that somebody else runs in the cloud.

One Deployment with its Service and claim for each resource in use.
"""

from collections.abc import Iterator
from typing import Any

from kiban.compiler.bundle import SERVICE_LABEL
from kiban.compiler.companions import container_security
from kiban.compiler.target import NAME_LABEL, Target, Used
from kiban.kube.objects import Manifest

_POSTGRES = ("kiban.local/postgres", 5432, "/var/lib/postgresql/data")
_REDIS = ("kiban.local/redis", 6379, "/data")
_AWS = ("kiban.local/aws", 5000, "/data")
# Image, port and data directory by type. What is not here has no local stand-in.
PROVIDERS = {
    "postgres": _POSTGRES,
    "redis": _REDIS,
    "queue": _AWS,
    "topic": _AWS,
    "bucket": _AWS,
}


def write(target: Target, used: Used, users: list[str]) -> Iterator[Manifest]:
    """The manifests of one resource that these services use."""
    if used.type not in PROVIDERS:
        return
    name = used.name
    port = PROVIDERS[used.type][1]
    ports = [{"name": "main", "port": port, "targetPort": port, "protocol": "TCP"}]
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": target.resource(used).size}},
    }
    service = {"type": "ClusterIP", "selector": {NAME_LABEL: name}, "ports": ports}
    policy = _policy(name, users)
    for api_version, kind, full_name, body in (
        ("v1", "ServiceAccount", name, {"automountServiceAccountToken": False}),
        ("v1", "PersistentVolumeClaim", f"{name}-data", {"spec": claim}),
        ("apps/v1", "Deployment", name, {"spec": _deployment(target, used)}),
        ("v1", "Service", name, {"spec": service}),
        ("networking.k8s.io/v1", "NetworkPolicy", name, {"spec": policy}),
    ):
        yield target.manifest(api_version, kind, full_name, service=name, **body)


def _policy(name: str, users: list[str]) -> dict[str, Any]:
    """Only those who use the resource may reach it."""
    expression = {"key": SERVICE_LABEL, "operator": "In", "values": sorted(users)}
    return {
        "podSelector": {"matchLabels": {NAME_LABEL: name}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": {"matchExpressions": [expression]}}]}],
    }


def _deployment(target: Target, used: Used) -> dict[str, Any]:
    metadata = {"labels": target.labels(used.name)}
    return {
        "replicas": 1,
        "selector": {"matchLabels": {NAME_LABEL: used.name}},
        # Two programs on one data directory would destroy it.
        "strategy": {"type": "Recreate"},
        "template": {"metadata": metadata, "spec": _pod(used)},
    }


def _pod(used: Used) -> dict[str, Any]:
    image, port, data = PROVIDERS[used.type]
    probe = {"tcpSocket": {"port": port}, "periodSeconds": 1, "timeoutSeconds": 2}
    container = {
        "name": "app",
        "image": image,
        "args": ["--data", data, "--port", str(port)],
        "ports": [{"name": "main", "containerPort": port, "protocol": "TCP"}],
        "env": _variables(used),
        "resources": {
            "requests": {"cpu": "50m", "memory": "64Mi"},
            "limits": {"memory": "512Mi"},
        },
        "startupProbe": {**probe, "failureThreshold": 120},
        "readinessProbe": {**probe, "failureThreshold": 3},
        "securityContext": container_security(),
        "volumeMounts": [
            {"name": "data", "mountPath": data},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
    }
    return {
        "serviceAccountName": used.name,
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationGracePeriodSeconds": 30,
        "containers": [container],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": f"{used.name}-data"}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }


def _variables(used: Used) -> list[dict[str, Any]]:
    if used.type == "postgres":
        keys = {
            "POSTGRES_USER": "username",
            "POSTGRES_DB": "database",
            "POSTGRES_PASSWORD": "password",
        }
        return [
            {"name": name, "valueFrom": {"secretKeyRef": {"name": used.name, "key": key}}}
            for name, key in keys.items()
        ]
    if used.type == "redis":
        return []
    return [
        {"name": "RESOURCE_TYPE", "value": used.type},
        {"name": "RESOURCE_NAME", "value": used.name},
    ]
