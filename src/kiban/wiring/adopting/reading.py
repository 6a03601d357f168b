"""A directory as a team keeps it to a copy: its objects, as its own tool makes them."""

from pathlib import Path

from kiban.adapters.sources import DirectoryTree
from kiban.adapters.sources.inputs import (
    CHART_FILE,
    is_chart,
    is_kustomized,
    kustomize_inputs,
    kustomize_roots,
)
from kiban.adapters.sources.reading import (
    Read,
    read_manifests,
    render_chart,
    render_kustomization,
)
from kiban.adopt import Copy
from kiban.adopt.copies import maker_of
from kiban.kube.documents import Document
from kiban.primitives.problems import KibanError


def copy_of(name: str, folder: Path, namespace: str, counted: set[Path]) -> Copy:
    """The objects of one directory, as its own tool makes them. A file that several environments
    share is counted once."""
    root = folder.parent if folder.is_file() else folder
    tree, inside = DirectoryTree(root), folder.name if folder.is_file() else "."
    read = Read()
    if is_kustomized(tree, inside):
        # What it refers to may lie anywhere beside it.
        paths = _kustomize_files(folder)
        read.documents.extend(render_kustomization(folder))
    elif is_chart(tree, inside):
        paths = [root / path for path in tree.under(inside)]
        read.documents.extend(render_chart(name, folder, namespace))
    else:
        read, built = _read_mixed(tree, root, inside)
        paths = [root / path for path in [*read.files, *built]]
    new = sorted({path.resolve() for path in paths} - counted)
    counted.update(new)
    documents, derived = _by_people(read.documents)
    return Copy(
        name,
        documents,
        sum(line_count(path) for path in new),
        len(new),
        (*read.left, *derived),
        read.unread,
        given_namespace=namespace,
    )


def _by_people(documents: list[Document]) -> tuple[tuple[Document, ...], list[str]]:
    """The objects that are not made by others of them, as a dump of a cluster has both; and a word
    on each of the rest."""
    kept: list[Document] = []
    derived: list[str] = []
    for document in documents:
        manifest = document.manifest
        if maker := maker_of(manifest):
            derived.append(f"{manifest['kind']}/{manifest['metadata']['name']}: made by {maker}")
        else:
            kept.append(document)
    return tuple(kept), derived


def _read_mixed(tree: DirectoryTree, root: Path, inside: str) -> tuple[Read, list[str]]:
    """Plain files, with the kustomizations among them rendered; and the files that those read.
    Charts are not rendered: nobody says with which values."""
    files = tree.under(inside)
    charts = tuple(path.removesuffix(CHART_FILE) for path in files if _is_chart_file(path))
    built = kustomize_roots(tree, inside)
    plain = [path for path in files if path not in built.files and not path.startswith(charts)]
    read = read_manifests(tree.read(plain))
    for chart in charts:
        read.left.append(f"{chart}: a chart; adopt what `helm template` makes of it")
    read.unread.update(built.broken)
    rendered = [one for one in built.roots if not f"{one}/".startswith(charts)]
    for one in rendered:
        try:
            read.documents.extend(render_kustomization(root / one))
        except KibanError as error:
            read.unread[one] = error.problems[0].what
    return read, sorted(built.files)


def _is_chart_file(path: str) -> bool:
    return path.endswith(f"/{CHART_FILE}")


def beside(folder: Path, counted: set[Path]) -> tuple[dict[str, str], list[str]]:
    """What lies in a directory of environments and was read by none of them: files with objects,
    which somebody must look at; and kustomizations and charts, of which nobody says that they are
    used."""
    tree = DirectoryTree(folder)
    files = [path for path in tree.under(".") if (folder / path).resolve() not in counted]
    built = kustomize_roots(tree, ".")
    charts = tuple(path.removesuffix(CHART_FILE) for path in files if _is_chart_file(path))
    plain = [path for path in files if path not in built.files and not path.startswith(charts)]
    unread = dict.fromkeys(read_manifests(tree.read(plain)).files, _NOWHERE)
    unused = [one for one in built.roots if any(path.startswith(f"{one}/") for path in files)]
    return unread, [f"{one}: {_NOWHERE}" for one in [*unused, *charts]]


_NOWHERE = "it lies beside the environments, and none of them reads it"


def _kustomize_files(folder: Path) -> list[Path]:
    whole = folder.resolve()
    top = Path(whole.anchor)
    inputs = kustomize_inputs(DirectoryTree(top), whole.relative_to(top).as_posix())
    return [top / path for path in inputs]


def line_count(path: Path) -> int:
    return path.read_bytes().count(b"\n")
