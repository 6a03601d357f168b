"""Reading what a client sent as the server's own types do: unknown fields are dropped and named,
nulls and empty collections disappear, quantities become canonical, wrong types are refused.

This is what the JSON decoder and encoder of kube-apiserver do to an object on its way in. Which
optional scalars are pointers (and so keep a zero) is not in the published schemas; the names of
those that are not are listed in `zeros`.
"""

from dataclasses import dataclass, field
from typing import Any

from kiban.kube.objects import Manifest
from kiban.kube.quantities import canonical_quantity
from kiban.kube.schema.shapes import Shape
from kiban.kube.schema.zeros import drops_zero
from kiban.primitives.instants import parse_rfc3339
from kiban.primitives.quantities import parse_quantity


@dataclass(slots=True)
class Reading:
    """The object as the server understands it, and what was wrong with it.

    `unknown` holds the paths of unknown fields in order; `wrong` the first type error, in words.
    """

    object: Manifest
    unknown: list[str] = field(default_factory=list)
    wrong: str = ""


class WrongType(Exception):
    """A value of a type that its field cannot hold."""


def read(manifest: Manifest, shape: Shape) -> Reading:
    """Read a manifest. A type error leaves the object as it was sent."""
    unknown: list[str] = []
    try:
        _expect(isinstance(manifest, dict), manifest, shape, "")
        tree = _object(manifest, shape, "", unknown)
    except WrongType as error:
        return Reading(manifest, unknown, str(error))
    return Reading(tree, unknown)


def _object(value: Any, shape: Shape, path: str, unknown: list[str]) -> dict[str, Any]:
    fields, required = shape.fields, shape.required
    result: dict[str, Any] = {}
    for key, child in value.items():
        declared = fields.get(key)
        at = f"{path}.{key}" if path else key
        if declared is None:
            unknown.append(at)
        elif child is not None:
            new = _value(child, declared.shape, at, unknown)
            if key in required or not _is_empty(new, declared.shape, shape.name, key):
                result[key] = new
    return result


def _is_empty(value: Any, shape: Shape, owner: str, key: str) -> bool:
    if shape.form in ("list", "map"):
        return not value
    if value is False or value == 0 or value == "":
        return drops_zero(owner, key, value)
    return False


def _value(value: Any, shape: Shape, path: str, unknown: list[str]) -> Any:
    match shape.form:
        case "object":
            _expect(isinstance(value, dict), value, shape, path)
            return _object(value, shape, path, unknown)
        case "map":
            _expect(isinstance(value, dict), value, shape, path)
            item = shape.items
            return {
                key: _value(child, item, f"{path}.{key}", unknown)
                for key, child in value.items()
                if child is not None or item.form == "any"
            }
        case "list":
            _expect(isinstance(value, list), value, shape, path)
            return _list(value, shape.items, path, unknown)
    return _scalar(value, shape, path)


def _list(value: list[Any], item: Shape, path: str, unknown: list[str]) -> list[Any]:
    if item.form in ("string", "any"):
        for child in value:
            _expect(item.form == "any" or isinstance(child, str), child, item, path)
        return list(value)
    return [
        _value({} if child is None else child, item, f"{path}[{index}]", unknown)
        for index, child in enumerate(value)
    ]


def _scalar(value: Any, shape: Shape, path: str) -> Any:
    match shape.form:
        case "string" | "bytes":
            _expect(isinstance(value, str), value, shape, path)
        case "boolean":
            _expect(isinstance(value, bool), value, shape, path)
        case "int32" | "int64":
            return _integer(value, shape, path)
        case "number":
            _expect(
                isinstance(value, int | float) and not isinstance(value, bool), value, shape, path
            )
        case "int-or-string":
            _expect(
                isinstance(value, str | int) and not isinstance(value, bool), value, shape, path
            )
        case "quantity":
            return _quantity(value, path)
        case "time":
            _time(value, shape, path)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_LIMITS = {"int32": 2**31, "int64": 2**63}


def _integer(value: Any, shape: Shape, path: str) -> int:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    _expect(whole and not isinstance(value, bool), value, shape, path)
    limit = _LIMITS[shape.form]
    if not -limit <= value < limit:
        raise WrongType(
            f"json: cannot unmarshal number {value} into Go struct field {path} "
            f"of type {shape.form}"
        )
    return int(value)


def _quantity(value: Any, path: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise WrongType(f"json: cannot unmarshal {_word(value)} into {path} of type Quantity")
    try:
        parse_quantity(value)
    except ValueError:
        raise WrongType(
            "quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        ) from None
    return canonical_quantity(value)


def _time(value: Any, shape: Shape, path: str) -> None:
    _expect(isinstance(value, str), value, shape, path)
    try:
        parse_rfc3339(value)
    except ValueError:
        layout = '"2006-01-02T15:04:05Z07:00"'
        raise WrongType(
            f'parsing time "{value}" as {layout}: cannot parse "{value}" as "2006"'
        ) from None


_GO_TYPES = {
    "bytes": "[]uint8",
    "boolean": "bool",
    "number": "float64",
    "time": "v1.Time",
    "int-or-string": "intstr.IntOrString",
    "list": "[]",
    "map": "map[string]",
}


def _expect(holds: bool, value: Any, shape: Shape, path: str) -> None:
    if not holds:
        wanted = shape.name.rpartition(".")[2] or _GO_TYPES.get(shape.form, shape.form)
        raise WrongType(
            f"json: cannot unmarshal {_word(value)} into Go struct field {path} of type {wanted}"
        )


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return "number"
    return "array" if isinstance(value, list) else "object"
