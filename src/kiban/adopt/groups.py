"""Which objects of a copy are one service: a workload and what the compiler would make around it.

Whatever is not clearly one service's own stays outside and is adopted as it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kiban.adopt.copies import Copy, Name, is_sound, matching, pod_labels, template_of
from kiban.kube.objects import Manifest, get_in, labels_of
from kiban.spec.words import NAME_PATTERN

WORKLOADS = {("apps", "Deployment"): "apps/v1", ("batch", "CronJob"): "batch/v1"}
# What the compiler makes of each kind; of another version, an object is adopted as it is.
VERSIONS = {
    "Deployment": "apps/v1",
    "CronJob": "batch/v1",
    "Service": "v1",
    "ServiceAccount": "v1",
    "Ingress": "networking.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
}
Objects = Mapping[Name, Manifest]
_NAME_LABELS = ("app.kubernetes.io/name", "app", "name", "k8s-app")


@dataclass(frozen=True, slots=True)
class Group:
    """A service in one environment: its objects by kind, the workload among them."""

    service: str
    kind: str
    members: Mapping[str, Name]
    objects: Mapping[str, Manifest]

    @property
    def workload(self) -> Manifest:
        return self.objects[self.kind]


def groups_of(copy: Copy) -> dict[str, Group]:
    """The services of a copy, by name."""
    sound = {name: one for name, one in copy.objects.items() if is_sound(one)}
    workloads = {
        name: manifest
        for name, manifest in sound.items()
        if WORKLOADS.get((name.group, name.kind)) == manifest["apiVersion"]
        and not name.namespace
        and get_in(template_of(manifest), "spec", "containers")
    }
    called = _service_names(copy, workloads)
    found: dict[str, Group] = {}
    for name, manifest in sorted(workloads.items()):
        service = called.get(name, "")
        if re.match(NAME_PATTERN, service) and service not in found:
            members = {name.kind: name, **_around(sound, service, name, manifest, workloads)}
            objects = {kind: copy.objects[member] for kind, member in members.items()}
            found[service] = Group(service, name.kind, members, objects)
    return found


def _service_names(copy: Copy, workloads: Mapping[Name, Manifest]) -> dict[Name, str]:
    """What each workload is called in every environment: without the environment's own name, and
    by its label where that is a part of the name and nobody else's."""
    names = {name: _bare(name.name, copy.environment, workloads) for name in workloads}
    labelled = {name: _label(manifest) for name, manifest in workloads.items()}
    counts: dict[str, int] = {}
    for label in labelled.values():
        counts[label] = counts.get(label, 0) + 1
    return {
        name: label
        if (label := labelled[name])
        and counts[label] == 1
        and bare.startswith(f"{label}-")
        and label not in names.values()
        else bare
        for name, bare in names.items()
    }


def _bare(name: str, environment: str, workloads: Mapping[Name, Manifest]) -> str:
    every = [one.name for one in workloads]
    if all(one.endswith(f"-{environment}") for one in every):
        return name.removesuffix(f"-{environment}")
    if all(one.startswith(f"{environment}-") for one in every):
        return name.removeprefix(f"{environment}-")
    return name


def _label(workload: Manifest) -> str:
    for labels in (pod_labels(workload), labels_of(workload)):
        for key in _NAME_LABELS:
            if isinstance(found := labels.get(key), str):
                return found
    return ""


def _around(
    sound: Objects, service: str, name: Name, workload: Manifest, workloads: Mapping[Name, Manifest]
) -> dict[str, Name]:
    """The objects that are this workload's alone, at most one of each kind."""
    pods = pod_labels(workload)
    others = [pod_labels(one) for other, one in workloads.items() if other != name]
    found: dict[str, Name] = {}
    for kind, belongs in (
        ("Service", lambda one: _selects(_selector(one), pods, others)),
        ("PodDisruptionBudget", lambda one: _selects(_match_labels(one), pods, others)),
        ("NetworkPolicy", lambda one: _selects(_match_labels(one, "podSelector"), pods, others)),
        ("HorizontalPodAutoscaler", lambda one: _scales(one, name)),
        ("ServiceAccount", lambda one: _acts_as(one, workload, workloads.values())),
    ):
        _take(sound, found, kind, service, belongs)
    if "Service" in found:
        address = found["Service"].name
        _take(sound, found, "Ingress", service, lambda one: backends(one) == {address})
    return found


def _take(sound: Objects, found: dict[str, Name], kind: str, service: str, belongs: Any) -> None:
    candidates = [
        name
        for name, one in sound.items()
        if name.kind == kind
        and not name.namespace
        and one["apiVersion"] == VERSIONS[kind]
        and belongs(one)
    ]
    # Of several, the one that is called like the service is what the compiler would make.
    candidates.sort(key=lambda name: (name.name != service, len(name.name), name))
    if candidates:
        found[kind] = candidates[0]


def _selects(
    selector: Mapping[str, str], pods: Mapping[str, str], others: list[Mapping[str, str]]
) -> bool:
    return matching(selector, pods) and not any(matching(selector, other) for other in others)


def _selector(service: Manifest) -> Mapping[str, str]:
    found: Mapping[str, str] = get_in(service, "spec", "selector", default={})
    return found


def _match_labels(manifest: Manifest, field: str = "selector") -> Mapping[str, str]:
    if get_in(manifest, "spec", field, "matchExpressions"):
        return {}
    found: Mapping[str, str] = get_in(manifest, "spec", field, "matchLabels", default={})
    return found


def _scales(scaler: Manifest, name: Name) -> bool:
    target = get_in(scaler, "spec", "scaleTargetRef", default={})
    return (target.get("kind"), target.get("name")) == (name.kind, name.name)


def _acts_as(account: Manifest, workload: Manifest, workloads: Any) -> bool:
    name = account["metadata"]["name"]
    users = [one for one in workloads if _account(one) == name]
    return name != "default" and users == [workload]


def _account(workload: Manifest) -> str:
    return str(get_in(template_of(workload), "spec", "serviceAccountName", default=""))


def backends(ingress: Manifest) -> set[str]:
    """The Services that an Ingress leads to; something else counts as one without a name."""
    spec = ingress.get("spec") or {}
    found = {_backend(spec["defaultBackend"])} if spec.get("defaultBackend") else set()
    for rule in spec.get("rules") or ():
        for path in get_in(rule, "http", "paths", default=()):
            found.add(_backend(path.get("backend") or {}))
    return found


def _backend(backend: Mapping[str, Any]) -> str:
    return str(get_in(dict(backend), "service", "name", default=""))
