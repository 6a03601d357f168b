"""`${...}` in the texts of a service file: what only the environment knows, written where it is
needed.

`${resources.main.url}` is what a resource in `uses` tells, `${services.user.host}` the address of a
service there, and a single word is one of `WORDS`. Anything else stays as it is, since programs
have placeholders of their own; `$${` is `${`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from kiban.primitives.problems import nearest

WORDS = (
    "environment",
    "namespace",
    "platform",
    "service",
    "release",
    "domain",
    "cluster",
    "region",
)
ROOTS = ("resources", "services")
_PLACEHOLDER = re.compile(r"\$(\$?)\{([A-Za-z][A-Za-z0-9_.-]*)\}|\$\$\{")


@dataclass(frozen=True, slots=True)
class Reference:
    """What stands between the braces: a word alone, or an output of something in `uses`."""

    root: str
    key: str = ""
    output: str = ""

    def __str__(self) -> str:
        return ".".join(filter(None, (self.root, self.key, self.output)))


def references(text: str) -> Iterator[Reference]:
    """The placeholders of a text that are ours, in order."""
    for match in _PLACEHOLDER.finditer(text):
        if not match[1] and match[2] and (found := _reference(match[2])) is not None:
            yield found


def filled(text: str, value: Callable[[Reference], str]) -> str:
    """The text with every placeholder of ours replaced by its value."""

    def one(match: re.Match[str]) -> str:
        if match[1] or not match[2]:
            return match[0][1:]
        found = _reference(match[2])
        return match[0] if found is None else value(found)

    return _PLACEHOLDER.sub(one, text) if "${" in text else text


def escaped(text: str) -> str:
    """A text that stands for itself, whatever is in it."""
    changes = "$${" in text or any(True for _ in faults(text, {})) or any(references(text))
    return text.replace("${", "$${") if changes else text


def faults(text: str, told: Mapping[tuple[str, str], tuple[str, ...]]) -> Iterator[str]:
    """What is wrong with the placeholders of a text. `told` has the outputs of what a service
    uses, by root and key."""
    for match in _PLACEHOLDER.finditer(text):
        if match[1] or not match[2]:
            continue
        found = _reference(match[2])
        if found is None:
            root, dot, _ = match[2].partition(".")
            if dot and (meant := nearest(root, ROOTS)):
                yield f"`{match[0]}` means nothing; did you mean `{meant}`?"
        elif found.root in ROOTS:
            yield from _unknown(match[0], found, told)


def _unknown(
    shown: str, found: Reference, told: Mapping[tuple[str, str], tuple[str, ...]]
) -> Iterator[str]:
    keys = sorted(key for root, key in told if root == found.root)
    if found.key not in keys:
        meant = nearest(found.key, keys)
        hint = f"did you mean {meant!r}?" if meant else f"known: {', '.join(keys) or 'none'}"
        yield f"`{shown}`: there is no {found.root[:-1]} {found.key!r} in `uses`; {hint}"
        return
    outputs = told[found.root, found.key]
    if found.output not in outputs:
        known = ", ".join(outputs) or "nothing"
        yield f"`{shown}`: {found.key!r} tells no {found.output!r}; it tells {known}"


def _reference(inside: str) -> Reference | None:
    root, *rest = inside.split(".")
    if not rest:
        return Reference(root) if root in WORDS else None
    if root not in ROOTS:
        return None
    return Reference(root, rest[0], ".".join(rest[1:]))
