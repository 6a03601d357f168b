"""The short forms that people may write, each turned into the long form before anything merges.

Merging a short form with a long one would otherwise lose one of them. Values that are text by
nature (environment variables, tags) are taken as they were written: `1.10` stays `1.10`.
"""

import shlex
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from kiban.primitives.located import Located, plain

Expand = Callable[[Located], Located]


def expand_service(node: Located) -> Located:
    """The long form of a service file, or of a part of one that overrides it."""
    if not isinstance(node.value, dict):
        return node
    value = {key: _expanded(_SERVICE, key, item) for key, item in node.value.items()}
    if (kind := value.get("kind")) is not None and kind.value == "cron":
        value["kind"] = replace(kind, value="job", text="job")
    if "job" in value and "service" not in value:
        name = value.pop("job")
        value = {"service": name, "kind": name.with_value("job"), **value}
    return node.with_value(value)


def expand_platform(node: Located) -> Located:
    """The long form of platform.yaml."""
    if not isinstance(node.value, dict):
        return node
    return node.with_value(
        {key: _expanded(_PLATFORM, key, item) for key, item in node.value.items()}
    )


def _expanded(table: dict[str, Expand], key: str, item: Located) -> Located:
    expand = table.get(key)
    return item if expand is None or item.value is None else expand(item)


def _one(field: str) -> Expand:
    """A single value stands for a map with this one field."""

    def expand(node: Located) -> Located:
        if isinstance(node.value, dict):
            return node
        return node.with_value({field: node})

    return expand


def each(expand: Expand) -> Expand:
    """What changes every item of a map."""

    def every(node: Located) -> Located:
        if not isinstance(node.value, dict):
            return node
        items = {
            key: item if item.value is None else expand(item) for key, item in node.value.items()
        }
        return node.with_value(items)

    return every


def fields(**changes: Expand) -> Expand:
    """What changes some fields of a map."""

    def expand(node: Located) -> Located:
        if not isinstance(node.value, dict):
            return node
        items = {key: _expanded(changes, key, item) for key, item in node.value.items()}
        return node.with_value(items)

    return expand


def _all(*expands: Expand) -> Expand:
    def expand(node: Located) -> Located:
        for one in expands:
            node = one(node)
        return node

    return expand


def _as_written(node: Located) -> Located:
    return replace(node, value=node.text) if _is_scalar(node.value) else node


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, dict | list | None.__class__)


def tags_as_written(node: Located) -> Located:
    """The `releases` of a branch, whose tags may look like numbers."""
    return fields(releases=each(_as_written), expires=_as_written)(node)


def _words(node: Located) -> Located:
    """A command line in one string is split as a shell would."""
    if isinstance(node.value, str):
        try:
            words = shlex.split(node.value)
        except ValueError:
            return node
        return node.with_value([replace(node, value=word, text=word) for word in words])
    if isinstance(node.value, list):
        return node.with_value([_as_written(item) for item in node.value])
    return node


def _listed(node: Located) -> Located:
    """One item stands for a list of one."""
    return node.with_value([node]) if isinstance(node.value, str) else node


def _scale(node: Located) -> Located:
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.with_value({"min": node, "max": node})
    return node


def _same_path(node: Located) -> Located:
    """`liveness: true` asks the path of the readiness probe."""
    value = node.value
    if isinstance(value, dict) and (live := value.get("liveness")) and live.value is True:
        path = value.get("path")
        text = path.value if path else "/"
        return node.with_value({**value, "liveness": live.with_value(text)})
    return node


def _opaque(node: Located) -> Located:
    """The content of a patch belongs to Kubernetes: layers replace it whole, and a null in it is
    for the compiled object. As a read-only view it is no map to those who merge."""
    return node.with_value(MappingProxyType(plain(node))) if isinstance(node.value, dict) else node


_COMMANDS: dict[str, Expand] = {"command": _words, "args": _words}
_TEXTS = each(_as_written)
_FILE = ("mode", "content", "secret", "base64")
_SIDECAR: dict[str, Expand] = {**_COMMANDS, "env": _TEXTS, "secrets": _TEXTS, "image": _as_written}
_MAPS_OF_TEXT = (
    "labels",
    "annotations",
    "nodes",
    "tolerations",
    "links",
    "protocols",
)
_SERVICE: dict[str, Expand] = {
    **_COMMANDS,
    "build": _all(_one("context"), fields(args=_TEXTS, cache=_TEXTS, target=_as_written)),
    "health": _all(_one("path"), fields(command=_words, livenessCommand=_words), _same_path),
    "scale": _all(
        _scale,
        fields(
            metrics=each(_all(_one("target"), fields(labels=_TEXTS))),
            queues=each(_one("messages")),
        ),
    ),
    "availability": _one("zones"),
    "routes": each(_one("path")),
    "listeners": each(_one("port")),
    "rollout": _one("strategy"),
    "uses": each(_all(_one("type"), fields(params=_TEXTS))),
    "env": _TEXTS,
    "secrets": _TEXTS,
    "files": each(_all(_one("content"), fields(**dict.fromkeys(_FILE, _as_written)))),
    "volumes": each(_one("path")),
    "sidecars": each(_all(_one("image"), fields(**_SIDECAR))),
    "allow": each(_all(_one("namespace"), fields(labels=_TEXTS))),
    **dict.fromkeys(_MAPS_OF_TEXT, _TEXTS),
    **dict.fromkeys(
        ("init", "hooks"), each(_all(_one("command"), fields(**_COMMANDS, env=_TEXTS)))
    ),
    "schedule": _as_written,
    "patches": each(fields(set=_opaque, expires=_as_written)),
    "image": _as_written,
    "environments": each(expand_service),
    "clusters": each(expand_service),
}
_PLATFORM: dict[str, Expand] = {
    "defaults": expand_service,
    "teams": each(fields(defaults=expand_service)),
    "environments": each(
        _all(
            _one("cluster"),
            fields(
                defaults=expand_service,
                clusters=_words,
                secrets=_one("by"),
            ),
        )
    ),
    "clusters": each(
        fields(
            defaults=expand_service,
            version=_as_written,
            account=_as_written,
            nodes=each(fields(labels=_TEXTS)),
        )
    ),
    "rings": each(_one("soak")),
    "resources": each(_all(_one("type"), fields(version=_as_written, params=_TEXTS))),
    "classes": each(
        fields(version=_as_written, params=_TEXTS, outputs=_TEXTS, objects=each(_opaque))
    ),
    "sources": each(
        _all(
            _one("path"),
            fields(
                version=_as_written,
                values=_listed,
                only=_words,
                environments=each(_all(_one("path"), fields(values=_listed))),
            ),
        )
    ),
    "secrets": _one("by"),
    "patches": each(fields(set=_opaque, expires=_as_written)),
}
