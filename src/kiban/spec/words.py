"""The small types of the language: names, spans, quantities, percentages, and their base model.

Each reads what people write (`15s`, `512Mi`, `70%`) into what the compiler computes with, and
describes itself to editors in the JSON Schema.
"""

from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from kiban.primitives.instants import parse_span, span
from kiban.primitives.quantities import parse_quantity


class Words(BaseModel):
    """The base of everything people write: strict, nothing unknown, never changed."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        # Many commands need a few of the models; building all takes a third of a second.
        defer_build=True,
    )


def wrong(message: str) -> PydanticCustomError:
    # The message is data, not a template: braces in what people wrote must stay braces.
    return PydanticCustomError("wrong", "{message}", {"message": message})


def _span(value: Any) -> float:
    if isinstance(value, str):
        try:
            return parse_span(value)
        except ValueError as error:
            raise wrong(str(error)) from None
    # A model's own default arrives as seconds already.
    if isinstance(value, float):
        return value
    raise wrong(f"{value!r} is not a span of time; write it with a unit, like {value}s")


def _quantity(value: Any) -> str:
    try:
        if parse_quantity(value) >= 0 and not isinstance(value, bool):
            return str(value)
    except (ValueError, TypeError):
        pass
    raise wrong(f"{value!r} is not a quantity; write it like 500m, 2, 512Mi or 1Gi")


def _percent(value: Any) -> float:
    if isinstance(value, str) and value.endswith("%"):
        try:
            number = float(value[:-1])
        except ValueError:
            number = -1.0
        if 0 <= number <= 100:
            return number
    raise wrong(f"{value!r} is not a percentage; write it like 70%")


def _scalar_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise wrong("this must be a single value, not a map or a list")


def as_written(model: type[BaseModel], name: str, value: Any) -> Any:
    """A value of a field as people write it: spans and percentages with their units."""
    known = {one.alias or key: one for key, one in model.model_fields.items()}
    readers = [getattr(one, "func", None) for one in known[name].metadata] if name in known else []
    readers += [getattr(one, "func", None) for one in _optional(known.get(name))]
    if not isinstance(value, float):
        return value
    if _span in readers:
        return span(value)
    return f"{value:g}%" if _percent in readers else value


def _optional(field: FieldInfo | None) -> list[Any]:
    """What describes the type of a field that may be left out."""
    found: list[Any] = []
    for part in get_args(field.annotation) if field is not None else ():
        found += getattr(part, "__metadata__", ())
    return found


PATH_PATTERN = r"^/\S*$"
# 52 characters: a CronJob adds 11 to its name for each run, and a label holds 63.
NAME_PATTERN = r"^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$"
PORT_NAME_PATTERN = r"^[a-z]([-a-z0-9]{0,13}[a-z0-9])?$"
VARIABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
HOST_PATTERN = r"^(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
IMAGE_PATTERN = r"^[a-zA-Z0-9][-a-zA-Z0-9._/:@]*$"
MODE_PATTERN = r"^0?[0-7]{3}$"
# Operating system, architecture and variant (OCI image specification).
PLATFORM_PATTERN = r"^[a-z0-9]+/[a-z0-9_]+(/v[0-9]+)?$"

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Text = Annotated[str, BeforeValidator(_scalar_text)]
Span = Annotated[
    float,
    BeforeValidator(_span),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?(ms|s|m|h|d))+$"}),
]
Quantity = Annotated[
    str,
    BeforeValidator(_quantity),
    WithJsonSchema({"type": ["string", "number"]}),
]
Percent = Annotated[
    float,
    BeforeValidator(_percent),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?%$"}),
]
Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=0, le=10_000)]
PortName = Annotated[str, Field(pattern=PORT_NAME_PATTERN)]
Variable = Annotated[str, Field(pattern=VARIABLE_PATTERN)]
Host = Annotated[str, Field(pattern=HOST_PATTERN)]
Image = Annotated[str, Field(pattern=IMAGE_PATTERN)]
Mode = Annotated[str, Field(pattern=MODE_PATTERN)]
Platform = Annotated[str, Field(pattern=PLATFORM_PATTERN)]
AbsolutePath = Annotated[str, Field(pattern=PATH_PATTERN)]
