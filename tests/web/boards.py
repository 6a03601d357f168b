"""A board with a small platform on it, as the wiring would tell it."""

from typing import Any

from kiban.delivery.messages import Commit
from kiban.delivery.status import DeliveryStatus, Phase, ServiceStatus
from kiban.primitives.instants import parse_rfc3339
from kiban.web.board import Board
from kiban.web.outline import EnvironmentOutline, Outline, ServiceOutline

NOW = parse_rfc3339("2026-11-21T10:00:00Z")


def outline(count: int = 3) -> Outline:
    names = [f"shop-{number:04}" for number in range(count)]
    environments = {
        name: EnvironmentOutline(name, f"p-{name}", ("one",), after)
        for name, after in (("dev", ""), ("stg", "dev"))
    }
    services = {
        name: ServiceOutline(
            name,
            "web",
            team="red" if number % 2 else "blue",
            uses=tuple(names[number + 1 : number + 2]),
            tags={"dev": "v2", "stg": "v1"},
            environments=("dev", "stg"),
        )
        for number, name in enumerate(names)
    }
    return Outline("p", "c1", environments, services)


def status(
    states: dict[str, str], environment: str = "dev", phase: Phase = "synced"
) -> DeliveryStatus:
    services = tuple(
        ServiceStatus(name, 0, state, f"{name} is {state}", "", ())
        for name, state in states.items()
    )
    commit = Commit("c1", "Ai <ai@example.com>", "Sell more\n\nMuch more.", NOW)
    return DeliveryStatus(
        f"p/{environment}@local", phase, commit, "c1", commit, "", "", NOW, services, (), {}
    )


def pod(service: str, number: int, *, ready: bool = True, **more: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{service}-{number}",
            "namespace": "p-dev",
            "uid": f"{service}-{number}",
            "creationTimestamp": "2026-11-21T10:00:00Z",
            "labels": {"kiban.dev/service": service},
            **more,
        },
        "spec": {
            "nodeName": f"node-{number % 2}",
            "containers": [
                {
                    "name": "app",
                    "image": "shop:v2",
                    "resources": {"requests": {"cpu": "250m", "memory": "64Mi"}},
                }
            ],
        },
        "status": {"phase": "Running", "conditions": conditions},
    }


def node(name: str, zone: str = "ap-northeast-1a") -> dict[str, Any]:
    labels = {
        "topology.kubernetes.io/zone": zone,
        "topology.kubernetes.io/region": "ap-northeast-1",
        "node.kubernetes.io/instance-type": "m5.large",
        "eks.amazonaws.com/capacityType": "SPOT",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {},
        "status": {
            "allocatable": {"cpu": "2", "memory": "8Gi", "pods": "29"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def board(count: int = 3) -> Board:
    found = Board()
    found.set_outline(outline(count))
    found.set_status(status(dict.fromkeys(found.outline.services, "Healthy")))
    return found
