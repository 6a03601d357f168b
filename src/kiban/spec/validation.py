"""A located tree against a model: the model, or every mistake with its position.

Positions come from the tree. Unknown fields were found before (`spelling`).
"""

import types
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from kiban.primitives.differences import dotted
from kiban.primitives.located import Located, plain
from kiban.primitives.problems import Problem, nearest
from kiban.spec.words import (
    HOST_PATTERN,
    IMAGE_PATTERN,
    MODE_PATTERN,
    NAME_PATTERN,
    PATH_PATTERN,
    PLATFORM_PATTERN,
    PORT_NAME_PATTERN,
    VARIABLE_PATTERN,
)

Model = TypeVar("Model", bound=BaseModel)

# Leaving out one mistake can uncover another, such as a field now missing.
MAX_ROUNDS = 4


def validate(
    model: type[Model], tree: Located, problems: list[Problem], *, thing: str
) -> Model | None:
    """The model that a tree describes, with a problem for every mistake.

    What is wrong is left out and the rest is still validated, so that further checks can find
    further mistakes; None when nothing sensible is left. `thing` says what the tree is, for
    messages: `service stamp`.
    """
    data = plain(tree)
    left_out: set[tuple[str | int, ...]] = set()
    for _ in range(MAX_ROUNDS):
        try:
            return model.model_validate(data)
        except ValidationError as error:
            faults = error.errors(include_url=False)
        for fault in faults:
            loc = tuple(part for part in fault["loc"] if part != "[key]")
            if loc not in left_out:
                problems.append(_problem(model, tree, dict(fault), thing))
            left_out.add(loc)
            _leave_out(data, loc[:-1] if fault["type"] == "missing" else loc)
    return None


def _leave_out(data: Any, loc: tuple[str | int, ...]) -> None:
    for part in loc[:-1]:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return
    # In a list the place is kept, so that the places of other faults stay right.
    if isinstance(data, dict) and loc:
        data.pop(loc[-1], None)


def _problem(model: type[BaseModel], tree: Located, fault: dict[str, Any], thing: str) -> Problem:
    loc = tuple(part for part in fault["loc"] if part != "[key]")
    node = tree.nearest(loc)
    path = dotted(loc)
    kind = fault["type"]
    if kind == "missing":
        what = f"{thing} needs `{path}`"
        return Problem("spec/missing-field", what, node.key_place(), fix=f"add `{path}: ...`")
    if "[key]" in fault["loc"]:
        what = f"`{path}`: {_sentence(fault)}"
        return Problem("spec/wrong-name", what, node.key_place())
    return Problem("spec/wrong-value", f"`{path}`: {_sentence(fault)}", node.place())


def _sentence(fault: dict[str, Any]) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "wrong":
        return str(fault["msg"])
    given = fault.get("input")
    shown = "this map" if isinstance(given, dict) else repr(given)
    if kind == "literal_error":
        meant = nearest(str(given), [w.strip("'") for w in str(context["expected"]).split(", ")])
        hint = f"; did you mean `{meant}`?" if meant else ""
        return f"{shown} must be one of {context['expected']}{hint}"
    if kind == "string_pattern_mismatch":
        return f"{shown} must be {_PATTERNS.get(context['pattern'], 'like ' + context['pattern'])}"
    expected = _EXPECTED.get(kind)
    return f"{shown} must be {expected}" if expected else f"{shown}: {fault['msg'].lower()}"


_PATTERNS = {
    NAME_PATTERN: "lower-case letters, digits and hyphens, beginning with a letter",
    PATH_PATTERN: "a path that begins with /",
    PORT_NAME_PATTERN: "at most 15 lower-case letters, digits and hyphens",
    VARIABLE_PATTERN: "letters, digits and underscores, not beginning with a digit",
    HOST_PATTERN: "a host name, without a scheme, port or path",
    IMAGE_PATTERN: "the name of an image",
    PLATFORM_PATTERN: "a system and an architecture, like linux/arm64",
    MODE_PATTERN: "permissions in octal, like 0644",
}
_EXPECTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "dict_type": "a map",
    "list_type": "a list",
    "model_type": "a map",
    "model_attributes_type": "a map",
}


def inner(model: Any, part: str | int) -> Any:
    """The type of one part of a model, a map or a list; None where there is none."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        return fields_of(model).get(str(part))
    origin = get_origin(model)
    if origin is dict:
        return bare(get_args(model)[1])
    return bare(get_args(model)[0]) if origin is list else None


@cache
def fields_of(model: type[BaseModel]) -> Mapping[str, Any]:
    """The type of every field of a model, by the name that people write."""
    return {
        field.alias or name: bare(field.annotation) for name, field in model.model_fields.items()
    }


def bare(annotation: Any) -> Any:
    """A type with `Annotated` and `| None` taken off."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return next(bare(arg) for arg in get_args(annotation) if arg is not type(None))
    return bare(get_args(annotation)[0]) if hasattr(annotation, "__metadata__") else annotation
