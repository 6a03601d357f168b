"""JSON Schemas for editors, from the same models that check: they cannot disagree.

The short forms that people may write are added beside the long ones.
"""

from copy import deepcopy
from typing import Any

from pydantic import BaseModel

from kiban.primitives.located import plain
from kiban.spec.field_examples import EXAMPLES
from kiban.spec.nouns import PlatformSpec
from kiban.spec.reading import read_yaml
from kiban.spec.service import ServiceSpec

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SCALAR = {"type": ["string", "number", "boolean"]}
_NULL = {"type": "null"}
# The ending of the name of a definition of which only a part may be said.
PARTIAL = "Part"
# The short form of each definition, beside its long form.
_SHORT: dict[str, dict[str, Any]] = {
    "Build": {"type": "string"},
    "Health": {"type": "string", "pattern": "^/"},
    "Rollout": {"enum": ["rolling", "canary", "blue-green", "recreate"]},
    "Scale": {"type": "integer", "minimum": 0},
    "Availability": {"type": "integer", "minimum": 1},
    "Route": {"type": "string", "pattern": "^/"},
    "Listener": {"type": "string"},
    "File": {"type": "string"},
    "Volume": {"type": "string", "pattern": "^/"},
    "Sidecar": {"type": "string"},
    "InitContainer": {"type": ["string", "array"]},
    "HookSpec": {"type": ["string", "array"]},
    "Caller": {"type": "string"},
    "Redirect": {"type": "string"},
    "Metric": {"type": ["string", "number"]},
    "Queue": {"type": ["string", "number"]},
    "Environment": {"type": "string", "description": "The cluster it lives on."},
    "Ring": {"type": "string", "description": "How long it must run a commit well."},
}


def json_schema() -> dict[str, Any]:
    """`{"platform": schema, "service": schema, "release": schema}`."""
    return {
        "platform": _platform(),
        "service": _service(),
        "release": {
            "$schema": _DRAFT,
            "title": "releases/<environment>.yaml",
            "description": "Which image tag each service runs; one line a service.",
            "type": "object",
            "additionalProperties": _SCALAR,
        },
    }


def _service() -> dict[str, Any]:
    schema = _of(ServiceSpec, "services/<name>.yaml")
    properties = schema["properties"]
    for name, text in EXAMPLES.items():
        tree, _ = read_yaml(name, text)
        example = tree.get(name) if tree is not None else None
        if example is not None:
            properties[name]["examples"] = [plain(example)]
    properties["job"] = {**deepcopy(properties["service"]), "description": "The name of a job."}
    schema["required"] = []
    partial = {key: value for key, value in schema.items() if key in ("type", "properties")}
    partial = {**deepcopy(partial), "additionalProperties": False}
    for name in ("environments", "clusters", "service", "job"):
        partial["properties"].pop(name)
    parts = schema["$defs"]
    parts |= {f"{name}{PARTIAL}": _partial(part) for name, part in list(parts.items())}
    parts["Overrides"] = _partial(partial)
    properties["environments"] = {
        "type": "object",
        "description": "Any of the fields above, for one environment.",
        "additionalProperties": {"$ref": "#/$defs/Overrides"},
    }
    on_clusters = "Any of the fields above, on one cluster."
    properties["clusters"] = {**properties["environments"], "description": on_clusters}
    return schema


def _platform() -> dict[str, Any]:
    schema = _of(PlatformSpec, "platform.yaml")
    service = _service()
    definitions = {**service["$defs"], **schema["$defs"]}
    definitions["Overrides"]["properties"]["team"] = {
        "type": "string",
        "description": "The team that owns them.",
    }
    schema["$defs"] = definitions
    defaults = {
        "$ref": "#/$defs/Overrides",
        "description": "Fields of a service, for all to which this applies.",
    }
    schema["properties"]["defaults"] = defaults
    for name in ("Team", "Environment", "Cluster"):
        long = definitions[name]
        long = long["anyOf"][-1] if "anyOf" in long else long
        long["properties"]["defaults"] = defaults
    resource = definitions["Resource"]
    definitions["Resource"] = {"anyOf": [resource["properties"]["type"], resource]}
    return schema


def _of(model: type[BaseModel], title: str) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    for name, definition in definitions.items():
        if name == "Use":
            definitions[name] = {"anyOf": [definition["properties"]["type"], definition]}
        elif name in _SHORT:
            definitions[name] = {"anyOf": [_SHORT[name], definition]}
    _allow_null_and_scalars(schema)
    return {"$schema": _DRAFT, **schema, "title": title}


def _allow_null_and_scalars(schema: dict[str, Any]) -> None:
    """Text may be written as any scalar, command lines as one string, and null removes."""
    for definition in [schema, *schema.get("$defs", {}).values()]:
        for one in definition.get("anyOf", [definition]):
            for name, field in one.get("properties", {}).items():
                one["properties"][name] = _loosened(name, field)


def _loosened(name: str, field: dict[str, Any]) -> dict[str, Any]:
    if name in ("command", "livenessCommand") or (name == "args" and not _is_map(field)):
        texts = {"type": "array", "items": _SCALAR}
        found: dict[str, Any] = {"anyOf": [{"type": "string"}, texts]}
    elif _is_map(field):
        return _scalars_in(field)
    elif name in ("version", "account", "image", "mode", "schedule"):
        found = dict(_SCALAR)
    elif name == "liveness":
        found = {"anyOf": [{"type": "string", "pattern": "^/"}, {"const": True}]}
    else:
        return field
    return {**found, "description": field.get("description", "")}


def _is_map(field: dict[str, Any]) -> bool:
    return field.get("type") == "object"


def _scalars_in(field: dict[str, Any]) -> dict[str, Any]:
    """A map of texts also takes numbers and the like as they were written, and null."""
    loose = {"anyOf": [_SCALAR, _NULL]}
    found = dict(field)
    if _is_text(field.get("additionalProperties")):
        found["additionalProperties"] = loose
    if named := field.get("patternProperties"):
        found["patternProperties"] = {
            key: loose if _is_text(value) else value for key, value in named.items()
        }
    return found


def _is_text(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "string" and "pattern" not in schema


def _partial(node: Any) -> Any:
    """The same where a part of it may be said: nothing is required, and null removes."""
    if isinstance(node, list):
        return [_partial(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {key: _partial(value) for key, value in node.items() if key != "required"}
    if "$ref" in found:
        found["$ref"] += PARTIAL
    if "properties" in node:
        found["properties"] = {
            key: _or_null(_partial(value)) for key, value in node["properties"].items()
        }
    if "patternProperties" in node:
        found["patternProperties"] = {
            key: _or_null(_partial(value)) for key, value in node["patternProperties"].items()
        }
    if isinstance(node.get("additionalProperties"), dict):
        found["additionalProperties"] = _or_null(_partial(node["additionalProperties"]))
    return found


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if _NULL in schema.get("anyOf", ()):
        return schema
    said = {"description": schema["description"]} if "description" in schema else {}
    return {"anyOf": [schema, _NULL], **said}
