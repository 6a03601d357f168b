"""Path elements: how an item of a list is named, and how a path is written for people."""

import json
from functools import lru_cache
from typing import Any

from kiban.kube.schema.shapes import Shape


def elements_of(items: list[Any], shape: Shape) -> list[str]:
    """The elements of all items of a list, in their order."""
    if len(shape.keys) == 1 and shape.relation != "set":
        key = shape.keys[0]
        known = _KNOWN.get(key)
        if known is None:
            known = _KNOWN[key] = _Named(key)
        try:
            return [known[item[key]] for item in items]
        except (KeyError, TypeError):
            # An item without its key, or one that is no text: rare, and told apart below.
            pass
    return [item_element(item, shape) for item in items]


class _Named(dict[str, str]):
    """From the value of a list's only key to the element; of so many values as are in use."""

    __slots__ = ("_key",)

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key

    def __missing__(self, value: str) -> str:
        if not isinstance(value, str):
            raise KeyError(value)
        element = _string_key(self._key, value)
        if len(self) < MOST_NAMES:
            self[value] = element
        return element


MOST_NAMES = 4096
_KNOWN: dict[str, _Named] = {}


def item_element(item: Any, shape: Shape) -> str:
    """The element of an item of a set or of a list keyed by fields."""
    if shape.relation == "set":
        return _string(item) if isinstance(item, str) else f"v:{_json(item)}"
    given = item if isinstance(item, dict) else {}
    if len(shape.keys) == 1:
        key = shape.keys[0]
        value = given.get(key)
        if isinstance(value, str):
            return _string_key(key, value)
    values = []
    for key in sorted(shape.keys):
        value = given.get(key)
        value = shape.key_default(key) if value is None else value
        # With its type, for True is not 1 here.
        values.append((key, value, type(value)))
    try:
        return _keys(tuple(values))
    except TypeError:
        return _keys.__wrapped__(tuple(values))


@lru_cache(maxsize=4096)
def _string(value: str) -> str:
    return f"v:{_json(value)}"


@lru_cache(maxsize=4096)
def _string_key(key: str, value: str) -> str:
    return f"k:{_json({key: value})}"


@lru_cache(maxsize=4096)
def _keys(values: tuple[tuple[str, Any, type], ...]) -> str:
    return f"k:{_json({key: value for key, value, _ in values})}"


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def written(path: tuple[str, ...]) -> str:
    """`.spec.containers[name="a"].image`."""
    return "".join(_written_element(element) for element in path)


def _written_element(element: str) -> str:
    mark, _, rest = element.partition(":")
    if mark == "f":
        return f".{rest}"
    if mark == "v":
        return f"[={rest}]"
    if mark == "k":
        keys: dict[str, Any] = json.loads(rest)
        return "[" + ",".join(f"{key}={_json(keys[key])}" for key in sorted(keys)) + "]"
    return f"[{rest}]"
