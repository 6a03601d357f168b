"""What is left to say when a proposal has been compiled: the changes that turn the compiled object
into the original, as patches by identity.

Every text that holds the name of the service or the environment is written with a placeholder, so
that what all services have in common is the same patch and can be said once.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from kiban.adopt.meaning import canonical, completed, identity_of, is_ordered, unmarked
from kiban.adopt.placeholders import Words
from kiban.compiler.overlays import shape_for
from kiban.compiler.patches import (
    ADDED,
    ANY,
    IDENTITIES,
    POD_PATHS,
    Missing,
    filled,
    patch_order,
    patched,
)
from kiban.kube.objects import Manifest, get_in
from kiban.kube.schema import ANYTHING, Shape
from kiban.spec.service import Patch

REASON = "as it was"
_WORD = re.compile(r"[A-Za-z0-9_./{}*-]+")
_ABSENT: Any = object()
# What a path may begin with besides the pod; the identity of an object never changes here.
_TOP = frozenset(("metadata", "spec", "data"))
_METADATA = ("labels", "annotations", "name")


@dataclass(frozen=True, slots=True)
class Change:
    """One patch: where, and the new value; `removes` instead of it."""

    path: str
    value: Any = None
    removes: bool = False

    def as_field(self) -> dict[str, Any]:
        """As it is written in a spec."""
        said = {"remove": True} if self.removes else {"set": self.value}
        return {"reason": REASON, **said}


def residue(compiled: Manifest, original: Manifest, words: Words, main: str) -> list[Change]:
    """The changes from the compiled object to the original, names last. `main` is the name of
    the container that is the service itself."""
    finder = _Finder(original["kind"], words, main)
    bare = unmarked(compiled, original)
    known, wanted = completed(bare), completed(original)
    found: list[Change] = []
    for field in sorted(known.keys() | wanted.keys()):
        shape = shape_for(original).child(field) or ANYTHING
        if field == "metadata":
            for part in _METADATA:
                inside = shape.child(part) or ANYTHING
                found += finder.changes(
                    (field, part),
                    _Pair(known[field].get(part, _ABSENT), wanted[field].get(part, _ABSENT)),
                    _Pair(bare[field].get(part, _ABSENT), original[field].get(part, _ABSENT)),
                    inside,
                )
        elif field not in ("apiVersion", "kind"):
            found += finder.changes(
                (field,),
                _Pair(known.get(field, _ABSENT), wanted.get(field, _ABSENT)),
                _Pair(bare.get(field, _ABSENT), original.get(field, _ABSENT)),
                shape,
            )
    return sorted(found, key=lambda change: patch_order(change.path))


def object_name(kind: str, change: Change) -> str:
    """The key of a patch in a service file."""
    return f"{kind}/{ANY} {change.path}".rstrip()


class Prepared(NamedTuple):
    """A patch as the compiler would take it in one service: in its order, filled in."""

    order: tuple[bool, int]
    kind: str
    path: str
    patch: Patch


def prepared(name: str, change: Change, words: Words) -> Prepared:
    """The patch of a service file under this name."""
    kind, _, path = name.partition("/* ")
    known = words.as_map()
    patch = Patch(reason=REASON, set=filled(change.value, known), remove=change.removes)
    return Prepared(patch_order(name), kind.removesuffix("/*"), filled(path, known), patch)


def applied(manifest: Manifest, patches: Iterable[Prepared]) -> Manifest | None:
    """The object with the patches of its kind; None when it is to go."""
    result: Manifest | None = manifest
    for one in sorted(patches, key=lambda each: each.order):
        if result is None or one.kind != result["kind"]:
            continue
        try:
            result = patched(result, one.path, one.patch)
        except Missing:
            continue
    return result


@dataclass(frozen=True, slots=True)
class _Pair:
    """The same place on both sides; `_ABSENT` where there is nothing."""

    compiled: Any
    original: Any


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds the changes of one object. Values are compared with defaults filled in (`full`) and
    taken as they were written (`raw`)."""

    kind: str
    words: Words
    main: str

    def changes(
        self, path: tuple[str, ...], full: _Pair, raw: _Pair, shape: Shape
    ) -> Iterator[Change]:
        name = path[-1].strip("[]")
        if full.compiled is not _ABSENT and full.original is not _ABSENT:
            if shape.form == "object" and _are_maps(full) and _are_maps(raw):
                # Its fields decide; to compare it whole would do the same on each level.
                yield from self._maps(path, full, raw, shape)
                return
            left, right = (canonical(side, shape, name) for side in (full.compiled, full.original))
            if left == right and type(left) is type(right):
                return
            if raw.original is not _ABSENT and raw.compiled is not _ABSENT:
                if isinstance(full.compiled, dict) and isinstance(full.original, dict):
                    yield from self._maps(path, full, raw, shape)
                    return
                if isinstance(full.compiled, list) and isinstance(full.original, list):
                    yield from self._lists(path, full, raw, shape)
                    return
        elif name in _METADATA and {} in (full.compiled, full.original):
            return
        if raw.original is _ABSENT or raw.original is None:
            # Without it the defaults are what they are in the original.
            if raw.compiled is not _ABSENT:
                yield self._change(path, removes=True)
        else:
            yield self._change(path, raw.original)

    def _maps(
        self, path: tuple[str, ...], full: _Pair, raw: _Pair, shape: Shape
    ) -> Iterator[Change]:
        left, right = _dict(raw.compiled), _dict(raw.original)
        if shape.form == "map" and _is_flat(left) and _is_flat(right):
            # Labels and selectors belong together: one patch, which is often everybody's.
            value = {key: right[key] for key in right if left.get(key, _ABSENT) != right[key]}
            value |= dict.fromkeys(sorted(left.keys() - right.keys()))
            if value:
                yield self._change(path, value)
            return
        for key in sorted(full.compiled.keys() | full.original.keys()):
            yield from self.changes(
                (*path, key),
                _Pair(full.compiled.get(key, _ABSENT), full.original.get(key, _ABSENT)),
                _Pair(left.get(key, _ABSENT), right.get(key, _ABSENT)),
                shape.child(key) or ANYTHING,
            )

    def _lists(
        self, path: tuple[str, ...], full: _Pair, raw: _Pair, shape: Shape
    ) -> Iterator[Change]:
        left, right = _list(raw.compiled), _list(raw.original)
        pairs = self._paired(path, left, right, shape)
        if pairs is None:
            every = self._of_every(path, full, raw, shape)
            if every is None:
                every = [self._change(path, raw.original if right else None, removes=not right)]
            yield from every
            return
        for mine, theirs in pairs:
            if mine is None:
                assert theirs is not None
                value = right[theirs]
                called = re.sub(r"[\]\"\[]", "", identity_of(value, shape))
                yield self._change((*path, f"[{ADDED}{called}]"), value)
                continue
            # The only one of a list needs no name, which often differs between environments.
            only = len(left) == len(right) == 1 and not (shape.relation == "map" and shape.keys)
            step = f"[{ANY}]" if only else f"[{_called(left[mine])}]"
            if theirs is None:
                yield self._change((*path, step), removes=True)
            else:
                item = shape.items or ANYTHING
                yield from self.changes(
                    (*path, step),
                    _Pair(_at(full.compiled, mine), _at(full.original, theirs)),
                    _Pair(left[mine], right[theirs]),
                    item,
                )

    def _of_every(
        self, path: tuple[str, ...], full: _Pair, raw: _Pair, shape: Shape
    ) -> list[Change] | None:
        """What changes in every entry alike, of lists of objects with the same names, such as the
        claims of a StatefulSet; None where that is not so."""
        left, right = _list(raw.compiled), _list(raw.original)
        names = [get_in(_dict(one), "metadata", "name") for one in left]
        if None in names or names != [get_in(_dict(one), "metadata", "name") for one in right]:
            return None
        found = [
            list(
                self.changes(
                    (*path, f"[{ANY}]"),
                    _Pair(_at(full.compiled, place), _at(full.original, place)),
                    _Pair(left[place], right[place]),
                    shape.items or ANYTHING,
                )
            )
            for place in range(len(left))
        ]
        return found[0] if found and all(one == found[0] for one in found) else None

    def _paired(
        self, path: tuple[str, ...], left: list[Any], right: list[Any], shape: Shape
    ) -> list[tuple[int | None, int | None]] | None:
        """Which entries are the same ones, by their places; None when the list is replaced."""
        name = path[-1]
        if is_ordered(right, name) or not all(isinstance(one, dict) for one in [*left, *right]):
            return None
        if len({_called(one) for one in left}) < len(left) or None in map(_called, left):
            return None
        keyed = shape.relation == "map" and bool(shape.keys)
        if not keyed and (len(left), len(right)) != (1, 1):
            return None
        there = {identity_of(one, shape): place for place, one in enumerate(right)}
        if keyed and len(there) < len(right):
            return None
        found: dict[int, int] = {}
        if keyed:
            for place, one in enumerate(left):
                if (match := there.get(identity_of(one, shape))) is not None:
                    found[place] = match
        open_left = [place for place in range(len(left)) if place not in found]
        open_right = [place for place in range(len(right)) if place not in found.values()]
        if path[-1] == "containers":
            open_right.sort(key=lambda place: right[place].get("name") != self.main)
        if open_left and open_right and (path[-1] == "containers" or len(left) == len(right) == 1):
            found[open_left[0]] = open_right[0]
        pairs: list[tuple[int | None, int | None]] = [
            (place, found.get(place)) for place in range(len(left))
        ]
        taken = set(found.values())
        return pairs + [(None, place) for place in range(len(right)) if place not in taken]

    def _change(self, path: tuple[str, ...], value: Any = None, *, removes: bool = False) -> Change:
        pod = POD_PATHS.get(self.kind, ())
        steps = list(path)
        # A pod's own field is addressed from the pod, unless it could be taken for the object's.
        if pod and tuple(steps[: len(pod)]) == pod and len(steps) > len(pod):
            inside = steps[len(pod) :]
            steps = inside if inside[0] not in _TOP else steps
        return Change(self.words.templated(_dotted(steps)), self.words.templated(value), removes)


def _dotted(steps: list[str]) -> str:
    text = ""
    for step in steps:
        if step.startswith("["):
            inside = step[1:-1]
            text += step if _WORD.fullmatch(inside.lstrip(ADDED)) else f'["{inside}"]'
        elif re.fullmatch(r"[A-Za-z0-9_-]+", step):
            text += f".{step}" if text else step
        else:
            text += f'["{step}"]'
    return text


def _called(item: Any) -> str | None:
    """By what a patch finds an entry of a list."""
    if not isinstance(item, dict):
        return str(item)
    return next((str(item[key]) for key in IDENTITIES if key in item), None)


def _are_maps(pair: _Pair) -> bool:
    return isinstance(pair.compiled, dict) and isinstance(pair.original, dict)


def _is_flat(value: Mapping[str, Any]) -> bool:
    return all(isinstance(item, str | int | float | bool) for item in value.values())


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _at(items: Any, place: int) -> Any:
    """With defaults filled in, entries keep their places."""
    return items[place] if isinstance(items, list) and place < len(items) else _ABSENT
