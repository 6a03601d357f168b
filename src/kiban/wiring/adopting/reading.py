"""A directory as a team keeps it to a copy: its objects, as its own tool makes them."""

from pathlib import Path

from kiban.adapters.sources import DirectoryTree
from kiban.adapters.sources.inputs import (
    is_chart,
    is_kustomized,
    kustomize_inputs,
    kustomize_roots,
)
from kiban.adapters.sources.reading import read_manifests, render_chart, render_kustomization
from kiban.adopt import Copy
from kiban.kube.documents import Document


def copy_of(name: str, folder: Path, namespace: str, counted: set[Path]) -> Copy:
    """The objects of one directory, as its own tool makes them. A file that several environments
    share is counted once."""
    root = folder.parent if folder.is_file() else folder
    tree, inside = DirectoryTree(root), folder.name if folder.is_file() else "."
    left: tuple[str, ...] = ()
    if is_kustomized(tree, inside):
        # What it refers to may lie anywhere beside it.
        paths = _kustomize_files(folder)
        documents: list[Document] = render_kustomization(folder)
    elif is_chart(tree, inside):
        paths = [root / path for path in tree.under(inside)]
        documents = render_chart(name, folder, namespace)
    else:
        roots, built = kustomize_roots(tree, inside)
        files = [path for path in tree.under(inside) if path not in built]
        read = read_manifests(tree.read(files))
        documents, left = read.documents, tuple(read.left)
        for one in roots:
            documents += render_kustomization(root / one)
        paths = [root / path for path in [*read.files, *built]]
    new = sorted({path.resolve() for path in paths} - counted)
    counted.update(new)
    lines = sum(line_count(path) for path in new)
    return Copy(name, tuple(documents), lines, len(new), left, given_namespace=namespace)


def _kustomize_files(folder: Path) -> list[Path]:
    whole = folder.resolve()
    top = Path(whole.anchor)
    inputs = kustomize_inputs(DirectoryTree(top), whole.relative_to(top).as_posix())
    return [top / path for path in inputs]


def line_count(path: Path) -> int:
    return path.read_bytes().count(b"\n")
