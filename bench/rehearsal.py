"""A day of a platform on the virtual clock, in seconds of one core.

100 services of about 10 pods on 100 nodes, an autoscaler on each and one for the nodes, modelled
traffic that follows the day through chains of calls, one deploy per service, one zone lost in the
afternoon. Prints one JSON line; `loop_seconds` is the time of a fixed loop, by which runs on busy
machines can be compared. `--services 1000 --nodes 1000 --pods 20` is a larger platform; what a
write and a pod cost says how cost grows. `--fixed` has as many nodes all day. `--profile FILE`
tells where the time went.
"""

import argparse
import cProfile
import gc
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from kiban.kube.objects import DEPLOYMENT, Key, Manifest
from kiban.primitives.chance import Chance
from kiban.primitives.instants import Instant
from kiban.rehearsal import World
from kiban.rehearsal.cloud import Cloud, CloudSettings, GroupSettings
from kiban.rehearsal.cloud.settings import Autoscaler
from kiban.rehearsal.traffic import (
    CallModel,
    Load,
    LoadPlan,
    Models,
    ServiceTraits,
    TrafficModel,
)
from kiban.rehearsal.traffic.shapes import Daily
from kiban.rehearsal.world import START

ZONES = ("ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d")
NAMESPACE = "bench"
PROMISE_SECONDS = 10.0
GC_THRESHOLD = (50_000, 20, 50)
TARGET_UTILIZATION = 60
# Fifteen pods fill a machine: at the day's peak most machines are needed, and there is room.
REQUEST_CPU_M = 250
CPU_SECONDS_A_REQUEST = 0.01
# Each service of a chain calls the next one once.
CHAIN = 4
# When a zone is lost, as a share of the time, and for how long.
LOST_AT, LOST_SECONDS = 0.7, 1200.0


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


def models(names: Sequence[str], pods: int) -> Models:
    """Programs that need `pods` instances at the day's peak."""
    each = REQUEST_CPU_M / 1000 * TARGET_UTILIZATION / 100 / CPU_SECONDS_A_REQUEST
    found = {}
    for index, name in enumerate(names):
        is_last = index % CHAIN == CHAIN - 1 or index + 1 == len(names)
        found[name] = ServiceTraits(
            name,
            peak=each * pods if index % CHAIN == 0 else 0.0,
            cpu=CPU_SECONDS_A_REQUEST,
            calls=() if is_last else (CallModel(names[index + 1]),),
        )
    return Models(found)


def group(nodes: int) -> GroupSettings:
    """Machines in three zones, of which the Cluster Autoscaler takes as many as are needed."""
    return GroupSettings(
        "base", "m5.xlarge", ZONES, min=len(ZONES), max=nodes + nodes // 5, desired=nodes
    )


def rehearsed(services: int, pods: int, nodes: int, hours: float, *, fixed: bool = False) -> World:
    """The day, or as many hours of it."""
    autoscaler: Autoscaler = "none" if fixed else "cluster-autoscaler"
    cloud = Cloud(CloudSettings(groups=(group(nodes),), autoscaler=autoscaler))
    names = [f"service-{index:04}" for index in range(services)]
    known = models(names, round(pods * 1.2))
    load = Load(known, names, LoadPlan(Daily(0.0, 0.3)), Chance("1/traffic"))
    traffic = TrafficModel(known, names, load, START)
    world = World(manifests(services, pods), seed=1, traffic=traffic, cloud=cloud)
    length = hours * 3600
    for index, service in enumerate(world.fleet.services):
        at = length * (0.1 + 0.5 * index / services)
        world.after(at, _deploy(world, service))
    world.after(length * LOST_AT, lambda now: cloud.lose_zone(ZONES[1], now))
    world.after(length * LOST_AT + LOST_SECONDS, lambda now: cloud.restore_zone(ZONES[1], now))
    world.run_for(length)
    return world


def _deploy(world: World, service: str) -> Callable[[Instant], None]:
    key = Key(*DEPLOYMENT, NAMESPACE, service)

    def act(now: Instant) -> None:
        live = world.api.get(key)
        assert live is not None, "nobody deletes deployments"
        container = live["spec"]["template"]["spec"]["containers"][0]
        changed = {**container, "image": f"registry.example/{service}:v2"}
        world.api.patch(key, {"spec": {"template": {"spec": {"containers": [changed]}}}}, now)

    return act


def loop_seconds() -> float:
    """Processor time of a fixed loop, by which runs on busy machines can be compared."""
    start = time.process_time()
    table: dict[int, int] = {}
    for index in range(2_000_000):
        table[index & 1023] = index
        table.get(index & 511)
    return time.process_time() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=100)
    parser.add_argument("--pods", type=int, default=10, help="of each service, about")
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--fixed", action="store_true", help="no nodes come and go")
    parser.add_argument("--profile", default="", metavar="FILE")
    options = parser.parse_args()
    profile = cProfile.Profile(time.process_time) if options.profile else None
    # A run makes few cycles and keeps most of what it makes.
    gc.set_threshold(*GC_THRESHOLD)
    speed = loop_seconds()
    start, cpu = time.perf_counter(), time.process_time()
    if profile is not None:
        profile.enable()
    sizes = options.services, options.pods, options.nodes, options.hours
    world = rehearsed(*sizes, fixed=options.fixed)
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
                "node_autoscaling": not options.fixed,
                "pods": len(world.fleet),
                "pods_started": started,
                "writes": world.cluster.store.revision,
                "cpu_seconds": round(cpu, 2),
                "wall_seconds": round(wall, 2),
                "loop_seconds": round((speed + loop_seconds()) / 2, 3),
                "cpu_ms_a_pod_started": round(cpu * 1000 / max(started, 1), 2),
                "cpu_us_a_write": round(cpu * 1e6 / max(world.cluster.store.revision, 1)),
                "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                "digest": world.observations.digest()[:16],
                "promise": f"{PROMISE_SECONDS:g} s for 24 h of 100 services on one core",
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
