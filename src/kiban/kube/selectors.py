"""Which objects a label selector chooses.

It is read from the text of a request or from a `LabelSelector` object and becomes a small frozen
value that tests labels quickly. What cannot be read raises `SelectorError` with
Kubernetes' own words (k8s.io/apimachinery/pkg/labels/selector.go).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from kiban.kube.formats import label_key_faults, label_value_faults
from kiban.kube.objects import Manifest, labels_of

Labels = Mapping[str, str]


class SelectorError(ValueError):
    """A selector that cannot be understood, in the words of the API server."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition. `operator` is one of `= != in notin exists ! > <`; values are sorted."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Labels) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "=" | "in":
                return value in self.values
            case "!=" | "notin":
                return value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
        return _compares(self.operator, value, self.values[0])

    def __str__(self) -> str:
        match self.operator:
            case "exists":
                return self.key
            case "!":
                return f"!{self.key}"
            case "in" | "notin":
                return f"{self.key} {self.operator} ({','.join(self.values)})"
        return f"{self.key}{self.operator}{self.values[0]}"


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Conditions that must all hold; without any it chooses everything."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False
    # Labels that every chosen object has exactly, for looking up in an index; whether to have
    # them is all that it takes to be chosen.
    exact: Mapping[str, str] = field(init=False, repr=False, compare=False)
    is_exact: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        exact = dict(self.equalities)
        whole = not self.nothing and len(exact) == len(self.requirements)
        object.__setattr__(self, "exact", exact)
        object.__setattr__(self, "is_exact", whole)

    def matches(self, labels: Labels) -> bool:
        if self.nothing:
            return False
        for requirement in self.requirements:
            if requirement.operator == "=":
                if labels.get(requirement.key) != requirement.values[0]:
                    return False
            elif not requirement.matches(labels):
                return False
        return True

    def chooses(self, manifest: Manifest) -> bool:
        return self.matches(labels_of(manifest))

    @property
    def equalities(self) -> tuple[tuple[str, str], ...]:
        """Labels that every chosen object has exactly, for looking up in an index."""
        return tuple(
            (requirement.key, requirement.values[0])
            for requirement in self.requirements
            if requirement.operator in ("=", "in") and len(requirement.values) == 1
        )

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in self.requirements)


EVERYTHING = LabelSelector()
NOTHING = LabelSelector(nothing=True)


def _compares(operator: str, value: str | None, bound: str) -> bool:
    try:
        number = int(value or "")
    except ValueError:
        return False
    return number > int(bound) if operator == ">" else number < int(bound)


def selector_from_labels(labels: Labels) -> LabelSelector:
    """Every one of these labels with this value, as in a Service's selector."""
    return LabelSelector(tuple(Requirement(key, "=", (labels[key],)) for key in sorted(labels)))


# Selectors in manifests are never changed, and the same few are read again and again. They are
# known by identity; each is held, so that no other can take its place.
READ_LIMIT = 8192
_READ: dict[int, tuple[Mapping[str, Any], LabelSelector]] = {}
_EXPRESSION_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}


def selector_from_object(selector: Mapping[str, Any] | None) -> LabelSelector:
    """A `metav1.LabelSelector`: null chooses nothing, an empty one everything.

    Raises `SelectorError` for an operator that does not exist.
    """
    if selector is None:
        return NOTHING
    known = _READ.get(id(selector))
    if known is not None and known[0] is selector:
        return known[1]
    found = _read_object(selector)
    if len(_READ) >= READ_LIMIT:
        _READ.clear()
    _READ[id(selector)] = (selector, found)
    return found


def _read_object(selector: Mapping[str, Any]) -> LabelSelector:
    requirements = list(selector_from_labels(selector.get("matchLabels") or {}).requirements)
    for expression in selector.get("matchExpressions") or ():
        operator = _EXPRESSION_OPERATORS.get(expression.get("operator", ""))
        if operator is None:
            text = expression.get("operator", "")
            raise SelectorError(f'"{text}" is not a valid label selector operator')
        values = tuple(sorted(expression.get("values") or ()))
        requirements.append(Requirement(expression["key"], operator, values))
    return LabelSelector(tuple(sorted(requirements, key=lambda entry: entry.key)))


# The grammar of label selectors: a scanner of words and symbols, and a parser of one look ahead.

_SYMBOLS = ("!=", "==", "=", "!", ",", "(", ")", ">", "<")
_TOKEN = re.compile(r"\s*(?:(!=|==|[=!,()><])|([^\s=!,()><]+)|$)")
_OPERATORS = {"=": "=", "==": "=", "!=": "!=", "in": "in", "notin": "notin", ">": ">", "<": "<"}


@lru_cache(maxsize=1024)
def parse_label_selector(text: str) -> LabelSelector:
    """`app=x,tier in (web,api),!legacy`. Raises `SelectorError`."""
    requirements = _Parser(_tokens(text)).parse()
    return LabelSelector(tuple(sorted(requirements, key=lambda entry: entry.key)))


def _tokens(text: str) -> list[str]:
    found, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match is not None, "every character is a symbol, a space or part of a word"
        found.append(match[1] or match[2] or "")
        position = match.end()
    return [token for token in found if token]


def _is_word(token: str) -> bool:
    return bool(token) and token not in _SYMBOLS


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens, self._at = tokens, 0

    def parse(self) -> list[Requirement]:
        requirements: list[Requirement] = []
        while True:
            token = self._peek()
            if token == "":
                return requirements
            if not _is_word(token) and token != "!":
                raise SelectorError(f"found '{token}', expected: !, identifier, or 'end of string'")
            requirements.append(self._requirement())
            token = self._take()
            if token == "":
                return requirements
            if token != ",":
                raise SelectorError(f"found '{token}', expected: ',' or 'end of string'")
            following = self._peek()
            if not _is_word(following) and following != "!":
                raise SelectorError(f"found '{following}', expected: identifier after ','")

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _requirement(self) -> Requirement:
        negated = self._peek() == "!"
        if negated:
            self._take()
        key = self._take()
        if not _is_word(key):
            _refuse(f"found '{key}', expected: identifier")
        for fault in label_key_faults(key):
            _refuse(f'<nil>: Invalid value: "{key}": {fault}')
        if negated:
            return Requirement(key, "!")
        if self._peek() in ("", ","):
            return Requirement(key, "exists")
        return self._comparison(key)

    def _comparison(self, key: str) -> Requirement:
        token = self._take()
        operator = _OPERATORS.get(token)
        if operator is None:
            _refuse(f"found '{token}', expected: in, notin, =, ==, !=, gt, lt")
        assert operator is not None
        values = self._set() if operator in ("in", "notin") else (self._exact(),)
        _check_values(key, operator, values)
        return Requirement(key, operator, tuple(sorted(dict.fromkeys(values))))

    def _exact(self) -> str:
        if self._peek() in ("", ","):
            return ""
        token = self._take()
        if not _is_word(token):
            _refuse(f"found '{token}', expected: identifier")
        return token

    def _set(self) -> tuple[str, ...]:
        token = self._take()
        if token != "(":
            _refuse(f"found '{token}' expected: '('")
        values: list[str] = []
        expects_value = True
        while True:
            token = self._take()
            if token == ")":
                return (*values, "") if expects_value else tuple(values)
            if token == ",":
                values += [""] if expects_value else []
                expects_value = True
            elif _is_word(token) and expects_value:
                values.append(token)
                expects_value = False
            else:
                _refuse(f"found '{token}', expected: ',' or ')'")


def _check_values(key: str, operator: str, values: tuple[str, ...]) -> None:
    if operator in ("<", ">") and not re.fullmatch(r"[+-]?\d+", values[0]):
        _refuse(
            f'values[0]: Invalid value: "{values[0]}": '
            "for 'Gt', 'Lt' operators, the value must be an integer"
        )
    for index, value in enumerate(values):
        for fault in label_value_faults(value):
            _refuse(f'values[{index}][{key}]: Invalid value: "{value}": {fault}')


def _refuse(what: str) -> None:
    raise SelectorError(f"unable to parse requirement: {what}")
