"""The manifests as the rules want to see them: workloads with their effective values, found by
labels, and everything else by kind.

Effective means: what Kubernetes would do. A container's security context wins over its pod's, an
autoscaler's minimum over the number of replicas, a limit counts as a request, and objects that
another object made are judged where they are made.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import ceil, floor
from typing import Any

from kiban.audit.findings import Said, Verdict
from kiban.audit.surroundings import Surroundings
from kiban.audit.wellformed import Reading, Readings, read_all
from kiban.kube.kinds import standard_kinds
from kiban.kube.objects import (
    HORIZONTAL_POD_AUTOSCALER,
    SERVICE,
    Key,
    Manifest,
    controller_of,
    get_in,
    key_of,
)
from kiban.kube.selectors import (
    LabelSelector,
    SelectorError,
    selector_from_labels,
    selector_from_object,
)
from kiban.primitives.quantities import parse_quantity

_TEMPLATES: dict[str, tuple[str, ...]] = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Rollout": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
LONG_RUNNING = frozenset(("Deployment", "StatefulSet", "DaemonSet", "Rollout"))
REPLICATED = frozenset(("Deployment", "StatefulSet", "Rollout"))
_NO_LABELS: Mapping[str, str] = {}


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

    @property
    def image(self) -> str:
        return str(self.body.get("image", ""))

    @property
    def command(self) -> list[str]:
        """What it is started with, where the manifest says so."""
        words = [*(self.body.get("command") or ()), *(self.body.get("args") or ())]
        return [str(word) for word in words]

    def security(self, field_name: str) -> Any:
        """A security setting, the container's own before the pod's."""
        own = get_in(self.body, "securityContext", field_name)
        return own if own is not None else get_in(self.pod, "securityContext", field_name)

    def amount(self, part: str, resource: str) -> Any:
        """What it requests or is limited to: its own, or its pod's as a whole. A limit without a
        request is a request, too."""
        for holder in (self.body, self.pod):
            found = get_in(holder, "resources", part, resource)
            if found is None and part == "requests":
                found = get_in(holder, "resources", "limits", resource)
            if found is not None:
                return found
        return None

    def variables(self) -> Iterator[tuple[str, str]]:
        """The environment variables whose value the manifest holds."""
        for one in self.body.get("env") or ():
            if "value" in one:
                yield str(one.get("name", "")), str(one["value"])

    def number(self, part: str, resource: str) -> float | None:
        """The same as a number."""
        found = self.amount(part, resource)
        return None if found is None else float(parse_quantity(found))


@dataclass(frozen=True, slots=True)
class Workload:
    """An object that makes pods. `prefix` is where its pods' spec stands in it."""

    key: Key
    manifest: Manifest
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    pod: Mapping[str, Any]
    prefix: str
    containers: tuple[Container, ...]
    autoscaler: Manifest | None

    @property
    def kind(self) -> str:
        return self.key.kind

    @property
    def spec(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.manifest.get("spec") or {}
        return found

    @property
    def replicas(self) -> int:
        """How many pods there are at least."""
        if self.autoscaler is not None:
            return int(get_in(self.autoscaler, "spec", "minReplicas", default=1))
        return int(self.spec.get("replicas", 1))

    @property
    def most(self) -> int:
        """How many pods there are at most."""
        if self.autoscaler is not None:
            return int(get_in(self.autoscaler, "spec", "maxReplicas", default=self.replicas))
        return self.replicas

    @property
    def running(self) -> Iterator[Container]:
        """The containers that run for as long as the pod does."""
        return (container for container in self.containers if not container.initial)

    def said(self, path: str, what: str, verdict: Verdict = Verdict.FAIL) -> Said:
        """Of a place in the spec of its pods."""
        return Said(self.key, f"{self.prefix}.{path}", what, verdict)


@dataclass(slots=True)
class View:
    """All manifests of one check."""

    around: Surroundings = field(default_factory=Surroundings)
    workloads: list[Workload] = field(default_factory=list)
    by_key: dict[Key, Manifest] = field(default_factory=dict)
    by_kind: dict[str, list[tuple[Key, Manifest]]] = field(default_factory=dict)
    by_label: dict[tuple[str, str, str], list[Workload]] = field(default_factory=dict)
    by_namespace: dict[str, list[Workload]] = field(default_factory=dict)
    readings: dict[Key, Reading] = field(default_factory=dict)

    def kind(self, name: str) -> list[tuple[Key, Manifest]]:
        return self.by_kind.get(name, [])

    def find(self, group: str, kind: str, namespace: str, name: str) -> Manifest | None:
        return self.by_key.get(Key(group, kind, namespace, name))

    def long_running(self) -> Iterator[Workload]:
        """Those that are to run for ever."""
        return (one for one in self.workloads if one.kind in LONG_RUNNING)

    def each(self) -> Iterator[tuple[Workload, Container]]:
        """Every container of every workload."""
        for workload in self.workloads:
            for container in workload.containers:
                yield workload, container

    def serving(self) -> Iterator[tuple[Workload, Container]]:
        """The containers that run for as long as their pod, of workloads that run for ever."""
        for workload in self.long_running():
            for container in workload.running:
                yield workload, container

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

    def reached(self, ingress: Manifest) -> Iterator[Workload]:
        """The workloads behind the Services of an Ingress."""
        namespace = ingress["metadata"].get("namespace", "")
        for _, backend in backends(ingress):
            name = get_in(backend, "service", "name", default="")
            service = self.find(SERVICE.group, SERVICE.kind, namespace, name)
            if service is not None:
                yield from self.behind(service)

    def budgets(self) -> Iterator[tuple[Key, Manifest, list[Workload]]]:
        """Every disruption budget with the workloads that it covers."""
        for key, budget in self.kind("PodDisruptionBudget"):
            selector = read_selector(get_in(budget, "spec", "selector"))
            chosen = self.chosen_by(key.namespace, selector)
            yield key, budget, [one for one in chosen if one.kind in REPLICATED]


def backends(ingress: Manifest) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every backend of an Ingress with its path in it."""
    default = get_in(ingress, "spec", "defaultBackend")
    if default:
        yield "spec.defaultBackend", default
    for rule in get_in(ingress, "spec", "rules", default=[]):
        for path in get_in(rule, "http", "paths", default=[]):
            where = f"spec.rules[{rule.get('host', '')}].http.paths[{path.get('path', '/')}]"
            yield where, path.get("backend") or {}


def share_of(value: Any, pods: int, *, up: bool = True) -> int:
    """A number, or a percentage of pods, which is rounded up or down; 0 for what is neither, which
    the API server refuses."""
    text = str(value)
    number = text.removesuffix("%")
    if not number.isdigit():
        return 0
    if number == text:
        return int(text)
    share = int(number) * pods / 100
    return ceil(share) if up else floor(share)


def read_selector(selector: Any) -> LabelSelector:
    """A selector that cannot be understood chooses nothing; that it is wrong is said elsewhere."""
    try:
        return selector_from_object(selector)
    except SelectorError:
        return LabelSelector(nothing=True)


def view_of(
    manifests: Iterable[Manifest],
    around: Surroundings | None = None,
    readings: Readings | None = None,
) -> View:
    """The view, in the order of keys; with `readings`, only what is new is read."""
    view = View(around or Surroundings())
    distinct = {key_of(manifest): manifest for manifest in manifests}
    view.readings = readings.of(distinct) if readings is not None else read_all(distinct)
    for key in sorted(distinct):
        reading = view.readings[key]
        if not reading.wrong:
            view.by_key[key] = reading.object
            if _is_meant(key):
                view.by_kind.setdefault(key.kind, []).append((key, reading.object))
    scaled = {
        (key.namespace, _target(one)): _as_autoscaler(one)
        for kind in ("ScaledObject", HORIZONTAL_POD_AUTOSCALER.kind)
        for key, one in view.kind(kind)
    }
    for key, manifest in view.by_key.items():
        if key.kind in _TEMPLATES and _is_meant(key) and not _is_made(manifest, view):
            hpa = scaled.get((key.namespace, (key.kind, key.name)))
            if (workload := _workload(key, manifest, hpa)) is not None:
                _add(view, workload)
    return view


@cache
def _groups_of_kinds() -> dict[str, set[str]]:
    """The groups in which Kubernetes has or had a kind of a name."""
    found: dict[str, set[str]] = {}
    for info in standard_kinds():
        found.setdefault(info.kind, {"extensions"}).add(info.group_kind.group)
    return found


def _is_meant(key: Key) -> bool:
    """Whether it is the kind that rules mean by a name: a Service of Knative is none of ours."""
    groups = _groups_of_kinds().get(key.kind)
    return groups is None or key.group in groups


def _is_made(manifest: Manifest, view: View) -> bool:
    """Whether the object that made this one is judged itself."""
    owner = controller_of(manifest)
    return owner is not None and any(
        key.name == owner.get("name") for key, _ in view.kind(str(owner.get("kind")))
    )


def _target(scaler: Manifest) -> tuple[str, str]:
    target = get_in(scaler, "spec", "scaleTargetRef", default={})
    usual = "Deployment" if scaler["kind"] == "ScaledObject" else ""
    return target.get("kind", usual), target.get("name", "")


def _as_autoscaler(scaler: Manifest) -> Manifest:
    """What KEDA makes of a ScaledObject, as far as numbers go: none while there is nothing to do,
    up to a hundred. Source: keda.sh, ScaledObject specification."""
    if scaler["kind"] != "ScaledObject":
        return scaler
    spec = scaler.get("spec") or {}
    least, most = spec.get("minReplicaCount", 0), spec.get("maxReplicaCount", 100)
    return {**scaler, "spec": {"minReplicas": least, "maxReplicas": most}}


def _add(view: View, workload: Workload) -> None:
    view.workloads.append(workload)
    namespace = workload.key.namespace
    view.by_namespace.setdefault(namespace, []).append(workload)
    for name, value in workload.labels.items():
        view.by_label.setdefault((namespace, name, value), []).append(workload)


def _workload(key: Key, manifest: Manifest, hpa: Manifest | None) -> Workload | None:
    path = _TEMPLATES[key.kind]
    template = get_in(manifest, *path, default={}) if path else manifest
    pod = template.get("spec") or {}
    if not pod.get("containers"):
        # Such as an Argo Rollout that borrows the template of a Deployment.
        return None
    prefix = ".".join((*path, "spec"))
    containers = [
        Container(
            f"{prefix}.{field_name}[{body.get('name', '')}]",
            body,
            pod,
            initial and body.get("restartPolicy") != "Always",
        )
        for field_name, initial in (("initContainers", True), ("containers", False))
        for body in pod.get(field_name) or ()
    ]
    metadata = template.get("metadata") or {}
    labels, annotations = metadata.get("labels"), metadata.get("annotations")
    return Workload(
        key,
        manifest,
        labels or _NO_LABELS,
        annotations or _NO_LABELS,
        pod,
        prefix,
        tuple(containers),
        hpa,
    )
