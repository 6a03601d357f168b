"""The shape of a value in a manifest: an object with known fields, a map, a list or a scalar.

Shapes are shared and built on first use, since some contain themselves (JSONSchemaProps) and most
are never asked for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

MOST_STEPS = 512

Form = Literal[
    "object", "map", "list", "string", "int32", "int64", "number", "boolean", "quantity",
    "int-or-string", "time", "micro-time", "bytes", "any",
]  # fmt: skip
Relation = Literal["atomic", "set", "map"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object: its shape, and how a strategic merge patch treats it. `text` is what
    its definition says of it, None where no definition is there to say anything."""

    shape: "Shape"
    merge_key: str = ""
    strategy: tuple[str, ...] = ()
    default: Any = None
    text: str | None = None


class Shape:
    """One shape.

    `fields` is for objects, `item` for maps and lists. A list is `atomic` (replaced whole), a
    `set` of scalars, or a `map` of objects keyed by `keys`. An atomic object or map is replaced
    whole too. A shape of form `any` accepts everything: its maps are granular, its lists atomic.
    `steps` leads from a key to its element in a field set (`f:name`) and to the shape behind it,
    None where no such field is declared. `flat` is for what others remember of objects of this
    shape that hold nothing but scalars.
    """

    fields: Mapping[str, Field]
    steps: "Steps"

    __slots__ = (
        "_load",
        "atomic",
        "fields",
        "flat",
        "form",
        "item",
        "keys",
        "name",
        "relation",
        "required",
        "steps",
    )

    def __init__(
        self,
        form: Form,
        *,
        name: str = "",
        item: "Shape | None" = None,
        relation: Relation = "atomic",
        keys: tuple[str, ...] = (),
        atomic: bool = False,
        required: tuple[str, ...] = (),
        fields: Callable[[], Mapping[str, Field]] | None = None,
    ) -> None:
        self.form: Form = form
        self.name = name
        self.item = item
        self.relation: Relation = relation
        self.keys = keys
        self.atomic = atomic
        self.required = required
        self._load = fields
        self.steps = Steps(self)
        self.flat: dict[Any, Any] = {}

    def __repr__(self) -> str:
        return f"Shape({self.form}{' ' + self.name if self.name else ''})"

    def __getattr__(self, name: str) -> Mapping[str, Field]:
        """Fields are loaded when they are first asked for; from then on the slot has them."""
        if name != "fields":
            raise AttributeError(name)
        self.fields = self._load() if self._load is not None else {}
        return self.fields

    @property
    def items(self) -> "Shape":
        """The shape of what a map or list holds."""
        return self.item if self.item is not None else ANYTHING

    def child(self, key: str) -> "Shape | None":
        """The shape behind a key of an object or map, or None where no such field is declared."""
        if self.form == "object":
            field = self.fields.get(key)
            return field.shape if field is not None else None
        if self.form == "map":
            return self.items
        return ANYTHING if self.form == "any" else None

    def at(self, *path: str) -> "Shape | None":
        """The shape at a path of keys; lists are entered by any word, such as `*`."""
        shape: Shape | None = self
        for part in path:
            if shape is None:
                return None
            shape = shape.items if shape.form == "list" else shape.child(part)
        return shape

    def key_default(self, key: str) -> Any:
        """The default of a key field of this list's items (only `protocol` has one)."""
        field = self.items.fields.get(key) if self.items.form == "object" else None
        return field.default if field is not None else None


class Steps(dict[str, tuple[str, Shape | None]]):
    """The steps below one shape, remembered. People choose the keys of maps, so of those only so
    many are."""

    __slots__ = ("_shape",)

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self._shape = shape

    def __missing__(self, key: str) -> tuple[str, Shape | None]:
        step = (f"f:{key}", self._shape.child(key))
        if len(self) < MOST_STEPS:
            self[key] = step
        return step


ANYTHING = Shape("any")
_ANY_FIELD = Field(ANYTHING)


class OpenFields(dict[str, Field]):
    """Fields of an object that keeps what is not declared."""

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key, _ANY_FIELD)
