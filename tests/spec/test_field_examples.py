"""Every field of a service file has an example, which compiles."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import kubernetes_validate
import orjson
import pytest
from pydantic import BaseModel

from kiban.audit import Severity, check
from kiban.compiler import compile_environment
from kiban.kube.kinds import standard_kinds
from kiban.kube.plain_yaml import read_plain
from kiban.primitives.canonical import canonical_json
from kiban.spec import ServiceSpec, load_platform
from kiban.spec.field_examples import EXAMPLES
from kiban.spec.validation import bare, fields_of, inner

PLATFORM = """\
platform: shop
teams: {contents: {}}
clusters: {main: {keda: true, cdnCertificate: 'arn:aws:acm:us-east-1:1:certificate/1'}}
environments:
  dev: {cluster: main, domain: dev.example.com}
  prod: {cluster: main, domain: example.com}
resources: {main: postgres}
classes: {large: {type: redis, size: 5Gi, params: {nodes: 1}}}
"""
POINTS = "image: registry.example/points\nport: 8080\nhealth: /ready\n"
RELEASE = "stamp: v1\npoints: v1\n"
# What the example would do to a service is what its rule is there to find.
MEANT = {"patches": {"pdb-unhealthy-eviction-policy"}}


def files(example: str) -> dict[str, str]:
    said = read_plain(example)[0]
    lines = [example.rstrip("\n")]
    if "image" not in said and "build" not in said:
        lines.append("image: registry.example/stamp")
    if "schedule" not in said and said.get("kind") != "static":
        lines += [f"{key}: {value}" for key, value in (("port", 8080), ("health", "/ready"))
                  if key not in said]  # fmt: skip
    return {
        "platform.yaml": PLATFORM,
        "services/stamp.yaml": "\n".join(lines) + "\n",
        "services/points.yaml": POINTS,
        "releases/dev.yaml": RELEASE,
        "releases/prod.yaml": RELEASE,
    }


def test_every_field_has_an_example() -> None:
    assert list(EXAMPLES) and set(EXAMPLES) == set(fields_of(ServiceSpec))


@cache
def accepted(manifest: bytes) -> None:
    """Most objects are the same in all examples, and validating takes its time."""
    kubernetes_validate.validate(orjson.loads(manifest), "1.36", strict=True)


@pytest.mark.parametrize("field", EXAMPLES)
@pytest.mark.parametrize("local", [False, True])
def test_an_example_compiles_to_sound_objects(field: str, *, local: bool) -> None:
    platform = load_platform(files(EXAMPLES[field]))
    for environment in platform.environments:
        bundle = compile_environment(platform, environment, local=local)
        names = {
            one["metadata"].get("labels", {}).get("kiban.dev/service") for one in bundle.manifests
        }
        assert "stamp" in names
        for manifest in bundle.manifests if environment == "prod" and not local else ():
            if standard_kinds().of_manifest(manifest) is not None:
                accepted(canonical_json(manifest))
        bad = {one.rule for one in check(bundle.manifests) if one.severity > Severity.ADVICE}
        assert bad <= MEANT.get(field, set())


def said_by(node: Any, model: Any) -> Iterator[tuple[str, str]]:
    """The fields of models that a tree says."""
    if isinstance(node, list):
        for item in node:
            yield from said_by(item, inner(model, 0))
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        part = inner(model, key)
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield model.__name__, key
        yield from said_by(value, part)


def models_below(model: Any) -> Iterator[type[BaseModel]]:
    for part in fields_of(model).values():
        found = part
        while not isinstance(found, type) and inner(found, 0) is not None:
            found = inner(found, 0)
        found = bare(found)
        if isinstance(found, type) and issubclass(found, BaseModel):
            yield found
            yield from models_below(found)


def test_every_field_below_is_in_an_example() -> None:
    said: set[tuple[str, str]] = set()
    for field, text in EXAMPLES.items():
        tree = read_plain(text)[0]
        parts = [tree, *tree.get("environments", {}).values()]
        for part in parts:
            said |= set(said_by(part.get(field), fields_of(ServiceSpec)[field]))
    wanted = {
        (model.__name__, name) for model in models_below(ServiceSpec) for name in fields_of(model)
    }
    assert wanted - said == set()
