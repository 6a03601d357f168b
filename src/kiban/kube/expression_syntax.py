"""Expressions written with syntax that the library does not read, rewritten with what it reads.

| written | read as |
|---|---|
| `a.?b.c`, `a[?k]` | `a.optionalField('b').optionalField('c')`, `a.optionalField(k)` |
| `cel.bind(x, e, body)` | `[e].map(x, body)[0]` |
| `Object.spec{replicas: 1}` | `{"replicas": 1}` |
"""

import re
from collections.abc import Sequence

OPTIONAL_FIELD = "optionalField"
_TOKEN = re.compile(
    r"""(?P<text>[rRbB]{0,2}(?:\"\"\"(?:\\.|.)*?\"\"\"|'''(?:\\.|.)*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))"""
    r"""|(?P<comment>//[^\n]*)|(?P<name>[A-Za-z_]\w*|`[^`]*`)|(?P<number>\d[\w.]*)|(?P<space>\s+)"""
    r"""|(?P<sign>&&|\|\||[=!<>]=|\.\?|\[\?|.)""",
    re.DOTALL,
)
_MADE = ("Object", "JSONPatch")
_OPENING, _CLOSING = {"(": ")", "[": "]", "[?": "]", "{": "}"}, frozenset(")]}")
_MAYBE = re.compile(r"\.\?|\[\?|cel\.bind|\b(?:Object|JSONPatch)\b[\w.]*\s*\{")


def rewritten(source: str) -> str:
    """The same expression in syntax that the library reads."""
    if not _MAYBE.search(source):
        return source
    tokens = [match.group() for match in _TOKEN.finditer(source) if match.lastgroup not in _UNSAID]
    return _written(tokens)


_UNSAID = ("space", "comment")


def _written(tokens: Sequence[str]) -> str:
    """The text of some tokens, each bracket of which is closed."""
    out: list[str] = []
    at = 0
    # Whether what stands before is an optional value whose fields are optional too.
    optional = False
    while at < len(tokens):
        token = tokens[at]
        if token == "cel" and _is_call(tokens, at, "bind"):
            end = _end(tokens, at + 3)
            name, value, body = _split(tokens[at + 4 : end])
            out.append(f"[{_written(value)}].map({''.join(name)}, {_written(body)})[0]")
            at = end + 1
        elif token in _MADE and (brace := _brace(tokens, at)):
            end = _end(tokens, brace)
            out.append(_literal(tokens[brace + 1 : end]))
            at = end + 1
        elif token == ".?" or (token == "." and optional and not _calls(tokens, at)):
            out.append(f".{OPTIONAL_FIELD}('{tokens[at + 1].strip('`')}')")
            optional, at = True, at + 2
        elif token == "[?" or (token == "[" and optional):
            end = _end(tokens, at)
            out.append(f".{OPTIONAL_FIELD}({_written(tokens[at + 1 : end])})")
            optional, at = True, end + 1
        elif token in _OPENING:
            end = _end(tokens, at)
            out.append(f"{token}{_written(tokens[at + 1 : end])}{_OPENING[token]}")
            optional, at = False, end + 1
        else:
            optional = optional and token == "."
            out.append(f" {token} " if token == "in" else token)
            at += 1
    return "".join(out)


def _is_call(tokens: Sequence[str], at: int, name: str) -> bool:
    return list(tokens[at + 1 : at + 4]) == [".", name, "("]


def _calls(tokens: Sequence[str], at: int) -> bool:
    """Whether the name after a dot is a method's."""
    return at + 2 < len(tokens) and tokens[at + 2] == "("


def _brace(tokens: Sequence[str], at: int) -> int:
    """Where the braces of a made object begin; 0 when it is none."""
    at += 1
    while at + 1 < len(tokens) and tokens[at] == ".":
        at += 2
    return at if at < len(tokens) and tokens[at] == "{" else 0


def _literal(tokens: Sequence[str]) -> str:
    pairs = []
    for part in _split(tokens):
        if part:
            name, _, *value = part
            pairs.append(f'"{name.strip("`")}": {_written(value)}')
    return "{" + ", ".join(pairs) + "}"


def _end(tokens: Sequence[str], at: int) -> int:
    """Where the bracket that opens there is closed."""
    depth = 0
    for place in range(at, len(tokens)):
        depth += (tokens[place] in _OPENING) - (tokens[place] in _CLOSING)
        if not depth:
            return place
    return len(tokens)


def _split(tokens: Sequence[str]) -> list[list[str]]:
    """The parts between commas that stand in no bracket."""
    parts: list[list[str]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token in _OPENING) - (token in _CLOSING)
        if token == "," and not depth:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
