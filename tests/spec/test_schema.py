"""JSON Schemas for editors."""

from typing import Any

from kiban.primitives.located import plain
from kiban.spec import json_schema, scaffold
from kiban.spec.reading import read_yaml


def accepts(schema: dict[str, Any], value: Any, root: dict[str, Any]) -> bool:
    """The part of JSON Schema that the schemas use, so that the test needs no validator."""
    if "$ref" in schema:
        return accepts(root["$defs"][schema["$ref"].rpartition("/")[2]], value, root)
    if "anyOf" in schema:
        return any(accepts(one, value, root) for one in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    if "const" in schema:
        return bool(value == schema["const"])
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "null": type(None)}
    kinds |= {"number": (int, float), "boolean": bool}
    wanted = schema.get("type", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if wanted and not any(isinstance(value, kinds[kind]) for kind in wanted):
        return False
    if isinstance(value, dict):
        return _accepts_map(schema, value, root)
    if isinstance(value, list):
        return all(accepts(schema.get("items", {}), item, root) for item in value)
    return True


def _accepts_map(schema: dict[str, Any], value: dict[str, Any], root: dict[str, Any]) -> bool:
    if not set(schema.get("required", [])) <= set(value):
        return False
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for key, item in value.items():
        if key in known:
            if not accepts(known[key], item, root):
                return False
        elif others is False or (isinstance(others, dict) and not accepts(others, item, root)):
            return False
    return True


def read(text: str) -> Any:
    tree, problems = read_yaml("a.yaml", text)
    assert tree is not None
    assert problems == []
    return plain(tree)


def test_the_schemas_accept_a_new_repo() -> None:
    schemas, files = json_schema(), scaffold("demo")
    for name, path in {
        "platform": "platform.yaml",
        "service": "services/hello.yaml",
        "release": "releases/dev.yaml",
    }.items():
        assert accepts(schemas[name], read(files[path]), schemas[name]), path


def test_the_short_and_the_long_forms_are_accepted() -> None:
    schema = json_schema()["service"]
    for text in (
        "service: a\nhealth: {path: /x, startup: 60s}\nscale: 2\nenv: {A: 1.10, B: true}\n",
        "job: a\nschedule: 0 3 * * *\ncommand: python main.py\n",
        "uses: {main: resource, db: {type: postgres}}\nroutes: {a: /, b: {host: a.b, path: /x}}\n",
        "environments: {dev: {scale: {max: 3}, health: /x, spot: 100%}}\n",
    ):
        assert accepts(schema, read(text), schema), text


def test_an_unknown_field_is_refused() -> None:
    schema = json_schema()["service"]
    assert not accepts(schema, {"service": "a", "prot": 8080}, schema)
    assert not accepts(schema, {"environments": {"dev": {"prot": 8080}}}, schema)


def test_every_field_of_a_service_says_what_it_is() -> None:
    properties = json_schema()["service"]["properties"]
    obvious = {"description", "build", "resources", "scale", "health", "workingDir"}
    obvious |= {"routes", "uses", "availability", "files", "volumes", "init", "slo"}
    silent = [
        name
        for name, field in properties.items()
        if not field.get("description") and name not in obvious
    ]
    assert silent == []


def test_editors_find_examples_in_the_schema() -> None:
    properties = json_schema()["service"]["properties"]
    assert properties["port"]["examples"] == [8080]
    assert properties["routes"]["examples"][0]["public"] == "/stamp"
