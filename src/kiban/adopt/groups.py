"""Which objects of a copy are one service: a workload and what the compiler would make around it.

Whatever is not clearly one service's own stays outside and is adopted as it is.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kiban.adopt.copies import Copy, Name, is_sound, matching, pod_labels, template_of
from kiban.kube.objects import Manifest, get_in, labels_of
from kiban.spec.words import NAME_PATTERN

WORKLOADS = {
    ("apps", "Deployment"): "apps/v1",
    ("apps", "StatefulSet"): "apps/v1",
    ("batch", "CronJob"): "batch/v1",
}
# What the compiler makes of each kind; of another version, an object is adopted as it is.
VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "CronJob": "batch/v1",
    "Service": "v1",
    "ServiceAccount": "v1",
    "Ingress": "networking.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
}
_SATELLITES = (
    "Service", "PodDisruptionBudget", "NetworkPolicy", "HorizontalPodAutoscaler", "ServiceAccount",
)  # fmt: skip
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
    around = _around(sound, workloads, called)
    found: dict[str, Group] = {}
    for name in sorted(workloads):
        service = called.get(name, "")
        if re.match(NAME_PATTERN, service) and service not in found:
            members = {name.kind: name, **around[name]}
            objects = {kind: copy.objects[member] for kind, member in members.items()}
            found[service] = Group(service, name.kind, members, objects)
    return found


def _service_names(copy: Copy, workloads: Mapping[Name, Manifest]) -> dict[Name, str]:
    """What each workload is called in every environment: without the environment's own name, and
    by its label where that is a part of the name and nobody else's."""
    said = "" if copy.is_alone else copy.environment
    names = {name: _bare(name.name, said, workloads) for name in workloads}
    labelled = {name: _label(manifest) for name, manifest in workloads.items()}
    taken = frozenset(names.values())
    counts: dict[str, int] = {}
    for label in labelled.values():
        counts[label] = counts.get(label, 0) + 1
    return {
        name: label
        if (label := labelled[name])
        and counts[label] == 1
        and bare.startswith(f"{label}-")
        and label not in taken
        else bare
        for name, bare in names.items()
    }


def _bare(name: str, environment: str, workloads: Mapping[Name, Manifest]) -> str:
    every = [one.name for one in workloads]
    if not environment:
        return name
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
    sound: Objects, workloads: Objects, called: Mapping[Name, str]
) -> dict[Name, dict[str, Name]]:
    """The objects that are one workload's alone, at most one of each kind."""
    owners = Owners.of(workloads)
    near = {
        name: manifest
        for name, manifest in sound.items()
        if not name.namespace and VERSIONS.get(name.kind) == manifest["apiVersion"]
    }
    found: dict[Name, dict[str, Name]] = {name: {} for name in workloads}
    for kind in _SATELLITES:
        _share_out(near, found, called, kind, owners.owner)
    addresses = {one["Service"].name: name for name, one in found.items() if "Service" in one}

    def behind(ingress: Manifest) -> Name | None:
        named = backends(ingress)
        return addresses.get(named.pop()) if len(named) == 1 else None

    _share_out(near, found, called, "Ingress", behind)
    return found


def _share_out(
    near: Objects,
    found: dict[Name, dict[str, Name]],
    called: Mapping[Name, str],
    kind: str,
    owner: Callable[[Manifest], Name | None],
) -> None:
    """Give each workload its object of a kind. Of several, the one that is called like the
    service is what the compiler would make."""
    candidates: dict[Name, list[Name]] = {}
    for name, manifest in near.items():
        if name.kind == kind and (workload := owner(manifest)) is not None:
            candidates.setdefault(workload, []).append(name)
    for workload, names in candidates.items():
        service = called.get(workload, "")
        found[workload][kind] = min(
            names, key=lambda name: (name.name != service, len(name.name), name)
        )


@dataclass(frozen=True, slots=True)
class Owners:
    """Finds the only workload that an object is about: by labels, by name, by account."""

    pods: Mapping[Name, Mapping[str, str]]
    by_label: Mapping[tuple[str, str], list[Name]]
    by_account: Mapping[str, list[Name]]
    by_name: Mapping[tuple[Any, Any], list[Name]]

    @classmethod
    def of(cls, workloads: Objects) -> "Owners":
        pods = {name: pod_labels(one) for name, one in workloads.items()}
        by_label: dict[tuple[str, str], list[Name]] = {}
        by_account: dict[str, list[Name]] = {}
        for name, one in workloads.items():
            for pair in pods[name].items():
                by_label.setdefault(pair, []).append(name)
            by_account.setdefault(_account(one), []).append(name)
        by_name: dict[tuple[Any, Any], list[Name]] = {
            (name.kind, name.name): [name] for name in workloads
        }
        return cls(pods, by_label, by_account, by_name)

    def owner(self, manifest: Manifest) -> Name | None:
        """The workload of a Service, a budget, a policy, an autoscaler or an account."""
        kind = manifest["kind"]
        if kind == "Service":
            found = self._selected(_selector(manifest))
        elif kind == "HorizontalPodAutoscaler":
            target = get_in(manifest, "spec", "scaleTargetRef", default={})
            found = self.by_name.get((target.get("kind"), target.get("name")), [])
        elif kind == "ServiceAccount":
            name = manifest["metadata"]["name"]
            found = [] if name == "default" else self.by_account.get(name, [])
        else:
            field = "podSelector" if kind == "NetworkPolicy" else "selector"
            found = self._selected(_match_labels(manifest, field))
        return found[0] if len(found) == 1 else None

    def _selected(self, selector: Mapping[str, str]) -> list[Name]:
        """The workloads whose pods have these labels, looked for among those of the rarest."""
        lists = [self.by_label.get(pair, []) for pair in selector.items()]
        rarest = min(lists, key=len, default=[])
        return [name for name in rarest if matching(selector, self.pods[name])]


def _selector(service: Manifest) -> Mapping[str, str]:
    found: Mapping[str, str] = get_in(service, "spec", "selector", default={})
    return found


def _match_labels(manifest: Manifest, field: str = "selector") -> Mapping[str, str]:
    if get_in(manifest, "spec", field, "matchExpressions"):
        return {}
    found: Mapping[str, str] = get_in(manifest, "spec", field, "matchLabels", default={})
    return found


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
