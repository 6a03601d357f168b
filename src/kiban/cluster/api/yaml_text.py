"""Reading YAML that anybody may have sent: its size when written out, and its depth, are known
before anything is built of it.

A few hundred bytes of YAML can stand for gigabytes (aliases of aliases), and a loader that builds
one value inside the other ends with the process's stack. So the events are counted first.
"""

import re
from typing import Any

import yaml

# Objects nest some forty levels, definitions of custom kinds some more; what handles them needs
# several stack frames for each.
DEPTH_LIMIT = 128
# Values, aliases written out. The largest JSON body holds fewer that say anything.
VALUES_LIMIT = 500_000


class Unreadable(Exception):
    """A text that is not YAML, or not YAML for us; says why."""


def yaml_value(text: bytes) -> Any:
    """The value a document stands for. Raises `Unreadable`."""
    try:
        _check(text)
        return yaml.load(text, Loader=_loader())
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:
        # TypeError: a key that is a list or a map.
        raise Unreadable(" ".join(str(error).split())) from error


def _check(text: bytes) -> None:
    """Count without building. `open_` holds the values begun: their anchor and the count then."""
    sizes: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []
    count = 0
    for event in yaml.parse(text, Loader=_base()):
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor:
                sizes[anchor] = count - before
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise Unreadable(f"alias {event.anchor} stands for nothing, or for itself")
            count += sizes[event.anchor]
        elif isinstance(event, yaml.NodeEvent):
            count += 1
            if isinstance(event, yaml.CollectionStartEvent):
                open_.append((event.anchor, count))
            elif event.anchor:
                sizes[event.anchor] = 1
        if len(open_) > DEPTH_LIMIT:
            raise Unreadable(f"exceeded max depth of {DEPTH_LIMIT}")
        if count > VALUES_LIMIT:
            raise Unreadable(f"it stands for more than {VALUES_LIMIT} values")


def _base() -> Any:
    """The fast loader where libyaml is there."""
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _loader() -> type[Any]:
    """Timestamps stay text, as in JSON."""
    global _LOADER  # noqa: PLW0603
    if _LOADER is None:
        base: Any = _base()

        class Loader(base):  # type: ignore[misc]
            pass

        Loader.yaml_implicit_resolvers = {
            first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
            for first, found in base.yaml_implicit_resolvers.items()
        }
        # YAML 1.1 as Go reads it: a bare y or n is a boolean too.
        Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("[yYnN]$"), list("yYnN"))
        Loader.add_constructor("tag:yaml.org,2002:bool", _boolean)
        _LOADER = Loader
    return _LOADER


def _boolean(loader: Any, node: Any) -> bool:
    return str(node.value).lower() in ("y", "yes", "true", "on")


_LOADER: type[Any] | None = None
