"""Reading what a client sent: JSON or YAML, once, with what is odd about it.

Source: k8s.io/apimachinery/pkg/runtime/serializer and apiserver/pkg/endpoints/handlers/create.go.
"""

import json
import re
from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson

from kiban.cluster.api import protobuf, yaml_text
from kiban.cluster.api.failures import Failure, bad_request, invalid, wrong_value
from kiban.cluster.api.values import Request
from kiban.cluster.api.yaml_text import DEPTH_LIMIT
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import Manifest

# limits for one body, in bytes (apiserver: MaxRequestBodyBytes).
BODY_LIMIT = 3 * 1024 * 1024
YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml")
_ACCEPTED = (
    "the body of the request was in an unknown format - accepted media types include: "
    "application/json, application/yaml, application/vnd.kubernetes.protobuf"
)
_KEY_MARK = re.compile(rb'"\s*:')


def media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def check_size(request: Request) -> None:
    if len(request.body) > BODY_LIMIT:
        message = f"Request entity too large: limit is {BODY_LIMIT}"
        raise Failure(413, "RequestEntityTooLarge", message)


def object_of(request: Request, info_kind: str) -> tuple[Manifest, tuple[str, ...]]:
    """The object in a body, and the paths of keys it holds twice. Raises `Failure`."""
    check_size(request)
    media = media_type(request)
    if media in YAML_TYPES:
        return _mapping(yaml_value(request.body, info_kind), info_kind), ()
    if media == protobuf.MEDIA_TYPE:
        try:
            return protobuf.decoded(request.body), ()
        except protobuf.Unreadable as why:
            raise unsupported_media(f"{_ACCEPTED}: {why}") from why
    if media not in ("", "application/json"):
        raise unsupported_media(_ACCEPTED)
    try:
        value = json_value(request.body)
    except ValueError as error:
        raise _unrecognized(info_kind, str(error)) from error
    return _mapping(value, info_kind), duplicate_keys(request.body, value)


def yaml_value(text: bytes, info_kind: str) -> Any:
    try:
        value = yaml_text.yaml_value(text)
        # What JSON cannot say (a set, bytes, a key that is no text, a huge number) is no manifest.
        return orjson.loads(orjson.dumps(value))
    except (yaml_text.Unreadable, orjson.JSONEncodeError) as error:
        raise bad_request(f"error parsing YAML of a {info_kind}: {error}") from error


def json_value(text: bytes) -> Any:
    """What a JSON text says. Raises `ValueError`."""
    value = orjson.loads(text)
    # Nothing is deeper than it has brackets.
    may_be_deep = text.count(b"{") + text.count(b"[") > DEPTH_LIMIT
    if may_be_deep and _depth_left(value, DEPTH_LIMIT) < 0:
        raise ValueError(f"exceeded max depth of {DEPTH_LIMIT}")
    return value


def _depth_left(value: Any, depth: int) -> int:
    """How much deeper than a value one might still go; below zero, it is too deep."""
    if depth >= 0 and isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        nested = [item for item in inner if isinstance(item, dict | list)]
        return min((_depth_left(item, depth - 1) for item in nested), default=depth - 1)
    return depth


def configuration_of(request: Request, info: KindInfo) -> Manifest:
    """The configuration in an apply, which must say what it is. Raises `Failure`."""
    check_size(request)
    value = _either(request.body, info.kind)
    if not isinstance(value, dict):
        raise bad_request(f"error decoding YAML: a configuration must be an object, not {value!r}")
    version, kind = value.get("apiVersion") or "", value.get("kind") or ""
    if version != info.api_version or kind != info.kind:
        group, _, number = str(version).rpartition("/")
        said = f"{group}/{number}" if version else "/"
        raise bad_request(f"invalid object type: {said}, Kind={kind}")
    if not isinstance(value.get("metadata"), dict):
        value = {**value, "metadata": {}}
    if value["metadata"].get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    return value


def _either(text: bytes, info_kind: str) -> Any:
    """A text that is YAML; most clients send the part of it that is JSON."""
    if text.startswith(b"{"):
        with suppress(ValueError):
            return json_value(text)
    return yaml_value(text, info_kind)


def _mapping(value: Any, kind: str) -> Manifest:
    if value is None:
        return {}
    if not isinstance(value, dict):
        type_ = _json_type(value)
        raise _unrecognized(kind, f"json: cannot unmarshal {type_} into Go value of type struct")
    return checked_header(value, kind)


def checked_header(value: Manifest, kind: str) -> Manifest:
    """The manifest, whose kind and version are texts if they are there. Raises `Failure`."""
    for name in ("apiVersion", "kind"):
        if not isinstance(value.get(name), str | None):
            why = f"json: cannot unmarshal {_json_type(value[name])} into Go struct field .{name}"
            raise _unrecognized(kind, f"{why} of type string")
    return value


def _json_type(value: Any) -> str:
    """As Go's decoder calls it."""
    return {dict: "object", list: "array", str: "string", bool: "bool"}.get(type(value), "number")


def _unrecognized(kind: str, why: str) -> Failure:
    return bad_request(
        f"the object provided is unrecognized (must be of type {kind}): couldn't get "
        f"version/kind; json parse error: {why}"
    )


def unsupported_media(message: str) -> Failure:
    return Failure(415, "UnsupportedMediaType", message)


def check_type(manifest: Manifest, info: KindInfo) -> Manifest:
    """The manifest with kind and version, which must be those of the path. Raises `Failure`."""
    version, kind = manifest.get("apiVersion") or "", manifest.get("kind") or ""
    if kind and kind != info.kind and not info.type_name:
        name = _untyped(manifest)["metadata"].get("name", "")
        cause = wrong_value("kind", f'"{kind}"', f"must be {info.kind}")
        raise invalid(replace(info, kind=kind), name, [cause])
    if kind and kind != info.kind:
        raise bad_request(
            f'{kind} in version "{version or info.version}" cannot be handled as a {info.kind}: '
            f"converting (v1.{kind}) to ({info.version}.{info.kind}): unknown conversion"
        )
    if version and version != info.api_version:
        raise _wrong_version(version, info)
    return {"kind": info.kind, "apiVersion": info.api_version, **_untyped(manifest)}


def _untyped(manifest: Manifest) -> Manifest:
    rest = {key: value for key, value in manifest.items() if key not in ("kind", "apiVersion")}
    if not isinstance(rest.get("metadata"), dict):
        rest["metadata"] = {}
    return rest


def _wrong_version(version: str, info: KindInfo) -> Failure:
    group = version.rpartition("/")[0]
    if (group == info.group and group) or not info.type_name:
        return bad_request(
            f"the API version in the data ({version}) does not match the expected API version "
            f"({info.api_version})"
        )
    return bad_request(
        f'{info.kind} in version "{version}" cannot be handled as a {info.kind}: no kind '
        f'"{info.kind}" is registered for version "{version}"'
    )


# Keys written twice


def duplicate_keys(text: bytes, value: Any) -> tuple[str, ...]:
    """The paths of keys that stand twice in one object. Looks closely only when the text has
    more key marks than the value has keys."""
    if len(_KEY_MARK.findall(text)) == _count_keys(value):
        return ()
    found: list[str] = []
    tree = json.loads(text, object_pairs_hook=_Pairs)
    _gather(tree, "", found)
    return tuple(found)


class _Pairs(list[tuple[str, Any]]):
    """An object as written, in order and with repetitions."""


def _count_keys(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(_count_keys(item) for item in value.values())
    if isinstance(value, list):
        return sum(_count_keys(item) for item in value)
    return 0


def _gather(tree: Any, path: str, found: list[str]) -> None:
    if isinstance(tree, _Pairs):
        seen: dict[str, None] = {}
        for key, item in tree:
            where = f"{path}.{key}" if path else key
            if key in seen and where not in found:
                found.append(where)
            seen[key] = None
            _gather(item, where, found)
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            _gather(item, f"{path}[{index}]", found)
