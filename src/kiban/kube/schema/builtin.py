"""The shapes of Kubernetes' own kinds, read from the table of facts."""

from functools import cache
from typing import Any

from kiban.kube.facts import facts
from kiban.kube.kinds import KindInfo
from kiban.kube.schema.shapes import ANYTHING, Field, Form, OpenFields, Relation, Shape

_SCALARS: dict[str, Form] = {
    "s": "string",
    "i": "int32",
    "l": "int64",
    "n": "number",
    "b": "boolean",
    "q": "quantity",
    "x": "int-or-string",
    "t": "time",
    "B": "bytes",
}
_SHARED = {letter: Shape(form) for letter, form in _SCALARS.items()} | {"?": ANYTHING}


MICRO_TIME = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime"


@cache
def shape_of(info: KindInfo) -> Shape:
    """The shape of a kind; for kinds whose fields are unknown, metadata and anything else."""
    return shape_of_type(info.type_name) if info.type_name else UNTYPED


@cache
def shape_of_type(name: str) -> Shape:
    """The shape of a named type such as `io.k8s.api.core.v1.PodSpec`."""
    raw = facts()["types"][name]
    if name == MICRO_TIME:
        return Shape("micro-time")
    if not isinstance(raw, dict):
        return _shape(raw)
    return Shape(
        "object",
        name=name,
        atomic=bool(raw.get("a")),
        required=tuple(raw.get("r", ())),
        fields=lambda: {key: _field(entry) for key, entry in raw["f"].items()},
    )


def _field(raw: Any) -> Field:
    if not isinstance(raw, dict):
        return Field(_shape(raw))
    shape = _shape(raw["t"])
    if raw.get("a"):
        shape = _atomic(shape)
    strategy = tuple(part for part in raw.get("s", "").split(",") if part)
    return Field(shape, raw.get("m", ""), strategy, raw.get("d"))


def _atomic(shape: Shape) -> Shape:
    return Shape(
        shape.form,
        name=shape.name,
        item=shape.item,
        atomic=True,
        required=shape.required,
        fields=lambda: shape.fields,
    )


def _shape(raw: Any) -> Shape:
    if isinstance(raw, str):
        return shape_of_type(raw[1:]) if raw[0] == "@" else _SHARED[raw]
    if raw[0] == "l":
        relation: Relation = raw[2] if len(raw) > 2 else "atomic"
        keys = tuple(raw[3]) if len(raw) > 3 else ()
        return Shape("list", item=_shape(raw[1]), relation=relation, keys=keys)
    return Shape("map", item=_shape(raw[1]), atomic=len(raw) > 2)


OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


UNTYPED = Shape(
    "object",
    name="untyped",
    fields=lambda: OpenFields(
        {
            "apiVersion": Field(_SHARED["s"]),
            "kind": Field(_SHARED["s"]),
            "metadata": Field(shape_of_type(OBJECT_META)),
        }
    ),
)
