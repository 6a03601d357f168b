"""Which manifests belong together: all of them, unless they describe the same object twice, as
the copies of a service for three environments do; then those of each directory."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from posixpath import commonpath, dirname

from kiban.kube.documents import Document
from kiban.kube.objects import Key, key_of


@dataclass(frozen=True, slots=True)
class Batch:
    """Manifests that are judged together, under the name of their directory."""

    name: str
    documents: dict[Key, Document] = field(default_factory=dict)
    # Objects that one directory describes twice: the last one holds.
    twice: list[tuple[Key, Document]] = field(default_factory=list)

    def add(self, document: Document) -> None:
        key = key_of(document.manifest)
        if key in self.documents:
            self.twice.append((key, self.documents[key]))
        self.documents[key] = document


def batches_of(documents: Iterable[Document]) -> list[Batch]:
    """One batch, or one for each directory that has manifests."""
    documents = list(documents)
    whole = Batch("")
    for document in documents:
        whole.add(document)
    folders = sorted({dirname(document.file) for document in documents})
    if not whole.twice or len(folders) < 2:
        return [whole] if documents else []
    depth = _depth(documents, whole)
    found: dict[str, Batch] = {}
    for document in documents:
        name = _head(document.file, depth)
        found.setdefault(name, Batch(name)).add(document)
    return [found[name] for name in sorted(found)]


def _depth(documents: list[Document], whole: Batch) -> int:
    """At how many levels the directories part that describe the same objects."""
    files: dict[Key, list[str]] = {}
    for document in documents:
        files.setdefault(key_of(document.manifest), []).append(document.file)
    doubled = [dirname(name) for key, _ in whole.twice for name in files[key]]
    shared = commonpath(doubled) if all(doubled) else ""
    return len(shared.split("/")) + 1 if shared else 1


def _head(file: str, depth: int) -> str:
    return "/".join(dirname(file).split("/")[:depth])
