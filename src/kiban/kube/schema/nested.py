"""Schemas inside a definition's schema of which the published form says nothing: under `items`
and `additionalProperties` may stand a schema, a list of them or a boolean, which the facts call
anything.

Kubernetes reads these as strictly as the rest; so does this, after the rest was read.
"""

from typing import Any

from kiban.kube.objects import Manifest, get_in
from kiban.kube.schema.builtin import shape_of_type
from kiban.kube.schema.reading import read

_GROUP = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1"
_TYPE = f"{_GROUP}.JSONSchemaProps"
DEFINITION = f"{_GROUP}.CustomResourceDefinition"
_LOOSE = ("items", "additionalProperties", "additionalItems")
_MAPS = ("properties", "patternProperties", "definitions")
_LISTS = ("allOf", "anyOf", "oneOf")


class WrongNested(Exception):
    """Something in a nested schema is of a wrong type; the text says what."""


def with_nested_read(definition: Manifest) -> Manifest:
    """A definition that was read, with the schemas inside its schemas read too. Raises
    `WrongNested`."""
    versions = get_in(definition, "spec", "versions")
    if not versions:
        return definition
    read_ones = [_version(version) for version in versions]
    return {**definition, "spec": {**definition["spec"], "versions": read_ones}}


def _version(version: Manifest) -> Manifest:
    schema = get_in(version, "schema", "openAPIV3Schema")
    if schema is None:
        return version
    return {**version, "schema": {**version["schema"], "openAPIV3Schema": _deep(schema)}}


def _deep(schema: Manifest) -> Manifest:
    found = dict(schema)
    for key in _LOOSE:
        if key in schema:
            found[key] = _loose(schema[key], boolean=key != "items")
    for key in _MAPS:
        if key in schema:
            found[key] = {name: _deep(inner) for name, inner in schema[key].items()}
    for key in _LISTS:
        if key in schema:
            found[key] = [_deep(inner) for inner in schema[key]]
    if "not" in schema:
        found["not"] = _deep(schema["not"])
    return found


def _loose(value: Any, *, boolean: bool) -> Any:
    if isinstance(value, bool) and boolean:
        return value
    if isinstance(value, list) and not boolean:
        return [_loose(inner, boolean=False) for inner in value]
    reading = read(value, shape_of_type(_TYPE))
    if reading.wrong:
        raise WrongNested(reading.wrong)
    return _deep(reading.object)
