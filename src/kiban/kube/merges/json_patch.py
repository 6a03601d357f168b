"""RFC 6902: a patch is a list of operations at JSON pointers."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from kiban.kube.merges.refusals import PatchRefused, bad_request, unprocessable
from kiban.primitives.digits import whole_number

MOST_OPERATIONS = 10_000


def json_patch(target: Any, operations: Any) -> Any:
    """The target after all operations, or `PatchRefused`. The target is not changed."""
    if not isinstance(operations, list):
        raise bad_request("error decoding patch: expected a list of operations")
    if len(operations) > MOST_OPERATIONS:
        raise PatchRefused(
            413,
            "RequestEntityTooLarge",
            "Request entity too large: The allowed maximum operations in a JSON patch is "
            f"{MOST_OPERATIONS}, got {len(operations)}",
        )
    holder = {"": deepcopy(target)}
    for operation in operations:
        if not isinstance(operation, dict):
            raise bad_request("error decoding patch: an operation must be an object")
        act = _OPERATIONS.get(str(operation.get("op", "")))
        if act is None:
            raise unprocessable()
        act(holder, operation)
    return holder.get("")


def _pointer(operation: dict[str, Any], name: str = "path") -> list[str]:
    text = operation.get(name)
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise unprocessable()
    parts = [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]
    return ["", *parts]


def _value(operation: dict[str, Any]) -> Any:
    if "value" not in operation:
        raise unprocessable()
    return deepcopy(operation["value"])


def _find(holder: Any, path: list[str]) -> Any:
    for part in path:
        if isinstance(holder, dict) and part in holder:
            holder = holder[part]
        elif isinstance(holder, list):
            holder = holder[_index(part, len(holder) - 1)]
        else:
            raise unprocessable()
    return holder


def _index(part: str, last: int) -> int:
    index = whole_number(part)
    if index is None or str(index) != part or index > last:
        raise unprocessable()
    return index


def _put(holder: Any, path: list[str], value: Any) -> None:
    parent, last = _find(holder, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else _index(last, len(parent)), value)
    else:
        raise unprocessable()


def _take(holder: Any, path: list[str]) -> Any:
    value = _find(holder, path)
    parent, last = _find(holder, path[:-1]), path[-1]
    if isinstance(parent, dict):
        del parent[last]
    else:
        del parent[int(last)]
    return value


def _add(holder: Any, operation: dict[str, Any]) -> None:
    _put(holder, _pointer(operation), _value(operation))


def _remove(holder: Any, operation: dict[str, Any]) -> None:
    _take(holder, _pointer(operation))


def _replace(holder: Any, operation: dict[str, Any]) -> None:
    """Like the server's own library, a key of an object need not be there."""
    path = _pointer(operation)
    parent, last = _find(holder, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[last] = _value(operation)
    elif isinstance(parent, list):
        parent[_index(last, len(parent) - 1)] = _value(operation)
    else:
        raise unprocessable()


def _move(holder: Any, operation: dict[str, Any]) -> None:
    _put(holder, _pointer(operation), _take(holder, _pointer(operation, "from")))


def _copy(holder: Any, operation: dict[str, Any]) -> None:
    _put(holder, _pointer(operation), deepcopy(_find(holder, _pointer(operation, "from"))))


def _test(holder: Any, operation: dict[str, Any]) -> None:
    path, wanted = _pointer(operation), operation.get("value")
    try:
        found = _find(holder, path)
    except PatchRefused:
        if wanted is None:
            return
        raise
    if found != wanted or isinstance(found, bool) != isinstance(wanted, bool):
        raise unprocessable()


_OPERATIONS: dict[str, Callable[[Any, dict[str, Any]], None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
