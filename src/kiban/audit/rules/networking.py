"""Services and Ingresses: whether they lead anywhere."""

from collections.abc import Iterator
from typing import Any

from kiban.audit.findings import Rule, Said, Severity
from kiban.audit.view import View, Workload
from kiban.kube.objects import SERVICE, Key, get_in


def _service_dangling(view: View) -> Iterator[Said]:
    for key, service in view.kind("Service"):
        selector = get_in(service, "spec", "selector")
        if selector and not view.behind(service):
            yield Said(key, "spec.selector", "the Service selects the pods of no workload")


def _service_port(view: View) -> Iterator[Said]:
    for key, service in view.kind("Service"):
        workloads = view.behind(service)
        for port in get_in(service, "spec", "ports", default=[]):
            wanted = port.get("targetPort", port.get("port"))
            if (
                isinstance(wanted, str)
                and workloads
                and not any(wanted in _port_names(workload) for workload in workloads)
            ):
                what = f"no container has a port named {wanted!r}"
                yield Said(key, f"spec.ports[{port.get('name', '')}].targetPort", what)


def _port_names(workload: Workload) -> set[str]:
    return {
        port.get("name", "")
        for container in workload.containers
        for port in container.body.get("ports") or ()
    }


def _ingress_dangling(view: View) -> Iterator[Said]:
    for key, ingress in view.kind("Ingress"):
        for path, backend in _backends(ingress):
            name = get_in(backend, "service", "name")
            if name is None:
                continue
            service = view.by_key.get(Key(SERVICE.group, SERVICE.kind, key.namespace, name))
            if service is None:
                yield Said(key, path, f"there is no Service {name}")
                continue
            wanted = get_in(backend, "service", "port", default={})
            ports = get_in(service, "spec", "ports", default=[])
            if not any(
                wanted.get("number") == port.get("port") or wanted.get("name") == port.get("name")
                for port in ports
            ):
                shown = wanted.get("name") or wanted.get("number")
                yield Said(key, path, f"the Service {name} has no port {shown}")


def _backends(ingress: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    default = get_in(ingress, "spec", "defaultBackend")
    if default:
        yield "spec.defaultBackend", default
    for rule in get_in(ingress, "spec", "rules", default=[]):
        for path in get_in(rule, "http", "paths", default=[]):
            where = f"spec.rules[{rule.get('host', '')}].paths[{path.get('path', '/')}]"
            yield where, path.get("backend") or {}


def _ingress_taken(view: View) -> Iterator[Said]:
    first: dict[tuple[str, str, str], Key] = {}
    for key, ingress in view.kind("Ingress"):
        kind = get_in(ingress, "spec", "ingressClassName", default="")
        for rule in get_in(ingress, "spec", "rules", default=[]):
            for path in get_in(rule, "http", "paths", default=[]):
                place = (kind, rule.get("host", ""), path.get("path", "/"))
                other = first.setdefault(place, key)
                if other != key:
                    what = f"{place[1]}{place[2]} belongs to {other.namespace}/{other.name}, too"
                    yield Said(key, "spec.rules", what)


def _node_port(view: View) -> Iterator[Said]:
    for key, service in view.kind("Service"):
        kind = get_in(service, "spec", "type", default="ClusterIP")
        if kind == "NodePort":
            yield Said(key, "spec.type", "the Service opens a port on every node")


RULES = (
    Rule(
        "service-dangling",
        Severity.ERROR,
        "every request to it fails",
        "select labels that the pods have",
        _service_dangling,
    ),
    Rule(
        "service-port-unknown",
        Severity.ERROR,
        "every request to that port fails",
        "name a port of the container",
        _service_port,
    ),
    Rule(
        "ingress-dangling",
        Severity.ERROR,
        "every request to that path fails",
        "name a Service and one of its ports",
        _ingress_dangling,
    ),
    Rule(
        "ingress-taken",
        Severity.ERROR,
        "which of the two answers is chance",
        "change the host or the path of one",
        _ingress_taken,
    ),
    Rule(
        "node-port",
        Severity.WARNING,
        "it goes around the gateway and its protection",
        "use a route",
        _node_port,
    ),
)
