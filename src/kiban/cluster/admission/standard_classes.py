"""A claim or an Ingress that names no class gets the cluster's default one: the class marked as
default, the newest of several, and of those made in the same second the first by name.

Sources: kubernetes/pkg/volume/util/storageclass.go and
kubernetes/plugin/pkg/admission/{storage/storageclass/setdefault,network/defaultingressclass}.
"""

from dataclasses import dataclass

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.store import Store
from kiban.kube.objects import STORAGE_CLASS, GroupKind, Manifest, annotations_of, get_in, replaced

STORAGE_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


@dataclass(frozen=True, slots=True)
class StandardClass:
    """Classes of a kind, of which some are marked as default, and how objects name theirs: in a
    field of the spec, or by the annotation that came before it."""

    kind: GroupKind
    marks: tuple[str, ...]
    field: str
    annotation: str

    def given(self, attempt: Attempt, manifest: Manifest) -> Manifest:
        """A new object, with the default class where it names none and there is one."""
        if attempt.verb != "CREATE" or attempt.subresource:
            return manifest
        if get_in(manifest, "spec", self.field) is not None:
            return manifest
        if self.annotation in annotations_of(manifest):
            return manifest
        name = self.name(attempt.store)
        return replaced(manifest, ("spec", self.field), name) if name else manifest

    def name(self, store: Store) -> str:
        """The name of the default class; empty without one."""
        marked = [
            manifest["metadata"]
            for manifest in store.list(self.kind)
            if any(annotations_of(manifest).get(mark) == "true" for mark in self.marks)
        ]
        if not marked:
            return ""
        newest = max(metadata["creationTimestamp"] for metadata in marked)
        names = [each["name"] for each in marked if each["creationTimestamp"] == newest]
        return str(min(names))


STORAGE = StandardClass(
    STORAGE_CLASS,
    (
        "storageclass.kubernetes.io/is-default-class",
        "storageclass.beta.kubernetes.io/is-default-class",
    ),
    "storageClassName",
    STORAGE_CLASS_ANNOTATION,
)
INGRESSES = StandardClass(
    GroupKind("networking.k8s.io", "IngressClass"),
    ("ingressclass.kubernetes.io/is-default-class",),
    "ingressClassName",
    "kubernetes.io/ingress.class",
)
