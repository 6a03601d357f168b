"""How much of a node a pod takes, from its spec.

Sources: k8s.io/component-helpers/resource/helpers.go, pkg/scheduler/util/pod_resources.go.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from kiban.primitives.quantities import milli, whole

# What a container without a request is taken to use when nodes are scored.
DEFAULT_CPU_MILLI = 100
DEFAULT_MEMORY = 200 * 1024 * 1024

Amounts = dict[str, int]


def amounts(quantities: Mapping[str, Any]) -> Amounts:
    """Quantities as numbers: cpu in thousandths, the rest in whole units."""
    return {
        name: milli(text) if name == "cpu" else whole(text) for name, text in quantities.items()
    }


def pod_requests(spec: Mapping[str, Any], defaults: Amounts | None = None) -> Amounts:
    """The pod's requests: its containers and sidecars at once, or its largest start-up step.

    With `defaults`, a container that says nothing of a resource counts as asking for that much.
    """
    total: Amounts = {}
    for container in spec.get("containers") or ():
        _add(total, _container(container, defaults))
    sidecars: Amounts = {}
    largest: Amounts = {}
    for container in spec.get("initContainers") or ():
        step = _container(container, defaults)
        if container.get("restartPolicy") == "Always":
            _add(total, step)
            _add(sidecars, step)
            step = dict(sidecars)
        else:
            _add(step, sidecars)
        _raise(largest, step)
    _raise(total, largest)
    pod_level = amounts((spec.get("resources") or {}).get("requests") or {})
    total.update(pod_level)
    _add(total, amounts(spec.get("overhead") or {}))
    return total


def scored_requests(spec: Mapping[str, Any]) -> tuple[int, int]:
    """Cpu and memory as they count when nodes are scored."""
    found = pod_requests(spec, {"cpu": DEFAULT_CPU_MILLI, "memory": DEFAULT_MEMORY})
    return found.get("cpu", 0), found.get("memory", 0)


def _container(container: Mapping[str, Any], defaults: Amounts | None) -> Amounts:
    said = amounts((container.get("resources") or {}).get("requests") or {})
    return {**(defaults or {}), **said}


def _add(total: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount


def _raise(total: Amounts, least: Amounts) -> None:
    for name, amount in least.items():
        total[name] = max(total.get(name, 0), amount)


Port = tuple[str, str, int]


def host_ports(spec: Mapping[str, Any]) -> tuple[Port, ...]:
    """The node's ports that the pod takes: address, protocol, number."""
    found: list[Port] = []
    for container in _lasting(spec):
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                address = port.get("hostIP") or "0.0.0.0"
                found.append((address, port.get("protocol", "TCP"), port["hostPort"]))
    return tuple(found)


def _lasting(spec: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    yield from spec.get("containers") or ()
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            yield container
