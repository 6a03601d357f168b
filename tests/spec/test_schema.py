"""JSON Schemas for editors."""

import re
from functools import cache
from typing import Any

import pytest

from kiban import spec
from kiban.primitives.located import plain
from kiban.spec import scaffold
from kiban.spec.field_examples import EXAMPLES
from kiban.spec.reading import read_yaml

json_schema = cache(spec.json_schema)


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
    kinds: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "null": type(None),
    }
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
    patterns = schema.get("patternProperties", {})
    for key, item in value.items():
        named = [known[key]] if key in known else []
        named += [one for pattern, one in patterns.items() if re.search(pattern, key)]
        if named:
            if not all(accepts(one, item, root) for one in named):
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


@pytest.mark.parametrize("name", ["service", "platform"])
def test_every_field_of_every_part_says_what_it_is(name: str) -> None:
    schema = json_schema()[name]
    silent = [
        f"{part}.{field}"
        for part, definition in [(name, schema), *schema["$defs"].items()]
        for one in definition.get("anyOf", [definition])
        for field, said in one.get("properties", {}).items()
        if not said.get("description")
    ]
    assert silent == []


def test_what_is_no_map_of_texts_is_checked_in_its_parts() -> None:
    schema = json_schema()["platform"]
    usual = {"platform": "a", "environments": {"dev": {}}}
    assert accepts(schema, {**usual, "secrets": {"by": "sops"}}, schema)
    assert not accepts(schema, {**usual, "secrets": {"bye": "sops"}}, schema)
    assert not accepts(schema, {**usual, "clusters": {"a": {"nodes": {"b": {"mni": 1}}}}}, schema)


def test_an_override_may_say_a_part_and_remove() -> None:
    schema = json_schema()["service"]
    for text in (
        "environments: {dev: {uses: {main: {optional: true}}, port: null, env: {A: null}}}\n",
        "environments: {dev: {health: {path: null, command: x}, routes: {a: null}}}\n",
        "clusters: {main: {scale: {metrics: {lag: {query: x}}, max: null}}}\n",
    ):
        assert accepts(schema, read(text), schema), text
    assert not accepts(schema, {"uses": {"main": {"optional": True}}}, schema)
    assert not accepts(schema, {"environments": {"dev": {"health": {"pth": "/x"}}}}, schema)


@pytest.mark.parametrize("field", EXAMPLES)
def test_the_schema_accepts_the_examples(field: str) -> None:
    schema = json_schema()["service"]
    assert accepts(schema, read(EXAMPLES[field]), schema)


def test_editors_find_examples_in_the_schema() -> None:
    properties = json_schema()["service"]["properties"]
    assert properties["port"]["examples"] == [8080]
    assert properties["routes"]["examples"][0]["public"] == "/stamp"
