"""The manifests as the rules want to see them: workloads with their effective values, found by
labels, and everything else by kind.

Effective means: what Kubernetes would do. A container's security context wins over its pod's, an
autoscaler's minimum over the number of replicas.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kiban.kube.objects import HORIZONTAL_POD_AUTOSCALER, Key, Manifest, get_in, key_of
from kiban.kube.selectors import LabelSelector, selector_from_labels, selector_from_object

_TEMPLATES: dict[str, tuple[str, ...]] = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
LONG_RUNNING = frozenset(("Deployment", "StatefulSet", "DaemonSet"))
REPLICATED = frozenset(("Deployment", "StatefulSet"))


@dataclass(frozen=True, slots=True)
class Container:
    """One container with its place in the object."""

    path: str
    body: Mapping[str, Any]
    pod: Mapping[str, Any]
    initial: bool

    @property
    def name(self) -> str:
        return str(self.body.get("name", ""))

    def security(self, field_name: str) -> Any:
        """A security setting, the container's own before the pod's."""
        own = get_in(self.body, "securityContext", field_name)
        return own if own is not None else get_in(self.pod, "securityContext", field_name)


@dataclass(frozen=True, slots=True)
class Workload:
    """An object that makes pods."""

    key: Key
    manifest: Manifest
    labels: Mapping[str, str]
    pod: Mapping[str, Any]
    containers: tuple[Container, ...]
    autoscaler: Manifest | None

    @property
    def kind(self) -> str:
        return self.key.kind

    @property
    def replicas(self) -> int:
        """How many pods there are at least."""
        if self.autoscaler is not None:
            return int(get_in(self.autoscaler, "spec", "minReplicas", default=1))
        return int(get_in(self.manifest, "spec", "replicas", default=1))

    @property
    def running(self) -> Iterator[Container]:
        """The containers that run for as long as the pod does."""
        return (container for container in self.containers if not container.initial)


@dataclass(slots=True)
class View:
    """All manifests of one check."""

    workloads: list[Workload] = field(default_factory=list)
    by_key: dict[Key, Manifest] = field(default_factory=dict)
    by_kind: dict[str, list[tuple[Key, Manifest]]] = field(default_factory=dict)
    by_label: dict[tuple[str, str, str], list[Workload]] = field(default_factory=dict)
    by_namespace: dict[str, list[Workload]] = field(default_factory=dict)

    def kind(self, name: str) -> list[tuple[Key, Manifest]]:
        return self.by_kind.get(name, [])

    def chosen_by(self, namespace: str, selector: LabelSelector) -> list[Workload]:
        """The workloads whose pods a selector chooses. Looks only at those that share its rarest
        label, so that a check stays linear."""
        labels = ((namespace, key, value) for key, value in selector.equalities)
        sets = [self.by_label.get(label, []) for label in labels]
        candidates = min(sets, key=len) if sets else self.by_namespace.get(namespace, [])
        return [workload for workload in candidates if selector.matches(workload.labels)]

    def behind(self, service: Manifest) -> list[Workload]:
        """The workloads that a Service sends to."""
        selector = get_in(service, "spec", "selector", default={})
        namespace = service["metadata"].get("namespace", "")
        return self.chosen_by(namespace, selector_from_labels(selector)) if selector else []

    def budgets(self) -> Iterator[tuple[Key, Manifest, list[Workload]]]:
        """Every disruption budget with the workloads that it covers."""
        for key, budget in self.kind("PodDisruptionBudget"):
            selector = selector_from_object(get_in(budget, "spec", "selector"))
            chosen = self.chosen_by(key.namespace, selector)
            yield key, budget, [one for one in chosen if one.kind in REPLICATED]


def view_of(manifests: Iterable[Manifest]) -> View:
    """The view, in the order of keys."""
    view = View()
    for key, manifest in sorted((key_of(one), one) for one in _distinct(manifests)):
        view.by_key[key] = manifest
        view.by_kind.setdefault(key.kind, []).append((key, manifest))
    scaled = {
        (key.namespace, _target(hpa)): hpa for key, hpa in view.kind(HORIZONTAL_POD_AUTOSCALER.kind)
    }
    for key, manifest in view.by_key.items():
        if key.kind in _TEMPLATES:
            hpa = scaled.get((key.namespace, (key.kind, key.name)))
            _add(view, _workload(key, manifest, hpa))
    return view


def _distinct(manifests: Iterable[Manifest]) -> list[Manifest]:
    return list({key_of(manifest): manifest for manifest in manifests}.values())


def _target(hpa: Manifest) -> tuple[str, str]:
    target = get_in(hpa, "spec", "scaleTargetRef", default={})
    return target.get("kind", ""), target.get("name", "")


def _add(view: View, workload: Workload) -> None:
    view.workloads.append(workload)
    namespace = workload.key.namespace
    view.by_namespace.setdefault(namespace, []).append(workload)
    for name, value in workload.labels.items():
        view.by_label.setdefault((namespace, name, value), []).append(workload)


def _workload(key: Key, manifest: Manifest, hpa: Manifest | None) -> Workload:
    path = _TEMPLATES[key.kind]
    template = get_in(manifest, *path, default={}) if path else manifest
    pod = template.get("spec") or {}
    prefix = ".".join((*path, "spec"))
    containers = [
        Container(f"{prefix}.{field_name}[{body.get('name', '')}]", body, pod, initial)
        for field_name, initial in (("initContainers", True), ("containers", False))
        for body in pod.get(field_name) or ()
    ]
    labels = get_in(template, "metadata", "labels", default={})
    return Workload(key, manifest, labels, pod, tuple(containers), hpa)
