"""What one service can get wrong about routes, scaling, files and the programs beside it, although
each field is right by itself."""

import re
from collections.abc import Iterator

from kiban.primitives.problems import Problem
from kiban.spec.references import Finder, unless_known
from kiban.spec.service import ServiceSpec

# The grammar of the names of Secrets and of their keys (apimachinery, pkg/util/validation).
_SECRET = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[-._A-Za-z0-9]+")


def check_routes(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    for name, route in service.routes.items():
        place = find("routes", name).key_place()
        if sum(route.weights.values()) > 100:
            what = f"the weights of the route {name!r} are more than 100% together"
            yield Problem("spec/route", what, place, fix="leave something to the service itself")
        if route.weights and route.redirect:
            what = f"the route {name!r} has `weights` and a `redirect`"
            yield Problem("spec/route", what, place, fix="keep one of the two")
        if route.redirect and not (route.redirect.host or route.redirect.path):
            what = f"the redirect of the route {name!r} leads to itself"
            yield Problem("spec/route", what, place, fix="say its `host` or its `path`")
        if route.cdn and route.internal:
            what = f"the route {name!r} is `internal` and has a `cdn`"
            why = "the content network comes from outside"
            yield Problem("spec/route", what, place, why=why, fix="keep one of the two")
        for other in route.weights:
            if other == service.service:
                what = f"the route {name!r} gives a weight to its own service"
                fix = "leave it out: what is not given away is its own"
                yield Problem("spec/route", what, find("routes", name, "weights").place(), fix=fix)


def check_ports(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    names = [*(["http"] if service.port else []), *service.ports]
    for name in service.protocols:
        place = find("protocols", name).key_place()
        yield from unless_known("port", name, names, place)
    for name, caller in service.allow.items():
        place = find("allow", name).key_place()
        if caller.port is not None:
            yield from unless_known("port", caller.port, names, place)
        if caller.network and (caller.namespace or caller.labels):
            what = f"`allow.{name}` is a network and pods at once"
            yield Problem("spec/allow", what, place, fix="write two of them")
        if not (caller.network or caller.namespace or caller.labels):
            what = f"`allow.{name}` says nobody"
            fix = "say `namespace`, `labels` or `network`"
            yield Problem("spec/allow", what, place, fix=fix)


def check_listeners(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    names = [*(["http"] if service.port else []), *service.ports]
    for name, listener in service.listeners.items():
        place = find("listeners", name).key_place()
        if listener.port is not None:
            yield from unless_known("port", listener.port, names, place)
        elif service.port is None:
            what = f"the listener {name!r} has no port to lead to"
            yield Problem("spec/listener", what, place, fix="say which of `ports`")
        if listener.tls and service.protocols.get(listener.port or "http") == "udp":
            what = f"the listener {name!r} speaks TLS to a port that speaks UDP"
            yield Problem("spec/listener", what, place, fix="remove `tls`")


def check_scaling(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    queues = [key for key, use in service.uses.items() if use.type in ("queue", "resource")]
    for name, queue in service.scale.queues.items():
        place = find("scale", "queues", name).key_place()
        yield from unless_known("queue", name, queues, place)
        said = (queue.messages is not None, queue.delay is not None, queue.work is not None)
        if said not in ((True, False, False), (False, True, True)):
            what = f"`scale.queues.{name}` needs `messages`, or `delay` and `work`"
            fix = "write `{delay: 1m, work: 200ms}`, or only the number of messages"
            yield Problem("spec/queue", what, place, fix=fix)
        elif queue.work == 0:
            what = f"`scale.queues.{name}.work` is nothing"
            yield Problem("spec/queue", what, place, fix="write how long one message takes")
    for name, metric in service.scale.metrics.items():
        place = find("scale", "metrics", name).key_place()
        if metric.source == "prometheus" and not metric.server:
            what = f"the metric {name!r} names no Prometheus"
            fix = "say its `server`, or name one of `metrics` of platform.yaml as `source`"
            yield Problem("spec/metric", what, place, fix=fix)


def check_files(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    for path, file in service.files.items():
        said = [one for one in (file.content, file.secret, file.base64) if one is not None]
        place = find("files", path).key_place()
        if len(said) != 1:
            what = f"the file {path} needs one of `content`, `secret` and `base64`"
            yield Problem("spec/file", what, place)
        if file.secret is not None and not _SECRET.fullmatch(file.secret):
            fix = f"write {service.service}/key"
            what = f"`secret` of the file {path} must be secret/key"
            yield Problem("spec/secret", what, place, fix=fix)


def check_sidecars(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    for name, sidecar in service.sidecars.items():
        place = find("sidecars", name).key_place()
        others = [service.port, *service.ports.values()]
        others += [one.port for key, one in service.sidecars.items() if key != name]
        if sidecar.port is not None and sidecar.port in others:
            what = f"the sidecar {name!r} listens on {sidecar.port}, as another one of the pod does"
            yield Problem("spec/twice", what, place, fix="a pod has each port once; change one")
        if name == "app" or name in service.init:
            what = f"there are two containers named {name!r}"
            yield Problem("spec/twice", what, place, fix="rename one of them")
        if sidecar.health and not sidecar.port:
            what = f"the sidecar {name!r} has `health` and no `port` to ask"
            yield Problem("spec/health", what, place, fix="say its `port`")
        for variable, secret in sidecar.secrets.items():
            if not _SECRET.fullmatch(secret):
                what = f"`secrets.{variable}` of the sidecar {name!r} must be secret/key"
                yield Problem("spec/secret", what, place, fix=f"write {name}/key")


CHECKS = (check_routes, check_ports, check_listeners, check_scaling, check_files, check_sidecars)
