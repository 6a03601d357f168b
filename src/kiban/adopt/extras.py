"""Objects that are adopted as they are: one directory of plain YAML, with what all environments
have in common and, for each environment, only what differs.

Where nothing has to be changed the text is kept as it was written, comments and all.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kiban.adopt.copies import Copy, Name, cleaned, is_noted
from kiban.adopt.meaning import meaning
from kiban.adopt.writing import written
from kiban.compiler.overlays import DIRECTIVE, overlaid, shape_for
from kiban.compiler.sources import is_namespaced
from kiban.kube.documents import read_documents
from kiban.kube.merges.refusals import PatchRefused
from kiban.kube.objects import Manifest
from kiban.kube.schema import ANYTHING, Shape
from kiban.primitives.canonical import yaml_text

FOLDER = "objects"
SOURCE = "objects"
_ENVIRONMENTS = f"{FOLDER}/environments"


@dataclass(slots=True)
class Extras:
    """The files of the directory, and the objects they hold in each environment."""

    common: dict[str, list[str]] = field(default_factory=dict)
    own: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def files(self) -> dict[str, str]:
        """The texts by path."""
        found = {f"{FOLDER}/{path}": _joined(texts) for path, texts in self.common.items()}
        for environment, files in self.own.items():
            for path, texts in files.items():
                found[f"{_ENVIRONMENTS}/{environment}/{path}"] = _joined(texts)
        return dict(sorted(found.items()))


def read_back(files: Mapping[str, str], environment: str) -> tuple[Manifest, ...]:
    """The objects of an environment, from the text of the files."""
    own = f"{_ENVIRONMENTS}/{environment}/"
    common = [
        path
        for path in files
        if path.startswith(f"{FOLDER}/") and not path.startswith(f"{_ENVIRONMENTS}/")
    ]
    return overlaid(
        _read(files, common), _read(files, [path for path in files if path.startswith(own)])
    )


def _read(files: Mapping[str, str], paths: Iterable[str]) -> list[Manifest]:
    return [one.manifest for path in paths for one in read_documents(path, files[path])[0]]


def extras_of(
    copies: Sequence[Copy],
    left: Mapping[str, Sequence[Name]],
    file_of: Callable[[Name], str],
) -> Extras:
    """The objects that are left, folded. `left` names them by environment."""
    result = Extras()
    by_name: dict[Name, list[Copy]] = {}
    for copy in copies:
        for name in left.get(copy.environment, ()):
            by_name.setdefault(name, []).append(copy)
    for name, having in sorted(by_name.items()):
        _fold(result, name, having, copies, file_of(name))
    return result


def _fold(
    result: Extras, name: Name, having: Sequence[Copy], copies: Sequence[Copy], path: str
) -> None:
    versions = {copy.environment: placed(copy.objects[name], copy, copies) for copy in having}
    meanings = {environment: meaning(one) for environment, one in versions.items()}
    common = _commonest(meanings)
    base = versions[common]
    if len(having) * 2 <= len(copies):
        for copy in having:
            manifest = versions[copy.environment]
            _own(result, copy, path, _text(copy, name, manifest))
        return
    source = next(copy for copy in having if copy.environment == common)
    result.common.setdefault(path, []).append(_text(source, name, base))
    for copy in copies:
        mine = versions.get(copy.environment)
        if mine is None:
            gone = {DIRECTIVE: "delete", **_identity(base)}
            _own(result, copy, path, written(gone))
        elif meanings[copy.environment] != meanings[common]:
            _own(result, copy, path, written(_overlay(base, mine)))


def placed(manifest: Manifest, copy: Copy, copies: Sequence[Copy]) -> Manifest:
    """Without the namespace that follows from the environment, where there are several, or that
    means nothing because the kind lives in none."""
    named = manifest["metadata"].get("namespace")
    follows = named == copy.namespace and len(copies) > 1
    if named is None or not (follows or not is_namespaced(manifest, copy.clustered)):
        return manifest
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "namespace"}
    return {**manifest, "metadata": metadata}


def _own(result: Extras, copy: Copy, path: str, text: str) -> None:
    result.own.setdefault(copy.environment, {}).setdefault(path, []).append(text)


def _commonest(meanings: Mapping[str, Any]) -> str:
    """The environment whose object most others mean as well."""
    counts = {
        name: sum(other == mine for other in meanings.values()) for name, mine in meanings.items()
    }
    return max(meanings, key=lambda name: counts[name])


def _text(copy: Copy, name: Name, manifest: Manifest) -> str:
    """The text it was read from, comments and all, if that says the same; without the namespace
    where that follows from the environment."""
    origin = copy.origins[name]
    if not origin.inside and not is_noted(origin.manifest):
        text = origin.text.removeprefix("---").lstrip("\n").rstrip() + "\n"
        for candidate in (text, *_without_namespace(text, origin.manifest)):
            found, _ = read_documents("", candidate)
            if [cleaned(one.manifest) for one in found] == [manifest]:
                return candidate
    return yaml_text(manifest)


def _without_namespace(text: str, manifest: Manifest) -> Iterator[str]:
    """The text without the line, or the part of a line, that names the namespace."""
    namespace = manifest["metadata"].get("namespace") or ""
    word = rf"namespace: *[\"']?{re.escape(namespace)}[\"']?"
    for pattern in (rf"(?m)^ +{word} *\n", rf", *{word}(?=[,}}])", rf"(?<={{){word}, *"):
        yield re.sub(pattern, "", text, count=1)


def _overlay(base: Manifest, wanted: Manifest) -> Manifest:
    """What turns the common object into this one when it is merged over; the whole object where
    that cannot be said."""
    patch = {**_identity(base), **_difference(base, wanted, shape_for(base))}
    metadata = {**_identity(base)["metadata"], **(patch.get("metadata") or {})}
    patch["metadata"] = metadata
    try:
        [made] = overlaid([base], [patch])
    except (PatchRefused, AttributeError, KeyError, TypeError, ValueError):
        return {DIRECTIVE: "replace", **wanted}
    return patch if meaning(made) == meaning(wanted) else {DIRECTIVE: "replace", **wanted}


def _identity(manifest: Manifest) -> Manifest:
    metadata = manifest["metadata"]
    known = {key: metadata[key] for key in ("name", "namespace") if key in metadata}
    return {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], "metadata": known}


def _difference(base: Any, wanted: Any, shape: Shape) -> dict[str, Any]:
    found: dict[str, Any] = {key: None for key in base if key not in wanted}
    for key, value in wanted.items():
        if key not in base:
            found[key] = value
        elif base[key] != value or isinstance(base[key], bool) != isinstance(value, bool):
            found[key] = _changed(base[key], value, shape, key)
    return found


def _changed(base: Any, wanted: Any, shape: Shape, key: str) -> Any:
    inside = shape.child(key) or ANYTHING
    if isinstance(base, dict) and isinstance(wanted, dict):
        return _difference(base, wanted, inside)
    known = shape.fields.get(key) if shape.form == "object" else None
    merge_key = known.merge_key if known is not None else ""
    lists = isinstance(base, list) and isinstance(wanted, list)
    if not (merge_key and lists and all(isinstance(one, dict) for one in [*base, *wanted])):
        return wanted
    before = {one.get(merge_key): one for one in base}
    after = {one.get(merge_key): one for one in wanted}
    if len(before) < len(base) or len(after) < len(wanted):
        return [{DIRECTIVE: "replace"}, *wanted]
    items = [{DIRECTIVE: "delete", merge_key: name} for name in before if name not in after]
    for name, item in after.items():
        if name not in before:
            items.append(item)
        elif before[name] != item:
            items.append(
                {merge_key: name, **_difference(before[name], item, inside.items or ANYTHING)}
            )
    return items


def _joined(texts: Iterable[str]) -> str:
    return "---\n".join(texts)
