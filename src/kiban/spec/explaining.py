"""Where a value came from: the layers that say something about it, the lowest first."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from kiban.primitives.problems import KibanError, Problem, nearest
from kiban.spec.layers import Layer, Origin, origins
from kiban.spec.platform import Platform, layers_of
from kiban.spec.service import ServiceSpec
from kiban.spec.validation import fields_of, inner
from kiban.spec.words import as_written

BUILT_IN = "Kiban's default"


def explain(
    platform: Platform, path: str, environment: str | None = None, cluster: str = ""
) -> list[Origin]:
    """Every layer that set the value at a path: `stamp.scale.max`; for the image, the release comes
    last. What people name themselves may have dots: `stamp.files./etc/limits.yaml.mode`.

    The first step is Kiban's own default where there is one. Raises `KibanError` for a service,
    an environment, a cluster or a field that is not there.
    """
    service, *parts = path.split(".")
    if service not in platform.sources.services:
        raise KibanError(_unknown("service", service, platform.sources.services))
    if environment is not None:
        platform.environment(environment)
    if cluster and cluster not in platform.spec.clusters:
        raise KibanError(_unknown("cluster", cluster, platform.spec.clusters))
    layers = layers_of(platform.sources, service, environment, cluster)
    fields = _fields(parts, layers)
    default = _built_in(fields)
    chain = list(origins(layers, tuple(fields)))
    release = platform.releases.get(environment or "", {}).get(service)
    if fields == ["image"] and release is not None:
        name = f"release of {environment}"
        chain.append(Origin(name, str(release.place), release.tag))
    return [*([default] if default else []), *chain]


def effective(
    platform: Platform, path: str, environment: str | None = None, cluster: str = ""
) -> object:
    """The value that holds at a path, as people would write it; None where there is none."""
    service, *parts = path.split(".")
    name = environment or next(iter(platform.environments))
    spec = platform.services_on(name, cluster).get(service)
    value: Any = spec
    for part in _fields(parts, layers_of(platform.sources, service, name, cluster)):
        if isinstance(value, BaseModel):
            known = {one.alias or key: key for key, one in type(value).model_fields.items()}
            value = as_written(type(value), part, getattr(value, known[part]))
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return _said(value)


def shown(value: Any) -> Any:
    """A value with its units, as people would write it."""
    if isinstance(value, BaseModel):
        fields = {one.alias or key: key for key, one in type(value).model_fields.items()}
        return {
            alias: shown(as_written(type(value), alias, getattr(value, key)))
            for alias, key in fields.items()
        }
    return {key: shown(item) for key, item in value.items()} if isinstance(value, dict) else value


def _said(value: Any) -> Any:
    """The same without what says nothing."""
    value = shown(value)
    if not isinstance(value, dict):
        return value
    inside = {key: _said(item) for key, item in value.items()}
    return {key: item for key, item in inside.items() if item not in (None, {}, [])}


def _unknown(noun: str, name: str, known: Iterable[str]) -> Problem:
    known = sorted(known)
    meant = nearest(name, known)
    fix = f"did you mean {meant!r}?" if meant else f"use one of: {', '.join(known)}"
    return Problem(f"spec/unknown-{noun}", f"there is no {noun} {name!r}", fix=fix)


def _fields(parts: list[str], layers: list[Layer]) -> list[str]:
    """The steps of a path. Raises `KibanError` where the language has no such field; below maps,
    people choose the names, which may have dots: the longest that a layer says is meant."""
    model: Any = ServiceSpec
    found: list[str] = []
    while parts:
        is_model = isinstance(model, type) and issubclass(model, BaseModel)
        length = 1 if is_model else _length(parts, found, layers)
        name, parts = ".".join(parts[:length]), parts[length:]
        known = fields_of(model) if is_model else {}
        if known and name not in known:
            raise KibanError(_unknown("field", name, known))
        found.append(name)
        model = inner(model, name)
        if model is None:
            return [*found, *parts]
    return found


def _length(parts: list[str], above: list[str], layers: list[Layer]) -> int:
    for length in range(len(parts), 1, -1):
        path = (*above, ".".join(parts[:length]))
        if any(layer.tree.get(*path) is not None for layer in layers):
            return length
    return 1


def _built_in(fields: list[str]) -> Origin | None:
    """The default of a field in the language itself."""
    model: type = ServiceSpec
    value: object = None
    for name in fields:
        known = getattr(model, "model_fields", {})
        field = next((f for key, f in known.items() if name == (f.alias or key)), None)
        if field is None or field.is_required():
            return None
        value = field.get_default(call_default_factory=True)
        if not isinstance(value, BaseModel):
            value = as_written(model, name, value)
        model = type(value)
    said = _said(value)
    return None if said is None or said in ({}, []) else Origin(BUILT_IN, "", said)
