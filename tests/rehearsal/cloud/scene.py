"""Small rehearsed clusters for the tests of the cloud."""

from typing import Any

from kiban.kube.objects import POD, Manifest, get_in
from kiban.rehearsal.cloud import Cloud, CloudSettings
from kiban.rehearsal.world import Settings, World

ZONES = ("ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d")


def deployment(name: str, replicas: int, cpu: str = "1", **more: Any) -> Manifest:
    requests = {"cpu": cpu, "memory": more.get("memory", "512Mi")}
    spec: dict[str, Any] = {
        "containers": [{"name": "a", "image": "x", "resources": {"requests": requests}}],
        **more.get("spec", {}),
    }
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": more.get("annotations", {})},
                "spec": spec,
            },
        },
    }


def budget(name: str, **spec: Any) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"app": name}}, **spec},
    }


def world(
    settings: CloudSettings, *manifests: Manifest, seed: int = 1, **more: Any
) -> tuple[World, Cloud]:
    cloud = Cloud(settings, **more)
    found = World(manifests, Settings(warm_up_seconds=300), seed=seed, cloud=cloud)
    found.run_for(0)
    return found, cloud


def pods(world: World, name: str = "") -> list[Manifest]:
    return [
        pod
        for pod in world.cluster.store.list(POD, "shop")
        if pod["metadata"]["name"].startswith(name)
    ]


def ready(world: World, name: str = "") -> int:
    return sum(
        condition["type"] == "Ready" and condition["status"] == "True"
        for pod in pods(world, name)
        for condition in get_in(pod, "status", "conditions", default=[])
    )


def times(world: World, what: str, **fields: Any) -> list[float]:
    """When such records were noted."""
    return [
        record["t"]
        for record in world.observations.of(what)
        if all(record.get(name) == value for name, value in fields.items())
    ]
