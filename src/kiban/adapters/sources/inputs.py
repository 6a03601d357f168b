"""Which files a source reads, so that it is rendered anew when one of them changes and only then.

A tool sees a copy of exactly these files, so that what was not found here makes it fail rather
than use something that the commit does not hold.
"""

import posixpath
from collections.abc import Iterator
from typing import Any

import yaml

from kiban.adapters.sources.trees import Tree
from kiban.primitives.problems import KibanError, Place, Problem

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
CHART_FILE = "Chart.yaml"


def kustomize_inputs(tree: Tree, folder: str) -> list[str]:
    """The files of a directory with a kustomization, and of every place it refers to."""
    found: dict[str, None] = {}
    seen: dict[str, None] = {}
    open_ = [folder]
    while open_:
        here = open_.pop()
        if here in seen:
            continue
        seen[here] = None
        paths = tree.under(here)
        found |= dict.fromkeys(paths)
        for path in paths:
            if posixpath.basename(path) in KUSTOMIZATIONS:
                open_ += _references(tree, path)
    return sorted(found)


def kustomize_roots(tree: Tree, folder: str) -> tuple[list[str], list[str]]:
    """The directories below a folder that somebody builds with Kustomize, which no other one
    refers to; and every file that they read."""
    files = [path for path in tree.under(folder) if posixpath.basename(path) in KUSTOMIZATIONS]
    inputs = {path: kustomize_inputs(tree, posixpath.dirname(path) or ".") for path in files}
    roots = [
        path for path in files if not any(path in inputs[other] for other in files if other != path)
    ]
    read = sorted({path for root in roots for path in inputs[root]})
    return [posixpath.dirname(path) or "." for path in roots], read


def is_kustomized(tree: Tree, folder: str) -> bool:
    return any(tree.under(posixpath.join(folder, name)) for name in KUSTOMIZATIONS)


def is_chart(tree: Tree, folder: str) -> bool:
    return bool(tree.under(posixpath.join(folder, CHART_FILE)))


def _references(tree: Tree, path: str) -> Iterator[str]:
    """What a kustomization names that lies elsewhere in the repo."""
    folder = posixpath.dirname(path)
    try:
        said = yaml.load(tree.read([path])[path], Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return
    for text in _texts(said):
        if "://" in text or text.startswith("git@") or "?ref=" in text:
            what = f"the kustomization fetches {text.partition('?')[0]!r} from the network"
            fix = "put a copy into the repo, so that the commit says what is delivered"
            raise KibanError(Problem("sources/remote", what, Place(path), fix=fix))
        # A generator writes `key=file`.
        for word in (text, text.rpartition("=")[2]):
            place = posixpath.normpath(posixpath.join(folder, word))
            outside = not f"{place}/".startswith(f"{folder}/") if folder else False
            if outside and not place.startswith("..") and tree.under(place):
                yield place


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        # A patch is written inline; no path has several lines.
        if "\n" not in value:
            yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            # Inside patches, labels and values a URL is only text.
            if key not in _NO_REFERENCES:
                yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


_NO_REFERENCES = frozenset(
    (
        "apiVersion", "kind", "metadata", "namespace", "namePrefix", "nameSuffix", "labels",
        "commonLabels", "commonAnnotations", "images", "patch", "target", "vars", "options",
        "literals", "replicas", "openapi", "helmCharts", "buildMetadata", "name", "newName",
    )
)  # fmt: skip
