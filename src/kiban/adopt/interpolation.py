"""Compose's `${NAME:-default}` filled in, with what is known; what is not stays as it was written,
so that whoever reads it sees that it comes from the shell."""

import re
from collections.abc import Mapping
from typing import Any

_REFERENCE = re.compile(
    r"\$(?:(?P<escaped>\$)"
    r"|(?P<plain>[A-Za-z_][A-Za-z0-9_]*)"
    r"|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<how>:?[-?+])(?P<word>[^{}]*))?\})"
)
# What no text of ours holds, in place of a dollar that means itself.
_DOLLAR = "\0"


def interpolated(value: Any, known: Mapping[str, str]) -> Any:
    """A tree with its references filled in. Keys are names, in which Compose looks for none."""
    if isinstance(value, str):
        return _text(value, known)
    if isinstance(value, Mapping):
        return {key: interpolated(item, known) for key, item in value.items()}
    return [interpolated(item, known) for item in value] if isinstance(value, list) else value


def is_open(value: Any) -> bool:
    """Whether something in it is still to come from the shell."""
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, Mapping):
        return any(map(is_open, value.values()))
    return isinstance(value, list) and any(map(is_open, value))


def variables(text: str) -> dict[str, str]:
    """The lines of a file of variables, such as the `.env` beside a Compose file."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, sign, value = line.removeprefix("export ").partition("=")
        if sign and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name.strip()):
            found[name.strip()] = _unquoted(value.strip())
    return found


def _text(text: str, known: Mapping[str, str]) -> str:
    # A default may be made of another reference, which is filled in first.
    while (made := _REFERENCE.sub(lambda match: _value(match, known), text)) != text:
        text = made
    return text.replace(_DOLLAR, "$")


def _value(match: re.Match[str], known: Mapping[str, str]) -> str:
    if match["escaped"]:
        return _DOLLAR
    name, how, word = match["name"] or match["plain"], match["how"] or "", match["word"] or ""
    value = known.get(name)
    is_there = bool(value) if how.startswith(":") else value is not None
    if how.endswith("+"):
        return word if is_there else ""
    if is_there:
        return str(value)
    if how.endswith("-"):
        return word
    return f"${{{name}}}"


def _unquoted(value: str) -> str:
    if value[:1] in ("'", '"') and value[-1:] == value[:1] and len(value) > 1:
        return value[1:-1]
    return value.partition(" #")[0].rstrip()
