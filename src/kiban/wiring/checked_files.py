"""Which manifests a check of files and directories is about: plain YAML and JSON as they are,
kustomizations as Kustomize builds them, charts not at all, for nobody says with which values.

What runs Kustomize is imported where there is something to build: most checks need none of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from kiban.kube.documents import Document, read_documents
from kiban.primitives.problems import Exit, KibanError, Place, Problem

_SUFFIXES = (".yaml", ".yml", ".json")
# Directories in which nobody keeps manifests.
_SKIPPED = (".git", ".kiban", ".venv", "node_modules", "__pycache__", ".terraform")


def read_text(path: Path) -> str:
    """A file with its line ends as they are, without the mark that some editors put before it."""
    try:
        return path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        what = f"{path} cannot be read: {error.strerror}"
        raise KibanError(Problem("check/file", what, Place(str(path))), Exit.USAGE) from error


def documents_of(
    path: Path, problems: list[Problem], instead: Mapping[str, str]
) -> Iterator[Document]:
    """The manifests of a file, or below a directory, in a stable order. `instead` holds the texts
    of files that are to be taken for what they hold."""
    if not path.exists():
        what = f"there is no {path}"
        raise KibanError(Problem("check/file", what, Place(str(path))), Exit.USAGE)
    if path.is_file():
        yield from _read_file(path, problems, instead)
        return
    charts = sorted(one.parent for one in path.rglob("Chart.yaml"))
    for chart in charts:
        what = f"{chart} is a Helm chart, whose templates are no manifests yet"
        fix = f"render it: helm template {chart} | kiban check -"
        problems.append(Problem("check/helm", what, Place(str(chart)), fix=fix))
    files = sorted(path.rglob("*"))
    read_already: set[Path] = set()
    if any(file.stem.lower() == "kustomization" for file in files):
        roots, read_already = _kustomized(path, problems)
        for root in roots:
            if not _is_inside(root, charts):
                yield from _rendered(root, problems)
    for file in files:
        left_out = file in read_already or any(part in _SKIPPED for part in file.parts)
        if file.suffix not in _SUFFIXES or left_out or _is_inside(file, charts):
            continue
        if file.is_file():
            yield from _read_file(file, problems, instead)


def read(name: str, text: str, problems: list[Problem]) -> list[Document]:
    found, faults = read_documents(name, text)
    problems += faults
    return found


def _read_file(path: Path, problems: list[Problem], instead: Mapping[str, str]) -> list[Document]:
    text = instead.get(str(path))
    return read(str(path), read_text(path) if text is None else text, problems)


def _is_inside(file: Path, folders: list[Path]) -> bool:
    return any(folder in (file, *file.parents) for folder in folders)


def _kustomized(path: Path, problems: list[Problem]) -> tuple[list[Path], set[Path]]:
    """The directories that are built with Kustomize, and the files that are read for it: bases
    and patches are no manifests by themselves."""
    from kiban.adapters.sources import DirectoryTree
    from kiban.adapters.sources.inputs import kustomize_roots

    built = kustomize_roots(DirectoryTree(path), ".")
    for broken, what in sorted(built.broken.items()):
        problems.append(Problem("check/kustomize", what, Place(str(path / broken))))
    return [path / root for root in built.roots], {path / file for file in built.files}


def _rendered(root: Path, problems: list[Problem]) -> Iterator[Document]:
    """What is built of a directory. Where a value was written in the end nobody can tell, so that
    findings lead to the kustomization."""
    from kiban.adapters.sources.inputs import KUSTOMIZATIONS
    from kiban.adapters.sources.reading import render_kustomization

    name = next(one for one in KUSTOMIZATIONS if (root / one).is_file())
    try:
        for document in render_kustomization(root):
            yield replace(document, file=str(root / name), line=1, text="")
    except KibanError as error:
        problems += error.problems
