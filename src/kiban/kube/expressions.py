"""Expressions of the Common Expression Language, as CustomResourceDefinitions and admission
policies hold them: compiled once, evaluated on plain data, with Kubernetes' own functions.

The only place that knows the library (see docs/decisions); it is imported when the first
expression is met. Function names: k8s.io/apiserver/pkg/cel/library.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from kiban.kube.expression_library import FUNCTIONS
from kiban.kube.expression_syntax import OPTIONAL_FIELD, rewritten

# Compiled expressions that are kept: more than the definitions of a large cluster hold.
KEPT_PROGRAMS = 4096
_WORDS = frozenset(
    [
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ]
)
_SYMBOLS = (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__"))


class WrongExpression(Exception):
    """An expression that cannot be read, or that failed on the values it was given."""


def check_syntax(source: str) -> None:
    """Raise `WrongExpression` when an expression cannot be read."""
    _program(source)


def evaluate(source: str, values: Mapping[str, Any]) -> Any:
    """What an expression says of some values. Raises `WrongExpression`."""
    program, context = _program(source), _library().Context()
    for name, function in _functions().items():
        context.add_function(name, function)
    for name, value in values.items():
        context.add_variable(name, value)
    try:
        return program.execute(context)
    except KeyError as error:
        raise WrongExpression(f"no such key: {error.args[0]}") from error
    except TypeError as error:
        raise WrongExpression("no such overload") from error
    except (ValueError, RuntimeError, ArithmeticError, AttributeError, IndexError) as error:
        raise WrongExpression(str(error)) from error


def maybe(value: Any) -> Any:
    """A value that may be absent (None), as `optional` in expressions."""
    optional = _library().OptionalValue
    return optional.none() if value is None else optional.of(value)


def escaped(name: str) -> str:
    """How expressions call a field whose name is a word or holds signs of the language."""
    if name in _WORDS:
        return f"__{name}__"
    for plain, written in _SYMBOLS:
        if plain in name:
            name = name.replace(plain, written)
    return name


@cache
def _library() -> Any:
    import cel

    return cel


@lru_cache(KEPT_PROGRAMS)
def _program(source: str) -> Any:
    try:
        return _library().compile(rewritten(source))
    except ValueError as error:
        text = str(error)
        _, found, rest = text.partition("': ")
        raise WrongExpression(rest if found else text) from error


@cache
def _functions() -> dict[str, Any]:
    """Kubernetes' functions beyond the language's own; methods get their receiver first."""
    standard = _library().stdlib
    return {
        **standard.STDLIB_FUNCTIONS,
        "isSorted": _is_sorted,
        "indexOf": _index_of,
        "lastIndexOf": _last_index_of,
        "find": lambda text, pattern: (re.search(pattern, text) or [""])[0],
        "findAll": _find_all,
        "isURL": _is_url,
        "url": _url,
        "getHost": lambda url: url["host"],
        "getHostname": lambda url: url["hostname"],
        "getPort": lambda url: url["port"],
        "getScheme": lambda url: url["scheme"],
        "getEscapedPath": lambda url: url["path"],
        **FUNCTIONS,
        OPTIONAL_FIELD: _optional_field,
        "format": _format,
    }


def _is_sorted(items: list[Any]) -> bool:
    return all(not later < earlier for earlier, later in pairwise(items))


def _index_of(where: Any, what: Any, start: int = 0) -> int:
    if isinstance(where, str):
        return where.find(what, start)
    return next((index for index, item in enumerate(where) if item == what), -1)


def _last_index_of(where: Any, what: Any) -> int:
    if isinstance(where, str):
        return where.rfind(what)
    return next((i for i in range(len(where) - 1, -1, -1) if where[i] == what), -1)


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [match.group() for match in re.finditer(pattern, text)]
    return found if limit < 0 else found[:limit]


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc) or text.startswith("/")


def _url(text: str) -> dict[str, str]:
    if not _is_url(text):
        raise ValueError(f'URL parse error during conversion from string: "{text}"')
    parts = urlsplit(text)
    return {
        "scheme": parts.scheme,
        "host": parts.netloc.rpartition("@")[2],
        "hostname": parts.hostname or "",
        "port": str(parts.port or ""),
        "path": parts.path,
    }


def _optional_field(holder: Any, name: Any) -> Any:
    """A field of a value that may not be there, as an optional value."""
    optional = _library().OptionalValue
    if isinstance(holder, optional):
        if not holder.has_value():
            return holder
        holder = holder.value()
    if isinstance(holder, list):
        there = isinstance(name, int) and 0 <= name < len(holder)
    else:
        there = isinstance(holder, dict) and name in holder
    return optional.of(holder[name]) if there else optional.none()


_VERB = re.compile(r"%(?:\.(\d+))?([sdfexXob%])")


def _format(text: str, values: list[Any]) -> str:
    rest = iter(values)

    def written(match: re.Match[str]) -> str:
        precision, verb = match.groups()
        if verb == "%":
            return "%"
        value = next(rest)
        if verb in "fe":
            return format(float(value), f".{precision or 6}{verb}")
        if verb in "xXob":
            return format(value, verb)
        return str(value).lower() if isinstance(value, bool) else str(value)

    return _VERB.sub(written, text)
