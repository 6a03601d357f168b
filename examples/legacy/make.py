"""Writes the manifests of a game platform as a team has copied them by hand for three years: one
directory for each environment, seventeen services in each, and the accidents of real life.

    python examples/legacy/make.py [OUT]

The files beside this script are what it writes; `tests/examples` holds it to that.
"""

import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]
REGISTRY = "registry.example.com/arcade"
ENVIRONMENTS = ("dev", "stg", "prod")
DOMAIN = "arcade.example.com"
HOSTS = {"dev": f"dev.{DOMAIN}", "stg": f"stg.{DOMAIN}", "prod": DOMAIN}
LEVELS = {"dev": "debug", "stg": "info", "prod": "info"}

# name: port, path, CPU, memory, instances in prod, autoscaled to
WEB: dict[str, tuple[int, str, str, str, int, int]] = {
    "account": (8080, "/account", "200m", "256Mi", 3, 12),
    "auth": (8080, "/auth", "250m", "256Mi", 4, 16),
    "catalog": (8080, "/catalog", "200m", "512Mi", 3, 9),
    "contents": (8080, "/contents", "100m", "256Mi", 3, 0),
    "gateway": (8000, "/", "500m", "512Mi", 6, 30),
    "inventory": (8080, "/inventory", "200m", "256Mi", 3, 9),
    "matchmaker": (8080, "/match", "500m", "512Mi", 3, 12),
    "payments": (8443, "/payments", "250m", "512Mi", 3, 6),
    "points": (8080, "/points", "200m", "256Mi", 3, 12),
    "ranking": (8080, "/ranking", "300m", "512Mi", 3, 9),
    "stamp": (8080, "/stamp", "200m", "256Mi", 4, 20),
}
# name: CPU, memory, instances in prod
WORKERS: dict[str, tuple[str, str, int]] = {
    "mailer": ("100m", "128Mi", 2),
    "notify": ("200m", "256Mi", 3),
    "replayer": ("500m", "1Gi", 2),
}
# name: schedule, program
JOBS: dict[str, tuple[str, list[str]]] = {
    "cleanup": ("30 3 * * *", ["python", "-m", "cleanup"]),
    "report": ("0 6 * * 1", ["python", "-m", "report", "--weekly"]),
    "season": ("0 15 1 * *", ["python", "-m", "season", "--close"]),
}
TAGS = {"dev": "main-4c1f7d2", "stg": "v41", "prod": "v40"}


def metadata(name: str, environment: str, app: str) -> Object:
    return {
        "name": name,
        "namespace": f"arcade-{environment}",
        "labels": {"app": app, "env": environment, "managed-by": "ops"},
    }


def container(name: str, environment: str, cpu: str, memory: str) -> Object:
    return {
        "name": name,
        "image": f"{REGISTRY}/{name}:{TAGS[environment]}",
        "imagePullPolicy": "IfNotPresent",
        "env": [
            {"name": "APP_ENV", "value": environment},
            {"name": "LOG_LEVEL", "value": LEVELS[environment]},
            {"name": "TZ", "value": "Asia/Tokyo"},
            {
                "name": "DATABASE_URL",
                "valueFrom": {"secretKeyRef": {"name": f"{name}-db", "key": "url"}},
            },
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        ],
        "envFrom": [{"configMapRef": {"name": "arcade-common"}}],
        "resources": {
            "requests": {"cpu": cpu, "memory": memory},
            "limits": {"memory": memory},
        },
    }


def pod(name: str, environment: str, main: Object) -> Object:
    return {
        "metadata": {
            "labels": {"app": name, "env": environment},
            "annotations": {"prometheus.io/scrape": "true"},
        },
        "spec": {
            "serviceAccountName": "arcade",
            "imagePullSecrets": [{"name": "registry"}],
            "containers": [main],
        },
    }


def deployment(name: str, environment: str, replicas: int, main: Object) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(name, environment, name),
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
            },
            "template": pod(name, environment, main),
        },
    }


def web(name: str, environment: str) -> list[Object]:
    port, path, cpu, memory, instances, most = WEB[name]
    least = {"dev": 1, "stg": 2, "prod": instances}[environment]
    main = container(name, environment, cpu if environment == "prod" else "100m", memory)
    main["ports"] = [{"name": "http", "containerPort": port}]
    probe = {"httpGet": {"path": "/healthz", "port": "http"}}
    main["readinessProbe"] = {**probe, "periodSeconds": 5, "timeoutSeconds": 2}
    main["livenessProbe"] = {**deepcopy(probe), "initialDelaySeconds": 30, "periodSeconds": 20}
    main["lifecycle"] = {"preStop": {"exec": {"command": ["sleep", "10"]}}}
    objects = [deployment(name, environment, least, main), service(name, environment, port)]
    if most and environment != "dev":
        objects.append(autoscaler(name, environment, least, most if environment == "prod" else 4))
    if environment == "prod":
        objects.append(budget(name, environment))
    objects.append(ingress(name, environment, path))
    return objects


def service(name: str, environment: str, port: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(name, environment, name),
        "spec": {
            "type": "ClusterIP",
            "selector": {"app": name},
            "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def autoscaler(name: str, environment: str, least: int, most: int) -> Object:
    target = {"type": "Utilization", "averageUtilization": 60}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(name, environment, name),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": least,
            "maxReplicas": most,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }


def budget(name: str, environment: str) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(name, environment, name),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": name}}},
    }


def ingress(name: str, environment: str, path: str) -> Object:
    backend = {"service": {"name": name, "port": {"name": "http"}}}
    made = metadata(name, environment, name)
    made["annotations"] = {"nginx.ingress.kubernetes.io/proxy-read-timeout": "30"}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": made,
        "spec": {
            "ingressClassName": "nginx",
            "tls": [{"hosts": [HOSTS[environment]], "secretName": "arcade-tls"}],
            "rules": [
                {
                    "host": HOSTS[environment],
                    "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]},
                }
            ],
        },
    }


def worker(name: str, environment: str) -> list[Object]:
    cpu, memory, instances = WORKERS[name]
    main = container(name, environment, cpu, memory)
    main["args"] = ["--queue", f"arcade-{environment}-{name}"]
    made = deployment(name, environment, instances if environment == "prod" else 1, main)
    made["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 60
    return [made]


def job(name: str, environment: str) -> list[Object]:
    schedule, command = JOBS[name]
    main = container(name, environment, "100m", "256Mi")
    main["command"] = command
    template = pod(name, environment, main)
    template["spec"]["restartPolicy"] = "Never"
    run = {"backoffLimit": 1, "template": template}
    spec = {
        "schedule": schedule,
        "concurrencyPolicy": "Forbid",
        "successfulJobsHistoryLimit": 1,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {"spec": run},
    }
    made = metadata(name, environment, name)
    return [{"apiVersion": "batch/v1", "kind": "CronJob", "metadata": made, "spec": spec}]


def shared(environment: str) -> list[Object]:
    """What belongs to nobody in particular: settings, an account, a cache, an agent, a monitor."""
    host = f"cache.arcade-{environment}.svc.cluster.local"
    settings = {"CACHE_HOST": host, "CACHE_PORT": "6379", "FEATURE_SEASONS": "true"}
    cache = {
        "name": "redis",
        "image": "redis:7.2.4",
        "args": ["--maxmemory", "512mb"],
        "ports": [{"containerPort": 6379}],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    claim = {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "20Gi" if environment == "prod" else "5Gi"}},
        },
    }
    agent = {
        "name": "agent",
        "image": "fluent/fluent-bit:3.0.2",
        "volumeMounts": [{"name": "logs", "mountPath": "/var/log", "readOnly": True}],
    }
    logs = {"name": "logs", "hostPath": {"path": "/var/log"}}
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata("arcade-common", environment, "arcade"),
            "data": settings,
        },
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata("arcade", environment, "arcade"),
        },
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": metadata("cache", environment, "cache"),
            "spec": {
                "serviceName": "cache",
                "replicas": 1,
                "selector": {"matchLabels": {"app": "cache"}},
                "template": {
                    "metadata": {"labels": {"app": "cache"}},
                    "spec": {"containers": [cache]},
                },
                "volumeClaimTemplates": [claim],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata("cache", environment, "cache"),
            "spec": {"clusterIP": "None", "selector": {"app": "cache"}, "ports": [{"port": 6379}]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": metadata("log-agent", environment, "log-agent"),
            "spec": {
                "selector": {"matchLabels": {"app": "log-agent"}},
                "template": {
                    "metadata": {"labels": {"app": "log-agent"}},
                    "spec": {"containers": [agent], "volumes": [logs]},
                },
            },
        },
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "ServiceMonitor",
            "metadata": metadata("arcade", environment, "arcade"),
            "spec": {
                "selector": {"matchLabels": {"managed-by": "ops"}},
                "endpoints": [{"port": "http", "interval": "30s"}],
            },
        },
    ]


def everything(environment: str) -> dict[str, list[Object]]:
    """The files of an environment as they were meant to be, by name."""
    files = {name: web(name, environment) for name in WEB}
    files |= {name: worker(name, environment) for name in WORKERS}
    files |= {name: job(name, environment) for name in JOBS}
    return {**files, "shared": shared(environment)}


class Hand:
    """Finds what somebody once changed in one copy and forgot in the others."""

    def __init__(self, files: dict[str, list[Object]]) -> None:
        self.files = files

    def find(self, name: str, kind: str) -> Object:
        return next(one for one in self.files[name] if one["kind"] == kind)

    def spec(self, name: str) -> Object:
        """The pod of a service."""
        spec: Object = self.find(name, "Deployment")["spec"]["template"]["spec"]
        return spec

    def main(self, name: str) -> Object:
        found: Object = self.spec(name)["containers"][0]
        return found

    def variables(self, name: str) -> list[Object]:
        found: list[Object] = self.main(name)["env"]
        return found


def accidents(environment: str, hand: Hand) -> None:
    """Three years of hurry."""
    if environment == "dev":
        # Tried out one afternoon.
        hand.main("stamp")["imagePullPolicy"] = "Always"
        hand.main("ranking")["image"] = "registry.dev.example.com/sandbox/ranking:try-7"
        hand.variables("matchmaker").append({"name": "MATCH_DEBUG", "value": "1"})
        hand.files.pop("season")
        # Spelled differently, meaning the same.
        hand.main("catalog")["resources"]["requests"] = {"cpu": 0.1, "memory": "0.5Gi"}
        hand.variables("points").reverse()
    if environment == "stg":
        hand.main("contents")["readinessProbe"]["timeoutSeconds"] = 1
        hand.main("points")["readinessProbe"]["httpGet"]["path"] = "/health"
        template = hand.find("inventory", "Deployment")["spec"]["template"]
        template["metadata"]["labels"]["teir"] = "api"
        hand.variables("payments")[:] = [
            one for one in hand.variables("payments") if one["name"] != "TZ"
        ]
        # Left behind after a search for a leak.
        hand.spec("replayer")["containers"].append(
            {"name": "shell", "image": "busybox:1.36", "command": ["sleep", "infinity"]}
        )
    if environment == "prod":
        hand.main("auth")["resources"]["limits"]["cpu"] = "500m"
        hand.main("gateway")["lifecycle"]["preStop"]["exec"]["command"] = ["sleep", "20"]
        hand.spec("gateway")["terminationGracePeriodSeconds"] = 60
        hand.find("payments", "PodDisruptionBudget")["spec"] = {
            "minAvailable": 3,
            "selector": {"matchLabels": {"app": "payments"}},
        }
        hand.find("matchmaker", "Ingress")["metadata"]["annotations"] = {
            "nginx.ingress.kubernetes.io/proxy-read-timeout": "300",
            "nginx.ingress.kubernetes.io/affinity": "cookie",
        }
        hand.find("ranking", "Service")["metadata"]["labels"]["app"] = "rankings"
        hand.spec("account")["initContainers"] = [
            {
                "name": "migrate",
                "image": f"{REGISTRY}/account:{TAGS['prod']}",
                "command": ["python", "-m", "account.migrate"],
                "env": [deepcopy(hand.variables("account")[3])],
            }
        ]
        hand.find("cleanup", "CronJob")["spec"]["suspend"] = True


HEADERS = {
    "gateway": "# The front door. Do not scale below 4 in prod (see the incident of last May).\n",
    "payments": "# Ask the payments team before you touch this.\n",
}


def files_of(environment: str) -> Iterator[tuple[str, str]]:
    """Path and text of every file."""
    found = everything(environment)
    accidents(environment, Hand(found))
    for name, objects in found.items():
        text = yaml.safe_dump_all(objects, sort_keys=False, default_flow_style=False, width=100)
        yield f"{environment}/{name}.yaml", HEADERS.get(name, "") + text


def write(out: Path) -> None:
    for environment in ENVIRONMENTS:
        for path, text in files_of(environment):
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            (out / path).write_text(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
