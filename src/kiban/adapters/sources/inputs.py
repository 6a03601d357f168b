"""Which files a source reads, so that it is rendered anew when one of them changes and only then.

A tool sees a copy of exactly these files, so that what was not found here makes it fail rather
than use something that the commit does not hold.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
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
        found |= dict.fromkeys(tree.under(here))
        for path in _kustomizations(tree, here):
            open_ += _references(tree, path)
    return sorted(found)


def _kustomizations(tree: Tree, folder: str) -> list[str]:
    """The file that makes a directory one of Kustomize; deeper ones count where one refers to
    them."""
    places = (posixpath.normpath(posixpath.join(folder, name)) for name in KUSTOMIZATIONS)
    return [path for path in places if tree.under(path)]


@dataclass(frozen=True, slots=True)
class Built:
    """The directories that somebody builds with Kustomize, every file that is read for that, and
    why a directory cannot be built."""

    roots: list[str]
    files: frozenset[str]
    broken: dict[str, str]


def kustomize_roots(tree: Tree, folder: str) -> Built:
    """The directories below a folder that are built by themselves: no other one refers to them,
    and they are no components."""
    inputs: dict[str, frozenset[str]] = {}
    broken: dict[str, str] = {}
    for path in tree.under(folder):
        if posixpath.basename(path) not in KUSTOMIZATIONS:
            continue
        here = posixpath.dirname(path) or "."
        try:
            inputs[path] = frozenset(kustomize_inputs(tree, here))
        except KibanError as error:
            inputs[path] = frozenset(tree.under(here))
            broken[here] = error.problems[0].what
    roots = [
        posixpath.dirname(path) or "."
        for path in inputs
        if not any(path in files for other, files in inputs.items() if other != path)
        and not _is_component(tree, path)
    ]
    files = frozenset[str]().union(*inputs.values())
    return Built([one for one in roots if one not in broken], files, broken)


def _is_component(tree: Tree, path: str) -> bool:
    said = _loaded(tree, path)
    return isinstance(said, dict) and said.get("kind") == "Component"


def _loaded(tree: Tree, path: str) -> Any:
    try:
        return yaml.load(tree.read([path])[path], Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return None


def is_kustomized(tree: Tree, folder: str) -> bool:
    return any(tree.under(posixpath.join(folder, name)) for name in KUSTOMIZATIONS)


def is_chart(tree: Tree, folder: str) -> bool:
    return bool(tree.under(posixpath.join(folder, CHART_FILE)))


def _references(tree: Tree, path: str) -> Iterator[str]:
    """What a kustomization names that lies elsewhere in the repo."""
    folder = posixpath.dirname(path)
    for text in _texts(_loaded(tree, path)):
        if "://" in text or text.startswith("git@") or "?ref=" in text:
            what = f"the kustomization fetches {text.partition('?')[0]!r} from the network"
            fix = "put a copy into the repo, so that the commit says what is delivered"
            raise KibanError(Problem("sources/remote", what, Place(path), fix=fix))
        # A generator writes `key=file`.
        for word in (text, text.rpartition("=")[2]):
            if word.startswith("/"):
                continue
            place = posixpath.normpath(posixpath.join(folder, word))
            if place not in (folder, ".") and not place.startswith("..") and tree.under(place):
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
