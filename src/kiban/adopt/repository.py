"""The layout of the new repo as text: platform.yaml, services, releases, and the plain objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kiban.adopt.copies import Copy, Name
from kiban.adopt.extras import FOLDER, SOURCE, Extras
from kiban.adopt.folding import Folded
from kiban.adopt.writing import flow, scalar, written
from kiban.compiler.sources import is_namespaced
from kiban.kube.objects import Manifest, get_in

CLUSTER = "main"
REASON = "as it was"
# The order in which people describe a service.
_ORDER = (
    "team", "image", "build", "command", "args", "workingDir", "port", "ports", "health", "drain",
    "resources", "instances", "scale", "routes", "schedule", "timezone", "concurrency", "deadline",
    "retries", "suspended", "role", "token", "user", "spot", "uses", "env", "secrets", "volumes",
    "patches",
)  # fmt: skip

_SCALE = ("min", "max", "spotFrom", "cpu", "memory", "requests", "metrics", "settle")


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything the repo says. `where` names the environments of each service, `domains` the
    usual host of each environment."""

    platform: str
    copies: Sequence[Copy]
    folded: Folded
    releases: Mapping[str, Mapping[str, str]]
    where: Mapping[str, tuple[str, ...]]
    extras: Extras
    domains: Mapping[str, str]
    resources: Mapping[str, str] = field(default_factory=dict)
    # What people wrote above the workload of a service.
    comments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Whether there are objects on a cluster that must not be disturbed.
    from_objects: bool = True


def environment_namespace(platform: str, copy: Copy) -> str:
    """Where an environment lives."""
    return copy.namespace or f"{platform}-{copy.environment}"


def repository_files(layout: Layout) -> dict[str, str]:
    """Every file by path."""
    files = {"platform.yaml": _platform(layout)}
    for service, base in layout.folded.services.items():
        files[f"services/{service}.yaml"] = _service(layout, service, base)
    for environment, tags in layout.releases.items():
        lines = [f"{name}: {scalar(tag)}" for name, tag in sorted(tags.items())]
        files[f"releases/{environment}.yaml"] = "\n".join(lines) + "\n"
    return {**files, **layout.extras.files()}


def _platform(layout: Layout) -> str:
    environments = {}
    clusters = _clusters(layout)
    previous = ""
    for copy in layout.copies:
        name = copy.environment
        said: dict[str, Any] = {"cluster": clusters[name]}
        namespace = environment_namespace(layout.platform, copy)
        if namespace != f"{layout.platform}-{name}":
            said["namespace"] = namespace
        if domain := layout.domains.get(name):
            said["domain"] = domain
        if previous:
            said["after"] = previous
        if defaults := _arranged(layout.folded.environments.get(name, {})):
            said["defaults"] = defaults
        environments[name] = said
        previous = name
    parts: dict[str, Any] = {"platform": layout.platform}
    if teams := sorted(_teams(layout)):
        parts["teams"] = {team: {} for team in teams}
    parts["environments"] = environments
    found = {"ingressClass": _ingress_class(layout)} if layout.from_objects else {}
    parts["clusters"] = dict.fromkeys(clusters.values(), found)
    if layout.extras.common or layout.extras.own:
        parts["sources"] = {SOURCE: FOLDER}
    if layout.resources:
        parts["resources"] = dict(sorted(layout.resources.items()))
    if layout.from_objects:
        parts["patches"] = _environment_patches(layout)
    if defaults := _arranged(layout.folded.defaults):
        parts["defaults"] = defaults
    return written(parts)


def _clusters(layout: Layout) -> dict[str, str]:
    """The cluster of each environment: one for all, unless they have objects that cannot be on
    one cluster side by side."""
    held: dict[Name, None] = {}
    spaces: dict[str, None] = {}
    is_one = True
    for copy in layout.copies:
        space = environment_namespace(layout.platform, copy)
        others = [name for name, one in copy.objects.items() if _is_outside(copy, name, one)]
        is_one = is_one and space not in spaces and not any(name in held for name in others)
        spaces[space] = None
        held |= dict.fromkeys(others)
    names = [copy.environment for copy in layout.copies]
    return {name: CLUSTER if is_one else name for name in names}


def _is_outside(copy: Copy, name: Name, manifest: Manifest) -> bool:
    """Whether an object lives outside of the namespace of its environment."""
    return bool(name.namespace) or not is_namespaced(manifest, copy.clustered)


def _teams(layout: Layout) -> set[str]:
    layers = [layout.folded.defaults, *layout.folded.environments.values()]
    layers += layout.folded.services.values()
    layers += [one for own in layout.folded.overrides.values() for one in own.values()]
    return {str(layer["team"]) for layer in layers if layer.get("team")}


def _ingress_class(layout: Layout) -> str:
    counts: dict[str, int] = {}
    for copy in layout.copies:
        for name, one in copy.objects.items():
            found = get_in(one, "spec", "ingressClassName") if name.kind == "Ingress" else None
            if found:
                counts[str(found)] = counts.get(str(found), 0) + 1
    return max(sorted(counts), key=lambda name: counts[name]) if counts else "nginx"


def _environment_patches(layout: Layout) -> dict[str, Any]:
    """What Kiban would add to an environment and was not there: nobody may be locked out, and no
    pod refused, by an adoption."""
    patches: dict[str, Any] = {"NetworkPolicy/default-deny": {"reason": REASON, "remove": True}}
    if keeps_namespaces(layout.platform, layout.copies):
        return {**patches, "Namespace/*": {"reason": REASON, "remove": True}}
    # These refuse pods, or hold them back until a load balancer knows them.
    added = ("pod-security.kubernetes.io/enforce", "elbv2.k8s.aws/pod-readiness-gate-inject")
    labels = {"reason": REASON, "set": dict.fromkeys(added)}
    return {**patches, "Namespace/* metadata.labels": labels}


# What every cluster brings along, and nobody else may own.
_OF_EVERY_CLUSTER = frozenset(("default", "kube-system", "kube-public", "kube-node-lease"))


def keeps_namespaces(platform: str, copies: Sequence[Copy]) -> bool:
    """Whether the Namespaces of environments are among the manifests, or a cluster's own, and stay
    as they are."""
    spaces = [(copy, environment_namespace(platform, copy)) for copy in copies]
    return any(
        space in _OF_EVERY_CLUSTER or Name("", "Namespace", "", space) in copy.objects
        for copy, space in spaces
    )


def _service(layout: Layout, service: str, base: Mapping[str, Any]) -> str:
    tree = _arranged(_short(layout, base))
    overrides = {
        name: _arranged(_short(layout, said))
        for name, said in layout.folded.overrides.get(service, {}).items()
        if said
    }
    text = "".join(f"{line}\n" for line in layout.comments.get(service, ()))
    text += written(tree)
    if overrides:
        text += written({"environments": overrides})
    return text or f"# {flow(service)}\n"


def _arranged(tree: Mapping[str, Any]) -> dict[str, Any]:
    """In the order people expect, patches last."""
    found = _in_order(tree, _ORDER)
    if isinstance(scale := found.get("scale"), dict):
        found["scale"] = _in_order(scale, _SCALE)
    return found


def _in_order(tree: Mapping[str, Any], order: Sequence[str]) -> dict[str, Any]:
    known = {name: place for place, name in enumerate(order)}
    return {
        name: tree[name] for name in sorted(tree, key=lambda one: (known.get(one, len(order)), one))
    }


def _short(layout: Layout, tree: Mapping[str, Any]) -> dict[str, Any]:
    """With the short forms of the language, where they say the same."""
    found = dict(tree)
    scale = found.get("scale")
    if isinstance(scale, dict) and scale.keys() == {"min", "max"}:
        least, most = scale["min"], scale["max"]
        found["scale"] = least if least == most and least is not None else scale
    return found
