"""What a team has: one copy of its manifests for each environment, as it was read.

Objects are known by kind and name; the namespace of the copy itself is not part of an identity,
so that the same object in two environments is recognised.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kiban.compiler.sources import cluster_scoped, is_namespaced
from kiban.kube.documents import Document
from kiban.kube.kinds import standard_kinds
from kiban.kube.objects import GroupKind, Manifest, get_in, key_of, labels_of
from kiban.kube.schema import shape_of
from kiban.kube.schema.reading import read
from kiban.spec.words import NAME_PATTERN

# What only a running cluster says, as `kubectl get -o yaml` prints it; and what clients leave.
SERVER_FIELDS = frozenset(
    (
        "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink",
    )
)  # fmt: skip
OWN_PREFIX = "kiban.dev/"
CLIENT_NOTES = ("kubectl.kubernetes.io/last-applied-configuration",)
# What controllers write beside them, and would write again.
CONTROLLER_NOTES = (
    "deployment.kubernetes.io/", "deprecated.daemonset.template.generation",
    "control-plane.alpha.kubernetes.io/", "endpoints.kubernetes.io/last-change-trigger-time",
    "autoscaling.alpha.kubernetes.io/conditions", "autoscaling.alpha.kubernetes.io/current-metrics",
)  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """The identity of an object among the copies. The namespace is empty for the copy's own."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        space = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind}/{space}{self.name}"


@dataclass(frozen=True)
class Copy:
    """The manifests of one environment. `lines` counts the files as they are kept; `left` names
    what was read and is no manifest, `unread` says why a file could not be read."""

    environment: str
    documents: tuple[Document, ...]
    lines: int = 0
    files: int = 0
    left: tuple[str, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    given_namespace: str = field(default="", kw_only=True)
    # Nothing can follow the name of an environment where there is no other.
    is_alone: bool = field(default=False, kw_only=True)

    @cached_property
    def namespace(self) -> str:
        """Where most of it lives; empty when most of it does not say."""
        if self.given_namespace:
            return self.given_namespace
        counts: dict[str, int] = {}
        for document in self.documents:
            if is_namespaced(document.manifest, self.clustered):
                found = document.manifest["metadata"].get("namespace") or ""
                counts[found] = counts.get(found, 0) + 1
        nameless = counts.pop("", 0)
        # What cannot be an environment's stays with the objects.
        known = [name for name in sorted(counts) if re.match(NAME_PATTERN, name)]
        best = max(known, key=lambda name: counts[name], default="")
        # A few that name none live where the others do.
        if best and counts[best] >= nameless:
            return best
        spaces = [one.manifest for one in self.documents if one.manifest["kind"] == "Namespace"]
        return str(spaces[0]["metadata"]["name"]) if len(spaces) == 1 else ""

    @cached_property
    def unplaced(self) -> int:
        """How many objects live in a namespace and do not name it."""
        manifests = [document.manifest for document in self.documents]
        return sum(
            not one["metadata"].get("namespace") and is_namespaced(one, self.clustered)
            for one in manifests
        )

    @cached_property
    def clustered(self) -> frozenset[GroupKind]:
        """Kinds that the copy itself defines to live outside of namespaces."""
        return cluster_scoped(document.manifest for document in self.documents)

    @cached_property
    def objects(self) -> Mapping[Name, Manifest]:
        """Every object by identity, cleaned; of two that are the same one, the last holds."""
        return {
            self.name_of(document.manifest): cleaned(document.manifest)
            for document in self.documents
        }

    @cached_property
    def origins(self) -> Mapping[Name, Document]:
        return {self.name_of(document.manifest): document for document in self.documents}

    @cached_property
    def nameless(self) -> tuple[Name, ...]:
        """What gets another name each time it is created, and so can be kept by nobody."""
        return tuple(
            name
            for name, one in self.objects.items()
            if one["metadata"].get("generateName") == name.name
        )

    @cached_property
    def repeated(self) -> tuple[Name, ...]:
        """What is there more than once, and not the same."""
        found: dict[Name, None] = {}
        for document in self.documents:
            name = self.name_of(document.manifest)
            if cleaned(document.manifest) != self.objects[name]:
                found[name] = None
        return tuple(found)

    def name_of(self, manifest: Manifest) -> Name:
        key = key_of(manifest)
        inside = key.namespace if is_namespaced(manifest, self.clustered) else ""
        return Name(key.group, key.kind, "" if inside == self.namespace else inside, key.name)


def cleaned(manifest: Manifest) -> Manifest:
    """Without what only a running cluster or a client has written."""
    metadata = {
        key: value
        for key, value in manifest["metadata"].items()
        if key not in SERVER_FIELDS and value is not None
    }
    for part in ("labels", "annotations"):
        if isinstance(said := metadata.get(part), dict):
            # Kiban's own marks are made anew.
            metadata[part] = {key: value for key, value in said.items() if not _is_note(key)}
        else:
            metadata.pop(part, None)
    rest = {key: value for key, value in manifest.items() if key != "status" and value is not None}
    found = {**rest, "metadata": metadata}
    # In an object of others a null may mean something; in ours it is what was left empty.
    return without_nulls(found)


def maker_of(manifest: Manifest) -> str:
    """Who in the cluster makes an object anew when it is gone, such as the ReplicaSet of a Pod;
    empty for what people made."""
    owners = manifest["metadata"].get("ownerReferences")
    for owner in owners if isinstance(owners, list) else ():
        if isinstance(owner, dict) and owner.get("controller"):
            return f"{owner.get('kind')}/{owner.get('name')}"
    named = (manifest["kind"], manifest["metadata"]["name"])
    return "the cluster" if named in _OF_THE_CLUSTER else ""


# In every namespace, or in the first one.
_OF_THE_CLUSTER = (("ConfigMap", "kube-root-ca.crt"), ("Service", "kubernetes"))


def without_nulls(manifest: Manifest) -> Manifest:
    """An object of a kind of Kubernetes without what says nothing."""
    found: Manifest = (
        _without_nulls(manifest) if standard_kinds().of_manifest(manifest) else manifest
    )
    return found


def is_sound(manifest: Manifest) -> bool:
    """Whether every field has the type that its kind says."""
    info = standard_kinds().of_manifest(manifest)
    return (
        info is not None and not read(manifest, shape_of(info)).wrong and not _has_holes(manifest)
    )


def is_noted(manifest: Manifest) -> bool:
    """Whether an object has labels or annotations that no person wrote."""
    return any(
        _is_note(key)
        for part in ("labels", "annotations")
        for key in manifest["metadata"].get(part) or ()
    )


def _has_holes(value: Any) -> bool:
    """Whether a list has an entry that is nothing."""
    if isinstance(value, dict):
        return any(_has_holes(item) for item in value.values())
    return isinstance(value, list) and any(one is None or _has_holes(one) for one in value)


def _is_note(key: str) -> bool:
    return key in CLIENT_NOTES or key.startswith((OWN_PREFIX, *CONTROLLER_NOTES))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def matching(selector: Mapping[str, str], pods: Mapping[str, str]) -> bool:
    """Whether labels are selected; an empty selector selects nothing here."""
    return bool(selector) and all(pods.get(key) == value for key, value in selector.items())


def pod_labels(workload: Manifest) -> Mapping[str, str]:
    found: Mapping[str, str] = get_in(template_of(workload), "metadata", "labels", default={})
    return found


def template_of(workload: Manifest) -> Manifest:
    """The pod template of a workload; empty where there is none."""
    if workload["kind"] == "Pod":
        return {"metadata": {"labels": labels_of(workload)}, "spec": workload.get("spec")}
    path = ("spec", "jobTemplate", "spec") if workload["kind"] == "CronJob" else ("spec",)
    found: Manifest = get_in(workload, *path, "template", default={})
    return found


def head_comments(text: str) -> Iterator[str]:
    """The lines of comment above a document, but not what tools put there."""
    for line in text.removeprefix("---").lstrip("\n").splitlines():
        if not line.startswith("#"):
            return
        if len(line) > 1 and not line.startswith(("# Source:", "# yaml-language-server", "#!")):
            yield line.rstrip()


def every_name(copies: Iterable[Copy]) -> list[Name]:
    return sorted({name for copy in copies for name in copy.objects})
