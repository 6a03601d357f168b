"""What the server says about the form of its objects: OpenAPI 3 by group and version, OpenAPI 2 for
all at once. kubectl validates, explains and merges by it; Argo CD reads the second form.

The schemas are the facts about fields that the kube package keeps, with its own few words on each;
those of custom kinds carry the words of their definition.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import orjson

from kiban.cluster.api import openapi_binary
from kiban.cluster.api.discovery import page_not_found
from kiban.cluster.api.failures import no_such_resource
from kiban.cluster.api.static import VERSION
from kiban.cluster.api.values import Request, Response
from kiban.kube.kinds import KindInfo, Kinds
from kiban.kube.objects import Manifest
from kiban.kube.schema import Field, Shape
from kiban.kube.schema.prose import text_of_field, text_of_kind

V3 = "#/components/schemas/"
V2 = "#/definitions/"
_SCALARS: dict[str, Manifest] = {
    "string": {"type": "string"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "number": {"type": "number", "format": "double"},
    "boolean": {"type": "boolean"},
    "quantity": {"type": "string"},
    "int-or-string": {"type": "string", "format": "int-or-string"},
    "time": {"type": "string", "format": "date-time"},
    "micro-time": {"type": "string", "format": "date-time"},
    "bytes": {"type": "string", "format": "byte"},
    "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
}
_VERBS = {"get": "get", "create": "post", "update": "put", "patch": "patch", "delete": "delete"}
_OPTIONS = ("dryRun", "fieldManager", "fieldValidation", "pretty")


def answer(request: Request, kinds: Kinds, shape: Callable[[KindInfo], Shape]) -> Response:
    """A GET below /openapi. Raises `Failure` 404."""
    parts = [part for part in request.path.split("/") if part][1:]
    if parts == ["v2"]:
        swagger = _swagger(kinds, shape)
        if openapi_binary.ACCEPTED in request.headers.get("accept", ""):
            binary = openapi_binary.document(swagger)
            return Response(200, binary, openapi_binary.MEDIA_TYPE)
        return Response(200, orjson.dumps(swagger))
    if parts == ["v3"]:
        # The list says it is text; the documents say what they are.
        index = orjson.dumps({"paths": _index(kinds, shape)})
        return Response(200, index, "text/plain; charset=utf-8")
    group, version = _group_version(parts)
    if version not in kinds.groups().get(group, ()):
        return page_not_found()
    return Response(200, orjson.dumps(_document(kinds.in_version(group, version), shape)))


def _group_version(parts: list[str]) -> tuple[str, str]:
    match parts:
        case ["v3", "api", version]:
            return "", version
        case ["v3", "apis", group, version]:
            return group, version
    raise no_such_resource()


def _index(kinds: Kinds, shape: Callable[[KindInfo], Shape]) -> Manifest:
    """Every group and version with the address of its document; the hash tells whether a copy is
    still good."""
    paths = {}
    for group, versions in kinds.groups().items():
        for version in versions:
            root = f"apis/{group}/{version}" if group else f"api/{version}"
            infos = kinds.in_version(group, version)
            said = repr([(info, id(shape(info)) if not info.type_name else "") for info in infos])
            tag = blake2b(said.encode(), digest_size=16).hexdigest().upper()
            paths[root] = {"serverRelativeURL": f"/openapi/v3/{root}?hash={tag}"}
    return paths


def _document(infos: list[KindInfo], shape: Callable[[KindInfo], Shape]) -> Manifest:
    schemas: dict[str, Manifest] = {}
    paths: dict[str, Manifest] = {}
    for info in infos:
        _describe(info, shape(info), schemas, V3)
        paths.update(_paths(info, V3))
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _swagger(kinds: Kinds, shape: Callable[[KindInfo], Shape]) -> Manifest:
    definitions: dict[str, Manifest] = {}
    paths: dict[str, Manifest] = {}
    for info in kinds:
        _describe(info, shape(info), definitions, V2)
        paths.update(_paths(info, V2))
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]},
        "paths": paths,
        "definitions": definitions,
    }


# Paths


def _paths(info: KindInfo, root: str) -> dict[str, Manifest]:
    """The collection and the object of a kind, with the verbs it serves."""
    namespace = "{namespace}" if info.namespaced else ""
    listed = [verb for verb in ("list", "create", "deletecollection") if verb in info.verbs]
    single = [verb for verb in ("get", "update", "patch", "delete") if verb in info.verbs]
    names = {"list": "get", "deletecollection": "delete"}
    paths = {}
    for path, verbs in (
        (info.path(namespace), listed),
        (info.path(namespace, "{name}"), single),
    ):
        if verbs:
            paths[path] = {
                names.get(verb, _VERBS.get(verb, verb)): _operation(info, verb, root)
                for verb in verbs
            }
    return paths


def _operation(info: KindInfo, verb: str, root: str) -> Manifest:
    place = {"name": "", "in": "query", "schema": {"type": "string"}}
    if root == V2:
        place = {"name": "", "in": "query", "type": "string"}
    options = _OPTIONS if verb in ("create", "update", "patch") else ("pretty",)
    return {
        "operationId": f"{verb}{info.group.title().replace('.', '')}{info.version}{info.kind}",
        "parameters": [{**place, "name": name} for name in options],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": verb,
        "x-kubernetes-group-version-kind": _type(info),
    }


def _type(info: KindInfo) -> Manifest:
    return {"group": info.group, "version": info.version, "kind": info.kind}


# Schemas


def schema_name(info: KindInfo) -> str:
    if info.type_name:
        return info.type_name
    return ".".join([*reversed(info.group.split(".")), info.version, info.kind])


def _describe(info: KindInfo, shape: Shape, found: dict[str, Manifest], root: str) -> None:
    """Add the schema of a kind, and of every type it is made of."""
    name = schema_name(info)
    made = _schema(shape, found, root) | {"x-kubernetes-group-version-kind": [_type(info)]}
    found[name] = {"description": text_of_kind(info.kind), **made} if info.type_name else made


def _schema(shape: Shape, found: dict[str, Manifest], root: str) -> Manifest:
    match shape.form:
        case "object":
            return _object(shape, found, root)
        case "map":
            made: Manifest = {
                "type": "object",
                "additionalProperties": _reference(shape.items, found, root),
            }
            return made | ({"x-kubernetes-map-type": "atomic"} if shape.atomic else {})
        case "list":
            made = {"type": "array", "items": _reference(shape.items, found, root)}
            made["x-kubernetes-list-type"] = shape.relation
            if shape.keys:
                made["x-kubernetes-list-map-keys"] = list(shape.keys)
            return made
    if shape.form == "any" and root == V2:
        # Clients that validate by the second form would take "object" for a map of anything.
        return {"x-kubernetes-preserve-unknown-fields": True}
    return dict(_SCALARS[shape.form])


def _object(shape: Shape, found: dict[str, Manifest], root: str) -> Manifest:
    made: Manifest = {"type": "object"}
    properties = {name: _property(name, field, found, root) for name, field in shape.fields.items()}
    if properties:
        made["properties"] = properties
    if shape.required:
        made["required"] = list(shape.required)
    if shape.atomic:
        made["x-kubernetes-map-type"] = "atomic"
    return made


def _property(name: str, field: Field, found: dict[str, Manifest], root: str) -> Manifest:
    made = _reference(field.shape, found, root)
    text = text_of_field(name) if field.text is None else field.text
    extra: dict[str, Any] = {"description": text} if text else {}
    if field.strategy:
        extra["x-kubernetes-patch-strategy"] = ",".join(field.strategy)
    if field.merge_key:
        extra["x-kubernetes-patch-merge-key"] = field.merge_key
    if field.default is not None:
        extra["default"] = field.default
    if extra and "$ref" in made:
        return {"allOf": [made], **extra} if root == V3 else {**made, **extra}
    return made | extra


def _reference(shape: Shape, found: dict[str, Manifest], root: str) -> Manifest:
    """Named types are described once and pointed at."""
    if shape.form != "object" or not shape.name or shape.name == "untyped":
        return _schema(shape, found, root)
    if shape.name not in found:
        # Entered before it is described: some types contain themselves.
        found[shape.name] = {}
        found[shape.name].update(_schema(shape, found, root))
    return {"$ref": root + shape.name}
