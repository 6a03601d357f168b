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
    "Caller": {"type": "string"},
    "Redirect": {"type": "string"},
    "Metric": {"type": ["string", "number"]},
    "Queue": {"type": ["string", "number"]},
    "Environment": {"type": "string", "description": "The cluster it lives on."},
    "Ring": {"type": "string", "description": "How long it must run a commit well."},
}


_MAPS_OF_TEXT = frozenset(
    ("env", "secrets", "labels", "annotations", "nodes", "tolerations", "links", "params")
)


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
    schema["$defs"]["Overrides"] = partial
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
    definitions["Overrides"]["properties"]["team"] = {"type": "string"}
    schema["$defs"] = definitions
    defaults = {"$ref": "#/$defs/Overrides"}
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
    if name in ("command", "args", "livenessCommand"):
        texts = {"type": "array", "items": _SCALAR}
        found: dict[str, Any] = {"anyOf": [{"type": "string"}, texts]}
    elif name in _MAPS_OF_TEXT:
        found = {"type": "object", "additionalProperties": {"anyOf": [_SCALAR, _NULL]}}
    elif name in ("version", "account", "image", "mode", "schedule"):
        found = dict(_SCALAR)
    elif name == "liveness":
        found = {"anyOf": [{"type": "string", "pattern": "^/"}, {"const": True}]}
    else:
        return field
    return {**found, "description": field.get("description", "")}
