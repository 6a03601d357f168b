"""Reading what a client sent as the server's own types do: unknown fields are dropped and named,
nulls and empty collections disappear, quantities become canonical, wrong types are refused.

This is what the JSON decoder and encoder of kube-apiserver do to an object on its way in. Which
optional scalars are pointers (and so keep a zero) is not in the published schemas; the names of
those that are not are listed in `zeros`.
"""

from binascii import a2b_base64
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from kiban.kube.go_times import written_time
from kiban.kube.objects import Manifest
from kiban.kube.quantities import canonical_quantity
from kiban.kube.schema.base64 import first_bad_base64
from kiban.kube.schema.shapes import Shape
from kiban.kube.schema.zeros import drops_zero, keeps_empty
from kiban.primitives.quantities import parse_quantity


@dataclass(slots=True)
class Reading:
    """The object as the server understands it, and what was wrong with it.

    `unknown` holds the paths of unknown fields in order; `wrong` the first type error, in words,
    and `wrong_at` where it is, which the words do not always say.
    """

    object: Manifest
    unknown: list[str] = field(default_factory=list)
    wrong: str = ""
    wrong_at: str = ""


class WrongType(Exception):
    """A value of a type that its field cannot hold."""

    def __init__(self, what: str, place: "_Place") -> None:
        super().__init__(what)
        self.place = _written(place)


# Where a value stands: the place it stands in, and its key or index there. Written out only when
# there is something to say about it.
_Place = tuple[Any, str | int] | None


def read(manifest: Manifest, shape: Shape, known: Manifest | None = None) -> Reading:
    """Read a manifest. A type error leaves the object as it was sent.

    What the server would store as it is comes back as it is, not as a copy. `known` has been read
    before: what the manifest shares with it is not read again.
    """
    unknown: list[str] = []
    try:
        _expect(isinstance(manifest, dict), manifest, shape, None)
        tree = _object(manifest, shape, None, unknown, known)
    except WrongType as error:
        return Reading(manifest, unknown, str(error), error.place)
    return Reading(tree, unknown)


def _object(
    value: Any, shape: Shape, place: _Place, unknown: list[str], known: Any
) -> dict[str, Any]:
    fields, required = shape.fields, shape.required
    before = known if isinstance(known, dict) else _NOTHING
    result: dict[str, Any] = {}
    same = True
    for key, child in value.items():
        old = before.get(key)
        if child is old and child is not None:
            result[key] = child
            continue
        declared = fields.get(key)
        if declared is None or child is None:
            if declared is None:
                unknown.append(_written((place, key)))
            same = False
            continue
        inner = declared.shape
        if inner.form == "string" and isinstance(child, str):
            new: Any = child
        else:
            new = _value(child, inner, (place, key), unknown, old)
        if not new and key not in required and _is_empty(new, inner, shape.name, key):
            same = False
            continue
        result[key] = new
        same = same and new is child
    return value if same else result


_NOTHING: dict[str, Any] = {}


def _is_empty(value: Any, shape: Shape, owner: str, key: str) -> bool:
    if shape.form in ("list", "map"):
        return not value and not keeps_empty(owner, key)
    if value is False or value == 0 or value == "":
        return drops_zero(owner, key, value)
    return False


def _value(value: Any, shape: Shape, place: _Place, unknown: list[str], known: Any) -> Any:
    form = shape.form
    if form == "object":
        _expect(isinstance(value, dict), value, shape, place)
        return _object(value, shape, place, unknown, known)
    if form == "map":
        _expect(isinstance(value, dict), value, shape, place)
        return _map(value, shape.items, place, unknown, known)
    if form == "list":
        _expect(isinstance(value, list), value, shape, place)
        return _list(value, shape.items, place, unknown, known)
    return _scalar(value, shape, place)


def _map(
    value: dict[str, Any], item: Shape, place: _Place, unknown: list[str], known: Any
) -> dict[str, Any]:
    if item.form == "string" and all(isinstance(child, str) for child in value.values()):
        return value
    before = known if isinstance(known, dict) else _NOTHING
    result = {
        key: _value(child, item, (place, key), unknown, before.get(key))
        for key, child in value.items()
        if child is not None or item.form == "any"
    }
    return value if _is_same(result.values(), value.values()) else result


def _list(
    value: list[Any], item: Shape, place: _Place, unknown: list[str], known: Any
) -> list[Any]:
    if item.form in ("string", "any"):
        for child in value:
            _expect(item.form == "any" or isinstance(child, str), child, item, place)
        return value
    before = known if isinstance(known, list) else ()
    result = []
    for index, child in enumerate(value):
        # Mostly an item stands where it stood; one that moved is read again, which is no harm.
        old = before[index] if index < len(before) else None
        if child is not old or child is None:
            child = _value({} if child is None else child, item, (place, index), unknown, old)
        result.append(child)
    return value if _is_same(result, value) else result


def _is_same(new: Collection[Any], old: Collection[Any]) -> bool:
    """Whether these are the very same values in the same order."""
    return len(new) == len(old) and all(a is b for a, b in zip(new, old, strict=True))


def _scalar(value: Any, shape: Shape, place: _Place) -> Any:
    match shape.form:
        case "string":
            _expect(isinstance(value, str), value, shape, place)
        case "bytes":
            _expect(isinstance(value, str), value, shape, place)
            _bytes(value, place)
        case "boolean":
            _expect(isinstance(value, bool), value, shape, place)
        case "int32" | "int64":
            return _integer(value, shape, place)
        case "number":
            _expect(_is_number(value), value, shape, place)
        case "int-or-string":
            fits = isinstance(value, str | int) and not isinstance(value, bool)
            _expect(fits, value, shape, place)
        case "quantity":
            return _quantity(value, place)
        case "time" | "micro-time":
            return _time(value, shape, place)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_LIMITS = {"int32": 2**31, "int64": 2**63}


def _integer(value: Any, shape: Shape, place: _Place) -> int:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    _expect(whole and not isinstance(value, bool), value, shape, place)
    limit = _LIMITS[shape.form]
    if not -limit <= value < limit:
        raise WrongType(
            f"json: cannot unmarshal number {value} into Go struct field {_written(place)} "
            f"of type {shape.form}",
            place,
        )
    return int(value)


def _quantity(value: Any, place: _Place) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        where = _written(place)
        what = f"json: cannot unmarshal {_word(value)} into {where} of type Quantity"
        raise WrongType(what, place)
    try:
        parse_quantity(value)
    except ValueError:
        raise WrongType(
            "quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            place,
        ) from None
    canonical = canonical_quantity(value)
    return value if canonical == value else canonical


def _bytes(value: str, place: _Place) -> None:
    try:
        a2b_base64(value, strict_mode=True)
    except ValueError:
        at = first_bad_base64(value)
        if at is not None:
            raise WrongType(f"illegal base64 data at input byte {at}", place) from None


def _time(value: Any, shape: Shape, place: _Place) -> str:
    _expect(isinstance(value, str), value, shape, place)
    try:
        written = written_time(value, micro=shape.form == "micro-time")
    except ValueError as wrong:
        raise WrongType(str(wrong), place) from None
    return value if written == value else written


_GO_TYPES = {
    "bytes": "[]uint8",
    "boolean": "bool",
    "number": "float64",
    "time": "v1.Time",
    "micro-time": "v1.MicroTime",
    "int-or-string": "intstr.IntOrString",
    "list": "[]",
    "map": "map[string]",
}


def _expect(holds: bool, value: Any, shape: Shape, place: _Place) -> None:
    if not holds:
        path = _written(place)
        wanted = shape.name.rpartition(".")[2] or _GO_TYPES.get(shape.form, shape.form)
        raise WrongType(
            f"json: cannot unmarshal {_word(value)} into Go struct field {path} of type {wanted}",
            place,
        )


def _written(place: _Place) -> str:
    """`spec.containers[0].image`."""
    text = ""
    while place is not None:
        place, part = place
        text = f"[{part}]{text}" if isinstance(part, int) else f".{part}{text}"
    return text.removeprefix(".")


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return "number"
    return "array" if isinstance(value, list) else "object"
