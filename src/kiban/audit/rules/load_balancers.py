"""Load balancers and names of AWS, as their controllers read them from annotations.

Source: the documentation of the AWS Load Balancer Controller 2.x and of ExternalDNS.
"""

from collections.abc import Iterator

from kiban.audit.findings import Mend, Said, Severity, rule
from kiban.audit.view import View, Workload
from kiban.kube.objects import Key, Manifest, annotations_of, get_in

ALB = "alb.ingress.kubernetes.io"
NLB = "service.beta.kubernetes.io/aws-load-balancer"
_HOSTNAME = "external-dns.alpha.kubernetes.io/hostname"
_OLD = ("/web-acl-id", "/ip-address-type-old", "/successCodes")
_CLASS = "kubernetes.io/ingress.class"


def _alb(annotations: str) -> str:
    return f"kind: Ingress\nmetadata:\n  name: web\n  annotations: {{{annotations}}}"


def _balancers(view: View) -> Iterator[tuple[Key, Manifest, dict[str, str]]]:
    """The Ingresses that become Application Load Balancers."""
    for key, ingress in view.kind("Ingress"):
        notes = annotations_of(ingress)
        named = get_in(ingress, "spec", "ingressClassName") or notes.get(_CLASS)
        hinted = any(name.startswith(f"{ALB}/") for name in notes)
        if named == "alb" or (named is None and hinted):
            yield key, ingress, notes


def _at(name: str) -> str:
    return f'metadata.annotations["{name}"]'


@rule(
    Severity.WARNING,
    why="the default is internal, and changing it later makes another load balancer with "
    "another address",
    fix=f"set {ALB}/scheme",
    example=_alb(f"{ALB}/scheme: null"),
)
def alb_scheme_explicit(view: View) -> Iterator[Said]:
    for key, _, notes in _balancers(view):
        if f"{ALB}/scheme" not in notes:
            yield Said(key, _at(f"{ALB}/scheme"), "nothing says whether the internet may reach it")


@rule(
    Severity.ADVICE,
    why="rules of one group are ordered by the names of their Ingresses: a wide path may hide a "
    "narrow one",
    fix=f"set {ALB}/group.order",
    example=_alb(f"{ALB}/group.name: shop")
    + "\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: zzz\n"
    f"  namespace: shop\n  annotations: {{{ALB}/group.name: shop, {ALB}/scheme: internal, "
    f"{ALB}/target-type: ip}}\nspec: {{ingressClassName: alb, rules: [{{host: "
    "shop.example.com, http: {paths: [{path: /deep, pathType: Prefix, backend: {service: "
    "{name: web, port: {number: 8080}}}}]}}]}",
)
def alb_group_order(view: View) -> Iterator[Said]:
    wide: dict[tuple[str, str], list[tuple[str, Key]]] = {}
    for key, ingress, notes in _balancers(view):
        group = notes.get(f"{ALB}/group.name")
        if not group or f"{ALB}/group.order" in notes:
            continue
        for one in get_in(ingress, "spec", "rules", default=[]):
            for path in get_in(one, "http", "paths", default=[]):
                place = (group, str(one.get("host", "")))
                wide.setdefault(place, []).append((str(path.get("path", "/")), key))
    for place, paths in wide.items():
        # Between Ingresses the controller goes by namespace and name, whatever their paths are.
        first: dict[str, Key] = {}
        for path, key in paths:
            first[path] = min(key, first.get(path, key), key=_by_name)
        for deep, other in paths:
            for path in _above(deep):
                key = first.get(path, other)
                if _by_name(key) < _by_name(other):
                    what = f"its path {path} of {place[1]} comes before {deep} of {other.name}"
                    yield Said(key, _at(f"{ALB}/group.order"), what)


def _by_name(key: Key) -> tuple[str, str]:
    return key.namespace, key.name


def _above(path: str) -> Iterator[str]:
    """The wider paths that take in a path, too: `/`, `/a`, `/a/` and `/a/*` for `/a/b`."""
    parts = path.strip("/*").split("/")
    for end in range(len(parts) if parts != [""] else 0):
        bare = "/" + "/".join(parts[:end])
        yield from dict.fromkeys((bare, bare.rstrip("/") + "/", bare.rstrip("/") + "/*"))


@rule(
    Severity.WARNING,
    why="requests go to a node first and then anywhere: a hop more, uneven load, and pods that are "
    "told to stop while nodes still send",
    fix=f"set {ALB}/target-type: ip",
    example=_alb(f"{ALB}/target-type: instance"),
    mend=Mend("ip", risky=True),
)
def target_type_ip(view: View) -> Iterator[Said]:
    for key, _, notes in _balancers(view):
        if notes.get(f"{ALB}/target-type", "instance") != "ip":
            yield Said(key, _at(f"{ALB}/target-type"), "targets are nodes, not pods")


@rule(
    Severity.WARNING,
    why="the load balancer and Kubernetes disagree about which pods are healthy",
    fix="ask the readiness probe's path in both",
    example=_alb(f"{ALB}/healthcheck-path: /other"),
)
def alb_healthcheck_matches_readiness(view: View) -> Iterator[Said]:
    for key, ingress, notes in _balancers(view):
        asked = notes.get(f"{ALB}/healthcheck-path")
        paths = set()
        for workload in view.reached(ingress):
            paths |= _readiness(workload)
        if paths and (asked or "/") not in paths:
            path = _at(f"{ALB}/healthcheck-path")
            yield Said(key, path, f"it asks {asked or '/'}, the pods {', '.join(sorted(paths))}")


def _readiness(workload: Workload) -> set[str]:
    found = (
        get_in(container.body, "readinessProbe", "httpGet", "path")
        for container in workload.running
    )
    return {str(path) for path in found if path}


def _network(view: View) -> Iterator[tuple[Key, Manifest, dict[str, str]]]:
    """The Services that become Network Load Balancers."""
    for key, service in view.kind("Service"):
        if get_in(service, "spec", "type") == "LoadBalancer":
            yield key, service, annotations_of(service)


_BALANCED = "kind: Service\nmetadata:\n  name: api\n  annotations: {%s}\n" \
            "spec: {type: LoadBalancer}"  # fmt: skip


@rule(
    Severity.ADVICE,
    why="a zone with fewer pods gives each of them more load",
    fix="set load_balancing.cross_zone.enabled=true in its attributes",
    example=_BALANCED % f"{NLB}-type: external",
    optional=True,
)
def nlb_cross_zone(view: View) -> Iterator[Said]:
    for key, _, notes in _network(view):
        attributes = notes.get(f"{NLB}-attributes", "")
        old = notes.get(f"{NLB}-cross-zone-load-balancing-enabled") == "true"
        if "cross_zone.enabled=true" not in attributes and not old:
            yield Said(key, _at(f"{NLB}-attributes"), "each zone serves only its own pods")


@rule(
    Severity.WARNING,
    why="the names are deprecated: the next controller does not read them",
    fix="use spec.ingressClassName, and aws-load-balancer-type: external with -nlb-target-type",
    example=_alb(f"{_CLASS}: alb"),
)
def lb_controller_v1_annotations(view: View) -> Iterator[Said]:
    for key, _, notes in _balancers(view):
        old = [name for name in sorted(notes) if name == _CLASS or name.endswith(_OLD)]
        for name in old:
            yield Said(key, _at(name), f"{name} is deprecated")
    for key, _, notes in _network(view):
        if notes.get(f"{NLB}-type") in ("nlb", "nlb-ip"):
            what = "the type asks the old controller of the cloud provider, which gets no features"
            yield Said(key, _at(f"{NLB}-type"), what)


@rule(
    Severity.ERROR,
    why="ExternalDNS may not write there: the name never leads anywhere",
    fix="use a name in a zone of the cluster",
    example="# checked with zones: [example.com] in checks.yaml\nkind: Service\nmetadata:\n"
    f"  name: api\n  annotations: {{{_HOSTNAME}: api.example.org}}",
)
def externaldns_hostname_in_delegated_zone(view: View) -> Iterator[Said]:
    zones = [zone.rstrip(".") for zone in view.around.settings.zones]
    for kind in ("Service", "Ingress", "Gateway", "HTTPRoute") if zones else ():
        for key, one in view.kind(kind):
            hosts = annotations_of(one).get(_HOSTNAME, "").split(",")
            hosts += [str(r.get("host", "")) for r in get_in(one, "spec", "rules", default=[])]
            for host in sorted({host.strip().rstrip(".") for host in hosts} - {""}):
                if not any(host == zone or host.endswith(f".{zone}") for zone in zones):
                    what = f"{host} is in none of the zones {', '.join(zones)}"
                    yield Said(key, _at(_HOSTNAME), what)


def _external_dns(view: View) -> Iterator[tuple[Workload, str, dict[str, str]]]:
    """ExternalDNS itself, with its flags."""
    for workload, container in view.each():
        if "external-dns" in container.image:
            words = [word.removeprefix("--") for word in container.command if word[:2] == "--"]
            flags = {word.partition("=")[0]: word.partition("=")[2] for word in words}
            yield workload, container.path, flags


def _dns(flags: str) -> str:
    return (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: external-dns, namespace: shop}\n"
        "spec:\n  replicas: 1\n  selector: {matchLabels: {app: dns}}\n  template:\n"
        "    metadata: {labels: {app: dns}}\n    spec: {containers: [{name: dns, "
        f"image: 'registry.k8s.io/external-dns/external-dns:v0.15.0', args: [{flags}]}}]}}"
    )


@rule(
    Severity.ERROR,
    why="two clusters with one owner delete each other's records",
    fix="set --txt-owner-id to the cluster's name",
    example=_dns("--registry=txt"),
)
def externaldns_owner_id_unique(view: View) -> Iterator[Said]:
    first: dict[str, Key] = {}
    for workload, path, flags in _external_dns(view):
        owner = flags.get("txt-owner-id", "")
        other = first.setdefault(owner, workload.key)
        if owner in ("", "default"):
            yield Said(workload.key, f"{path}.args", "it has no owner id of its own")
        elif other != workload.key:
            what = f"the owner id {owner} is {other.namespace}/{other.name}'s, too"
            yield Said(workload.key, f"{path}.args", what)


@rule(
    Severity.WARNING,
    why="with sync in a zone that others share, a wrong filter deletes their records; with "
    "upsert-only, names of what is gone stay and can be taken over",
    fix="give each cluster a zone of its own: --domain-filter and --policy=sync; upsert-only in "
    "shared zones",
    example=_dns("--policy=sync, --txt-owner-id=main"),
)
def externaldns_policy(view: View) -> Iterator[Said]:
    for workload, path, flags in _external_dns(view):
        filtered = flags.get("domain-filter") or flags.get("zone-id-filter")
        policy = flags.get("policy", "sync")
        if policy == "sync" and not filtered:
            what = "it may delete records of every zone it can reach"
            yield Said(workload.key, f"{path}.args", what)


RULES = (
    alb_scheme_explicit,
    alb_group_order,
    target_type_ip,
    alb_healthcheck_matches_readiness,
    nlb_cross_zone,
    lb_controller_v1_annotations,
    externaldns_hostname_in_delegated_zone,
    externaldns_owner_id_unique,
    externaldns_policy,
)
