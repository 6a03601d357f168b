"""A small platform as plain manifests, for worlds in tests."""

from typing import Any

from kiban.cluster.nodes import NodeGroup
from kiban.kube.objects import DEPLOYMENT, Key, Manifest
from kiban.primitives.chance import Chance
from kiban.rehearsal import ServiceModel, Settings, World
from kiban.rehearsal.traffic import Load, LoadPlan, Models, ServiceTraits, TrafficModel
from kiban.rehearsal.traffic.shapes import Daily
from kiban.rehearsal.world import START

ZONES = ("a", "b", "c")
SHOP = "shop"


def metadata(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": SHOP, "labels": {"app": name}}


def deployment(name: str, replicas: int = 3, drain: int = 15, **container: Any) -> Manifest:
    """A Deployment with a readiness probe every 5 s, which drains before it ends."""
    labels = {"app": name}
    program = {
        "name": "app",
        "image": f"registry.example/{name}:v1",
        "ports": [{"containerPort": 8080}],
        "resources": {"requests": {"cpu": "250m", "memory": "128Mi"}},
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 5},
        **({"lifecycle": {"preStop": {"sleep": {"seconds": drain}}}} if drain else {}),
        **container,
    }
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {
            "metadata": {"labels": labels},
            "spec": {
                "terminationGracePeriodSeconds": 35,
                "automountServiceAccountToken": False,
                "containers": [program],
            },
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(name),
        "spec": spec,
    }


def service(name: str) -> Manifest:
    spec = {"selector": {"app": name}, "ports": [{"port": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata(name), "spec": spec}


def autoscaler(name: str, least: int, most: int) -> Manifest:
    target = {"type": "Utilization", "averageUtilization": 60}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
    }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(name),
        "spec": spec,
    }


def platform(*names: str) -> list[Manifest]:
    found: list[Manifest] = []
    for name in names:
        found += [deployment(name), service(name), autoscaler(name, 2, 12)]
    return found


def key(name: str) -> Key:
    return Key(*DEPLOYMENT, SHOP, name)


def world_of(manifests: list[Manifest], seed: int = 1, nodes: int = 6, **settings: Any) -> World:
    """A world with traffic of 60 requests a second to every service, by the curve of a day."""
    group = NodeGroup("base", "m5.xlarge", ZONES, count=nodes)
    names = sorted({m["metadata"]["name"] for m in manifests if m["kind"] == "Deployment"})
    models = Models({name: ServiceTraits(name, peak=60.0, cpu=0.01) for name in names})
    load = Load(models, names, LoadPlan(Daily(0.0, 0.2)), Chance(f"{seed}/traffic"))
    usual = {"nodes": (group,), "default_service": ServiceModel(start=6.0)}
    traffic = TrafficModel(models, names, load, START)
    return World(manifests, Settings(**(usual | settings)), seed, traffic=traffic)


def upgrade(world: World, name: str, image: str) -> Any:
    """An act that rolls out another image."""

    def act(now: Any) -> None:
        live = world.api.get(key(name))
        assert live is not None, "nobody deletes deployments"
        container = {**live["spec"]["template"]["spec"]["containers"][0], "image": image}
        patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
        world.api.patch(key(name), patch, now)

    return act
