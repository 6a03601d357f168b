"""Objects as a platform has them, for loads: of a size and a shape that is usual."""

from typing import Any

Manifest = dict[str, Any]


def config_map(number: int, change: int) -> Manifest:
    """Twelve settings and a small file: 1 KB. `change` is in one of the values."""
    settings = {f"SETTING_{index}": f"value of setting {index}" for index in range(12)}
    lines = "".join(f"line {index}: on\n" for index in range(24))
    data = {**settings, "change": str(change), "application.properties": lines}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"settings-{number}", "labels": _labels(number)},
        "data": data,
    }


def deployment(number: int, change: int) -> Manifest:
    """A web service with probes, resources and twelve variables, as people write it: 1.6 KB."""
    labels = _labels(number)
    probe = {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 5}
    container = {
        "name": "app",
        "image": f"registry.example.com/shop/app:v{change}",
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": _environment(),
        "readinessProbe": probe,
        "livenessProbe": {**probe, "failureThreshold": 6},
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi"},
            "limits": {"memory": "256Mi"},
        },
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True},
        "volumeMounts": [{"name": "settings", "mountPath": "/etc/app"}],
    }
    pod_spec = {
        "serviceAccountName": "default",
        "terminationGracePeriodSeconds": 45,
        "securityContext": {"runAsNonRoot": True},
        "containers": [container],
        "volumes": [{"name": "settings", "configMap": {"name": f"settings-{number}"}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"app-{number}", "labels": labels},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": labels},
            "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec},
        },
    }


def small_pod(number: int) -> Manifest:
    """A pod as tests make them; with what the server adds it has 2.1 KB as JSON, as those had of
    which kube-apiserver's lists were measured."""
    resources = {"requests": {"cpu": "100m", "memory": "64Mi"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"pod-{number:05}", "labels": {"app": f"app-{number % 50}"}},
        "spec": {"containers": [{"name": "app", "image": "nginx:1.29", "resources": resources}]},
    }


def pod(number: int) -> Manifest:
    """A pod of such a service, of a replica set; running, it has 7.5 KB as JSON."""
    labels = {**_labels(number % 50), "pod-template-hash": f"{number % 50:08x}"}
    template = deployment(number % 50, 1)["spec"]["template"]["spec"]
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": f"app-{number % 50}",
        "uid": f"4e2b6bd7-0000-4000-8000-{number % 50:012x}",
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"app-{number % 50}-{number:05x}",
            "labels": labels,
            "ownerReferences": [owner],
        },
        "spec": {**template, "nodeName": f"node-{number % 100}"},
    }


def pod_status(number: int) -> Manifest:
    """What a kubelet says of a pod that runs."""
    at = "2026-11-20T08:00:00Z"
    types = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    address = f"10.64.{number // 250}.{number % 250 + 1}"
    state = {
        "name": "app",
        "image": "registry.example.com/shop/app:v1",
        "imageID": "registry.example.com/shop/app@sha256:" + f"{number:064x}",
        "containerID": "containerd://" + f"{number:064x}",
        "ready": True,
        "started": True,
        "restartCount": 0,
        "lastState": {},
        "state": {"running": {"startedAt": at}},
    }
    return {
        "phase": "Running",
        "hostIP": f"10.0.0.{number % 100 + 1}",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": at,
        "conditions": [
            {"type": type_, "status": "True", "lastTransitionTime": at} for type_ in types
        ],
        "containerStatuses": [state],
    }


def _labels(number: int) -> dict[str, str]:
    name = f"app-{number}"
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/managed-by": "kiban",
        "app.kubernetes.io/part-of": "shop",
    }


def _environment() -> list[Manifest]:
    address = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    return [address, *({"name": f"SETTING_{n}", "value": f"value of {n}"} for n in range(11))]
