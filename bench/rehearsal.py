"""A day of a platform on the virtual clock, in seconds of one core.

100 services of about 10 pods on 100 nodes, an autoscaler on each, a daily curve of load, one deploy
per service, one zone lost in the afternoon. Prints one JSON line; with `--services 1000
--nodes 1000 --pods 20` a larger platform, with `--profile FILE` where the time went.
"""

import argparse
import cProfile
import json
import math
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kiban.cluster.controllers.horizontal_pod_autoscaler import Sample
from kiban.cluster.nodes import NodeGroup
from kiban.kube.objects import DEPLOYMENT, Key, Manifest
from kiban.primitives.instants import Instant, seconds_between
from kiban.rehearsal import Settings, World
from kiban.rehearsal.fleet import Fleet
from kiban.rehearsal.ports import Figures, Usage

DAY_SECONDS = 86_400.0
ZONES = ("ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d")
NAMESPACE = "bench"
PROMISE_SECONDS = 10.0
TARGET_UTILIZATION = 60
REQUEST_CPU_M = 250


def manifests(services: int, pods: int) -> list[Manifest]:
    """A platform as Kiban compiles it, without what no controller reads."""
    found: list[Manifest] = []
    for index in range(services):
        name = f"service-{index:04}"
        found += [_deployment(name), _service(name), _autoscaler(name, pods), _budget(name)]
    return found


def _meta(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/name": name}}


def _deployment(name: str) -> Manifest:
    labels = {"app.kubernetes.io/name": name}
    spread = [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": labels},
            "matchLabelKeys": ["pod-template-hash"],
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
    container = {
        "name": "app",
        "image": f"registry.example/{name}:v1",
        "ports": [{"containerPort": 8080}],
        "resources": {
            "requests": {"cpu": f"{REQUEST_CPU_M}m", "memory": "256Mi"},
            "limits": {"memory": "256Mi"},
        },
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 5},
        "lifecycle": {"preStop": {"sleep": {"seconds": 15}}},
    }
    template = {
        "metadata": {"labels": labels},
        "spec": {
            "terminationGracePeriodSeconds": 35,
            "containers": [container],
            "topologySpreadConstraints": spread,
        },
    }
    rolling = {"maxUnavailable": 0, "maxSurge": "25%"}
    spec = {
        "selector": {"matchLabels": labels},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
        "template": template,
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _meta(name), "spec": spec}


def _service(name: str) -> Manifest:
    spec = {"selector": {"app.kubernetes.io/name": name}, "ports": [{"port": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _meta(name), "spec": spec}


def _autoscaler(name: str, pods: int) -> Manifest:
    target = {"type": "Utilization", "averageUtilization": TARGET_UTILIZATION}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": max(2, pods // 2),
        "maxReplicas": pods * 4,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        "behavior": {"scaleDown": {"policies": [_slowly()]}},
    }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": _meta(name),
        "spec": spec,
    }


def _slowly() -> dict[str, Any]:
    return {"type": "Percent", "value": 25, "periodSeconds": 60}


def _budget(name: str) -> Manifest:
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": {"app.kubernetes.io/name": name}}}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _meta(name),
        "spec": spec,
    }


@dataclass
class Curve:
    """The least traffic there can be: a daily curve of millicores for each service, with noise."""

    services: int
    peak_pods: float
    chance: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))
    wanted: Figures = field(default_factory=lambda: np.zeros(0))
    served: Figures = field(default_factory=lambda: np.zeros(0))
    _phases: Figures = field(init=False)

    def __post_init__(self) -> None:
        self._phases = np.linspace(0.0, 0.15, self.services)
        self.wanted = np.zeros(self.services)

    def tick(self, since: Instant, until: Instant, fleet: Fleet) -> "Curve":
        day = seconds_between(Instant(0), until) / DAY_SECONDS
        wave = 0.6 - 0.4 * np.cos(2 * math.pi * (day + self._phases))
        noise = 1 + 0.03 * self.chance.standard_normal(self.services)
        share = REQUEST_CPU_M * TARGET_UTILIZATION / 100
        self.wanted = wave * noise * self.peak_pods * share
        span = fleet.mean_over(until)
        self.served = np.minimum(self.wanted, np.maximum(span.serving, 0.1) * REQUEST_CPU_M * 1.6)
        self._serving = np.maximum(span.serving, 1.0)
        return self

    def vectors(self) -> Mapping[str, Figures]:
        return {"cpu": self.served}

    def usage(self) -> Usage:
        each = np.floor(self.served / self._serving).astype(np.int64)
        idle = np.full(self.services, 20, dtype=np.int64)
        memory = np.full(self.services, 128 * 1024**2, dtype=np.int64)
        return Usage(each, idle, memory, memory)

    def custom(self, metric: str, pods: Sequence[Manifest], now: Instant) -> Mapping[str, Sample]:
        return {}

    def external(
        self, namespace: str, metric: str, selector: Mapping[str, Any] | None, now: Instant
    ) -> Sequence[int]:
        return ()


def rehearsed(services: int, pods: int, nodes: int, hours: float) -> World:
    """The whole day."""
    group = NodeGroup("base", "m5.xlarge", ZONES, count=nodes)
    settings = Settings(nodes=(group,))
    traffic = Curve(services, pods * 1.2)
    world = World(manifests(services, pods), settings, seed=1, traffic=traffic)
    length = hours * 3600
    for index, service in enumerate(world.fleet.services):
        at = length * (0.1 + 0.5 * index / services)
        world.after(at, _deploy(world, service))
    lost = [node for node in sorted(world.machines.machines)]
    lost = [name for name in lost if world.machines.machines[name].zone == ZONES[1]]
    world.after(length * 0.7, lambda now: _lose(world, lost, now))
    world.after(length * 0.7 + 1200, lambda now: _find(world, lost, now))
    world.run_for(length)
    return world


def _deploy(world: World, service: str) -> Any:
    key = Key(*DEPLOYMENT, NAMESPACE, service)

    def act(now: Instant) -> None:
        live = world.api.get(key)
        assert live is not None, "nobody deletes deployments"
        container = live["spec"]["template"]["spec"]["containers"][0]
        changed = {**container, "image": f"registry.example/{service}:v2"}
        world.api.patch(key, {"spec": {"template": {"spec": {"containers": [changed]}}}}, now)

    return act


def _lose(world: World, nodes: Sequence[str], now: Instant) -> None:
    for name in nodes:
        world.machines.stop(name, now)


def _find(world: World, nodes: Sequence[str], now: Instant) -> None:
    for name in nodes:
        world.machines.start(name, now)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=100)
    parser.add_argument("--pods", type=int, default=10, help="of each service, about")
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--profile", default="", metavar="FILE")
    options = parser.parse_args()
    profile = cProfile.Profile(time.process_time) if options.profile else None
    start, cpu = time.perf_counter(), time.process_time()
    if profile is not None:
        profile.enable()
    world = rehearsed(options.services, options.pods, options.nodes, options.hours)
    if profile is not None:
        profile.disable()
        profile.dump_stats(options.profile)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - start
    started = sum(1 for _ in world.observations.of("pod.started"))
    print(
        json.dumps(
            {
                "measurement": "rehearsal",
                "hours": options.hours,
                "services": options.services,
                "nodes": options.nodes,
                "pods": len(world.fleet),
                "pods_started": started,
                "writes": world.cluster.store.revision,
                "cpu_seconds": round(cpu, 2),
                "wall_seconds": round(wall, 2),
                "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                "digest": world.observations.digest()[:16],
                "promise": f"{PROMISE_SECONDS:g} s for 24 h of 100 services on one core",
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
