"""Which class an object gets that names none: the one marked as default, the newest of several,
and of those made in the same second the first by name.

Source: kubernetes/pkg/volume/util/storageclass.go; ingress classes are chosen alike.
"""

from kiban.cluster.store import Store
from kiban.kube.objects import GroupKind, annotations_of


def standard_class(store: Store, kind: GroupKind, marks: tuple[str, ...]) -> str:
    """The name of the class with one of these annotations set to true; empty without one."""
    marked = [
        manifest["metadata"]
        for manifest in store.list(kind)
        if any(annotations_of(manifest).get(mark) == "true" for mark in marks)
    ]
    if not marked:
        return ""
    newest = max(metadata["creationTimestamp"] for metadata in marked)
    names = [each["name"] for each in marked if each["creationTimestamp"] == newest]
    return str(min(names))
