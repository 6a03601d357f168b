"""Fields that are not in the language, found in each file before anything is merged.

A field whose right name is plain is read as what was meant, so that one slip of the pen is one
problem and not a second one about what is missing.
"""

from typing import Any, get_args, get_origin

from pydantic import BaseModel

from kiban.primitives.located import Located
from kiban.primitives.problems import Problem, nearest
from kiban.spec.nouns import PlatformSpec
from kiban.spec.service import ServiceSpec
from kiban.spec.shorthand import each, expand_platform, expand_service, fields
from kiban.spec.validation import bare, fields_of, inner


def spelled_service(tree: Located, problems: list[Problem], thing: str) -> Located:
    """A service file, or a part of one, with the fields that were meant."""

    def part(node: Located) -> Located:
        return spelled(ServiceSpec, node, problems, thing)

    # Once more, because what was misspelled could not be expanded before.
    return expand_service(fields(environments=each(part), clusters=each(part))(part(tree)))


def spelled_platform(tree: Located, problems: list[Problem]) -> Located:
    """platform.yaml with the fields that were meant."""

    def part(node: Located) -> Located:
        return spelled(ServiceSpec, node, problems, "the defaults of services")

    defaults = each(fields(defaults=part))
    named = spelled(PlatformSpec, tree, problems, "the platform")
    every = fields(defaults=part, teams=defaults, environments=defaults, clusters=defaults)
    return expand_platform(every(named))


def spelled(model: Any, node: Located, problems: list[Problem], thing: str) -> Located:
    """The tree without unknown fields: read as what was meant, or left out."""
    if isinstance(node.value, list) and get_origin(model) is list:
        item_model = bare(get_args(model)[0])
        return node.with_value([spelled(item_model, one, problems, thing) for one in node.value])
    is_model = isinstance(model, type) and issubclass(model, BaseModel)
    if not isinstance(node.value, dict) or not (is_model or get_origin(model) is dict):
        return node
    known = fields_of(model) if is_model else node.value
    value: dict[str, Located] = {}
    for key, item in node.value.items():
        name = key
        if key not in known:
            name = nearest(key, known)
            problems.append(_unknown(key, name, known, item, thing))
        if name and (name == key or name not in node.value):
            place = thing if name not in _NESTED else f"`{name}`"
            value[name] = spelled(inner(model, name), item, problems, place)
    return node.with_value(value)


# Whose fields are told by their own name, rather than by that of the service.
_NESTED = frozenset(("health", "scale", "resources", "availability", "slo", "latency", "build"))


def _unknown(word: str, meant: str, known: Any, node: Located, thing: str) -> Problem:
    return Problem(
        "spec/unknown-field",
        f"`{word}` is not a field of {thing}" + (f"; did you mean `{meant}`?" if meant else ""),
        node.key_place(),
        why="a field that nobody reads would silently do nothing",
        fix=f"write `{meant}`" if meant else "use one of: " + ", ".join(sorted(known)),
    )
