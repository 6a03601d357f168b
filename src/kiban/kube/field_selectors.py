"""Which objects a field selector (`spec.nodeName=a,status.phase!=Failed`) chooses, over the fields
that each kind allows. What cannot be read raises `SelectorError` with Kubernetes' own words.

Source: k8s.io/apimachinery/pkg/fields/selector.go and the kinds' own conversion functions.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kiban.kube.objects import Manifest
from kiban.kube.selectors import SelectorError

_FIELD_TERM = re.compile(r"(.*?)(!=|==|=)(.*)", re.DOTALL)
EVERY_KIND = ("metadata.name", "metadata.namespace")
_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
SELECTABLE: dict[str, tuple[str, ...]] = {
    "Pod": (
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
        "spec.hostNetwork", "status.phase", "status.podIP", "status.podIPs",
        "status.nominatedNodeName",
    ),
    "Node": ("spec.unschedulable",),
    "Namespace": ("status.phase",),
    "Secret": ("type",),
    "Job": ("status.successful",),
    "ReplicaSet": ("status.replicas",),
    "ReplicationController": ("status.replicas",),
    "CertificateSigningRequest": ("spec.signerName",),
    "Event": (
        *(f"involvedObject.{name}" for name in _INVOLVED),
        "reason", "reportingComponent", "source", "type",
    ),
    "Event.events.k8s.io": (
        *(f"regarding.{name}" for name in _INVOLVED), "reason", "reportingController", "type",
    ),
    "Service": ("spec.clusterIP", "spec.type"),
}  # fmt: skip
# Kinds without a namespace whose own conversion does not know one either.
_WITHOUT_NAMESPACE = ("Node", "Namespace", "CertificateSigningRequest")
# Selected by under another name than they are stored.
_RENAMED = {
    "reportingController": "reportingComponent",
    **{f"regarding.{name}": f"involvedObject.{name}" for name in _INVOLVED},
}


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """`path = value` or its opposite."""

    path: str
    value: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Terms that must all hold; without any it chooses everything."""

    terms: tuple[FieldTerm, ...] = ()

    def chooses(self, manifest: Manifest) -> bool:
        return all(
            (selectable_field(manifest, term.path) == term.value) != term.negated
            for term in self.terms
        )

    @property
    def name(self) -> str | None:
        """The only name it can choose, if it names one."""
        return self._exactly("metadata.name")

    @property
    def namespace(self) -> str | None:
        return self._exactly("metadata.namespace")

    def _exactly(self, path: str) -> str | None:
        equal = (term.value for term in self.terms if term.path == path and not term.negated)
        return next(equal, None)

    def __str__(self) -> str:
        return ",".join(
            f"{term.path}{'!=' if term.negated else '='}{_escaped(term.value)}"
            for term in self.terms
        )


def parse_field_selector(text: str, kind: str, declared: Iterable[str] = ()) -> FieldSelector:
    """The terms of a field selector for a kind; `declared` adds a custom kind's own fields. The
    newer kind of events is called `Event.events.k8s.io` here, a custom kind by no name.

    Raises `SelectorError` for what is not a term and for fields one cannot select by.
    """
    terms = tuple(_field_term(part, text) for part in _split(text) if part)
    general = EVERY_KIND[:1] if kind in _WITHOUT_NAMESPACE else EVERY_KIND
    known = (*general, *SELECTABLE.get(kind, ()), *declared)
    for term in terms:
        if term.path not in known:
            raise SelectorError(_unknown_field(term.path, kind, declared))
    if kind != "Event.events.k8s.io":
        return FieldSelector(terms)
    return FieldSelector(
        tuple(replace(term, path=_RENAMED.get(term.path, term.path)) for term in terms)
    )


def _unknown_field(path: str, kind: str, declared: Iterable[str]) -> str:
    if kind in SELECTABLE or tuple(declared):
        return f"field label not supported: {path}"
    return f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"'


def _split(text: str) -> list[str]:
    return re.findall(r"(?:\\.|[^,\\])+", text)


def _field_term(part: str, whole: str) -> FieldTerm:
    match = _FIELD_TERM.fullmatch(part)
    if match is None:
        raise SelectorError(f"invalid selector: '{whole}'; can't understand '{part}'")
    path, operator, value = match.groups()
    return FieldTerm(path, re.sub(r"\\(.)", r"\1", value), operator == "!=")


def _escaped(value: str) -> str:
    return re.sub(r"([\\,=])", r"\\\1", value)


def selectable_field(manifest: Manifest, path: str) -> str:
    """The value a field selector compares: text, with Kubernetes' own defaults for absence."""
    special = _COMPUTED.get((manifest.get("kind", ""), path))
    if special is not None:
        return special(manifest)
    value: Any = manifest
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _status(manifest: Manifest) -> Mapping[str, Any]:
    return manifest.get("status") or {}


def _event_source(manifest: Manifest) -> str:
    source = (manifest.get("source") or {}).get("component")
    return str(source or manifest.get("reportingComponent") or "")


_COMPUTED: dict[tuple[str, str], Callable[[Manifest], str]] = {
    ("Pod", "spec.hostNetwork"): lambda pod: str(
        bool((pod.get("spec") or {}).get("hostNetwork"))
    ).lower(),
    ("Pod", "status.podIPs"): lambda pod: ",".join(
        str(entry.get("ip", "")) for entry in _status(pod).get("podIPs") or ()
    ),
    ("Node", "spec.unschedulable"): lambda node: str(
        bool((node.get("spec") or {}).get("unschedulable"))
    ).lower(),
    ("Job", "status.successful"): lambda job: str(_status(job).get("succeeded", 0)),
    ("ReplicaSet", "status.replicas"): lambda owner: str(_status(owner).get("replicas", 0)),
    ("ReplicationController", "status.replicas"): lambda owner: str(
        _status(owner).get("replicas", 0)
    ),
    ("Event", "source"): _event_source,
}
