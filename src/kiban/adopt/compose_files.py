"""What is a Compose file, and how Compose makes one of several."""

from collections.abc import Mapping
from typing import Any

# What Compose puts together from several files entry by entry; other lists replace one another.
_JOINED = frozenset(
    ("ports", "expose", "volumes", "tmpfs", "dns", "secrets", "configs", "env_file", "cap_add")
)


def is_compose(tree: Mapping[str, Any]) -> bool:
    """Whether a tree is what a Compose file holds; the oldest ones are nothing but services."""
    if isinstance(tree.get("services"), Mapping):
        return "apiVersion" not in tree
    return bool(tree) and all(
        isinstance(one, Mapping) and ("image" in one or "build" in one) for one in tree.values()
    )


def overridden(below: Any, above: Any, key: str = "") -> Any:
    """As Compose puts a file over another."""
    if key in ("environment", "labels"):
        below, above = pairs(below), pairs(above)
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        found = dict(below)
        for name, value in above.items():
            found[name] = overridden(below[name], value, name) if name in below else value
        return found
    if key in _JOINED and isinstance(below, list) and isinstance(above, list):
        return [*below, *(one for one in above if one not in below)]
    return above


def pairs(said: Any) -> dict[str, Any]:
    """A map that may be written as a list of `key=value`."""
    if isinstance(said, list):
        pairs = [str(one).partition("=") for one in said]
        return {key: value if sign else None for key, sign, value in pairs}
    return dict(said) if isinstance(said, Mapping) else {}
