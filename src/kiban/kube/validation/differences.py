"""How two states of a value differ, as the lines that messages end with."""

import difflib
from typing import Any

import orjson


def difference(before: Any, after: Any) -> str:
    """A unified difference of both states, three lines around each change.

    kube-apiserver shows its own types here; we show the fields as clients know them.
    """
    lines = difflib.unified_diff(_lines(before), _lines(after), lineterm="", n=3)
    return "\n".join(list(lines)[2:])


def _lines(value: Any) -> list[str]:
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
    return orjson.dumps(value, option=options).decode().splitlines()
