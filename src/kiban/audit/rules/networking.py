"""Services and Ingresses: whether they lead anywhere, and only where they should."""

from collections.abc import Iterator

from kiban.audit.findings import Mend, Said, Severity, Verdict, rule
from kiban.audit.view import View, Workload, backends
from kiban.kube.objects import SERVICE, Key, annotations_of, get_in

_SCHEME = "alb.ingress.kubernetes.io/scheme"
_HOSTNAME = "external-dns.alpha.kubernetes.io/hostname"
_SERVICE = "kind: Service\nmetadata: {name: api}\nspec: "
_INGRESS = "kind: Ingress\nmetadata: {name: web}\nspec: "


def _rules(hosts: str, service: str = "web", port: int = 8080) -> str:
    return (
        f"{_INGRESS}{{rules: [{{{hosts}http: {{paths: [{{path: /, pathType: Prefix, "
        f"backend: {{service: {{name: {service}, port: {{number: {port}}}}}}}}}]}}}}]}}"
    )


@rule(
    Severity.ERROR,
    why="every request to it fails",
    fix="select labels that the pods have",
    example=f"{_SERVICE}{{selector: {{app.kubernetes.io/name: apj}}}}",
)
def service_dangling(view: View) -> Iterator[Said]:
    for key, service in view.kind("Service"):
        selector = get_in(service, "spec", "selector")
        if selector and not view.behind(service):
            # Where nothing runs at all, what runs is described elsewhere.
            known = bool(view.by_namespace.get(key.namespace))
            verdict = Verdict.FAIL if known else Verdict.UNKNOWN
            what = "the Service selects the pods of no workload"
            yield Said(key, "spec.selector", what, verdict)


@rule(
    Severity.ERROR,
    why="every request to that port fails",
    fix="name a port of the container",
    example=f"{_SERVICE}{{ports: [{{$patch: replace}}, {{port: 8080, targetPort: htpt}}]}}",
)
def service_target_port_name(view: View) -> Iterator[Said]:
    for key, service in view.kind("Service"):
        workloads = view.behind(service)
        for port in get_in(service, "spec", "ports", default=[]):
            wanted = port.get("targetPort", port.get("port"))
            named = isinstance(wanted, str) and not wanted.isdigit()
            if named and workloads and not any(wanted in _port_names(one) for one in workloads):
                what = f"no container has a port named {wanted!r}"
                where = f"spec.ports[{port.get('name') or port.get('port')}].targetPort"
                yield Said(key, where, what)


def _port_names(workload: Workload) -> set[str]:
    return {
        port.get("name", "")
        for container in workload.containers
        for port in container.body.get("ports") or ()
    }


@rule(
    Severity.WARNING,
    why="it opens a port on every node, around the gateway and its protection",
    fix="use a route",
    example=f"{_SERVICE}{{type: NodePort}}",
    mend=Mend("ClusterIP", risky=True),
)
def nodeport_type(view: View) -> Iterator[Said]:
    # Load balancers that send to nodes need it, and say so.
    balanced = {
        key.namespace
        for key, ingress in view.kind("Ingress")
        if annotations_of(ingress).get("alb.ingress.kubernetes.io/target-type") == "instance"
    }
    for key, service in view.kind("Service"):
        kind = get_in(service, "spec", "type")
        if kind == "NodePort" and key.namespace not in balanced:
            yield Said(key, "spec.type", "the Service opens a port on every node")


@rule(
    Severity.ADVICE,
    why="each is a load balancer that is paid for, and none shares its rules and certificates",
    fix="use a route",
    example=f"{_SERVICE}{{type: LoadBalancer}}",
    optional=True,
)
def loadbalancer_type(view: View) -> Iterator[Said]:
    for key, service in view.kind("Service"):
        if get_in(service, "spec", "type") == "LoadBalancer":
            yield Said(key, "spec.type", "the Service has a load balancer of its own")


@rule(
    Severity.ERROR,
    why="every request to that path fails",
    fix="name a Service and one of its ports",
    example=_rules("host: shop.example.com, ", service="wbe"),
)
def ingress_dangling(view: View) -> Iterator[Said]:
    for key, ingress in view.kind("Ingress"):
        for path, backend in backends(ingress):
            name = get_in(backend, "service", "name")
            wanted = get_in(backend, "service", "port", default={})
            # The load balancer controller takes actions, which are annotations, for Services.
            if name is None or wanted.get("name") == "use-annotation":
                continue
            service = view.find(SERVICE.group, SERVICE.kind, key.namespace, name)
            if service is None:
                known = any(other.namespace == key.namespace for other, _ in view.kind("Service"))
                verdict = Verdict.FAIL if known else Verdict.UNKNOWN
                yield Said(key, path, f"there is no Service {name}", verdict)
                continue
            ports = get_in(service, "spec", "ports", default=[])
            number, word = wanted.get("number"), wanted.get("name")
            if not any(
                (number is not None and number == port.get("port"))
                or (word is not None and word == port.get("name"))
                for port in ports
            ):
                yield Said(key, path, f"the Service {name} has no port {word or number}")


@rule(
    Severity.ERROR,
    why="which of the two answers is chance",
    fix="change the host or the path of one",
    example="apiVersion: networking.k8s.io/v1\n"
    + _rules("host: shop.example.com, ").replace("name: web}\nspec", "name: twin, "
    "namespace: shop}\nspec").replace("spec: {", "spec: {ingressClassName: alb, ", 1),
)  # fmt: skip
def ingress_host_duplicate(view: View) -> Iterator[Said]:
    first: dict[tuple[str, str, str], Key] = {}
    for key, ingress in view.kind("Ingress"):
        kind = get_in(ingress, "spec", "ingressClassName", default="")
        for one in get_in(ingress, "spec", "rules", default=[]):
            for path in get_in(one, "http", "paths", default=[]):
                place = (kind, one.get("host", ""), path.get("path", "/"))
                other = first.setdefault(place, key)
                if other != key:
                    what = f"{place[1]}{place[2]} belongs to {other.namespace}/{other.name}, too"
                    yield Said(key, f"spec.rules[{one.get('host', '')}]", what)


@rule(
    Severity.WARNING,
    why="passwords and cookies cross the internet in clear",
    fix="name a `certificate` of the cluster, from which redirects to HTTPS follow",
    example="kind: Ingress\nmetadata:\n  name: web\n  annotations: "
    "{alb.ingress.kubernetes.io/certificate-arn: null, "
    "alb.ingress.kubernetes.io/listen-ports: null}",
)
def ingress_tls(view: View) -> Iterator[Said]:
    for key, ingress in view.kind("Ingress"):
        notes = annotations_of(ingress)
        internal = notes.get(_SCHEME) == "internal"
        hosts = [str(one.get("host", "")) for one in get_in(ingress, "spec", "rules", default=[])]
        local = hosts and all(host.endswith("localhost") for host in hosts)
        listens = "HTTPS" in notes.get("alb.ingress.kubernetes.io/listen-ports", "")
        certificate = "alb.ingress.kubernetes.io/certificate-arn" in notes
        if internal or local or listens or certificate or get_in(ingress, "spec", "tls"):
            continue
        if get_in(ingress, "spec", "ingressClassName") == "kiban":
            continue
        # A group shares what one of its members says; the controller finds certificates by host.
        yield Said(key, "spec.tls", "it is served without TLS, as far as this Ingress says")


@rule(
    Severity.WARNING,
    why="it takes every name that nobody else has, those of others too",
    fix="name the hosts",
    example=_rules("host: '*.example.com', "),
    optional=True,
)
def ingress_host_wildcard(view: View) -> Iterator[Said]:
    for key, ingress in view.kind("Ingress"):
        for one in get_in(ingress, "spec", "rules", default=[]):
            if str(one.get("host", "")).startswith("*"):
                yield Said(key, f"spec.rules[{one['host']}].host", f"{one['host']} is any name")


@rule(
    Severity.WARNING,
    why="whatever name leads to the load balancer ends here",
    fix="name the host (`host` of a route, or the `domain` of an environment)",
    example=_rules(""),
)
def ingress_host_empty(view: View) -> Iterator[Said]:
    for key, ingress in view.kind("Ingress"):
        if get_in(ingress, "spec", "ingressClassName") == "kiban":
            continue
        for one in get_in(ingress, "spec", "rules", default=[]):
            if not one.get("host"):
                yield Said(key, "spec.rules[]", "a rule names no host")


@rule(
    Severity.ERROR,
    why="the record changes its target with every run of ExternalDNS",
    fix="let one object have the name",
    example="kind: Service\nmetadata:\n  name: api\n  annotations: "
    f"{{{_HOSTNAME}: shop.example.com}}\n---\nkind: Service\nmetadata:\n  name: web\n"
    f"  annotations: {{{_HOSTNAME}: shop.example.com}}",
)
def external_dns_unique(view: View) -> Iterator[Said]:
    first: dict[str, Key] = {}
    for kind in ("Service", "Ingress", "Gateway", "HTTPRoute"):
        for key, one in view.kind(kind):
            for name in annotations_of(one).get(_HOSTNAME, "").split(","):
                name = name.strip().rstrip(".")
                other = first.setdefault(name, key) if name else key
                if other != key:
                    what = f"{name} belongs to {other.kind}/{other.name}, too"
                    yield Said(key, f'metadata.annotations["{_HOSTNAME}"]', what)


RULES = (
    service_dangling,
    service_target_port_name,
    nodeport_type,
    loadbalancer_type,
    ingress_dangling,
    ingress_host_duplicate,
    ingress_tls,
    ingress_host_wildcard,
    ingress_host_empty,
    external_dns_unique,
)
