"""A wrong value of any field of any part is refused, at its own line and column."""

from collections.abc import Iterator
from typing import Any, get_origin

import pytest
from pydantic import BaseModel

from kiban.kube.plain_yaml import read_plain
from kiban.primitives.canonical import yaml_text
from kiban.primitives.problems import KibanError, Problem
from kiban.spec import PlatformSpec, ServiceSpec, load_platform
from kiban.spec.field_examples import EXAMPLES
from kiban.spec.validation import bare, fields_of, inner

Path = tuple[str, ...]
# What belongs to Kubernetes or to Helm, and what is said of overrides as a whole.
ANYTHING = {"set", "objects", "environments", "clusters", "defaults"}
NAME = "thing"


def leaves(model: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every field with its type; below maps under one name."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        for name, field in fields_of(model).items():
            if name not in ANYTHING or isinstance(inner(field, NAME), type):
                yield from leaves(field, (*path, name))
        return
    if get_origin(model) is dict:
        yield path, model
        yield from leaves(bare(inner(model, NAME)), (*path, NAME))
    elif model is not Any:
        yield path, model


def wrong(model: Any) -> Any:
    """A value that no short form explains either."""
    if get_origin(model) is dict:
        return [[1]]
    return {"neither": {"this": "nor that"}} if get_origin(model) is list else [[{"a": [1]}]]


def nested(path: Path, value: Any) -> Any:
    for part in reversed(path):
        value = {part: value}
    return value


def problems(files: dict[str, str]) -> list[Problem]:
    with pytest.raises(KibanError) as error:
        load_platform(files)
    return list(error.value.problems)


def at_the_value(text: str, found: list[Problem], file: str) -> bool:
    """Whether a problem is on the last line, where the wrong value stands."""
    last = len(text.splitlines())
    return any(one.place.file == file and one.place.line >= last - 3 for one in found)


SERVICE_FIELDS = [path for path, _ in leaves(ServiceSpec)]
PLATFORM_FIELDS = [path for path, _ in leaves(PlatformSpec)]


@pytest.mark.parametrize(
    ("path", "model"), list(leaves(ServiceSpec)), ids=map(".".join, SERVICE_FIELDS)
)
def test_of_a_service(path: Path, model: Any) -> None:
    said = nested(path, wrong(model))
    text = yaml_text({**({} if path[0] == "image" else {"image": "a"}), **said})
    found = problems(
        {
            "platform.yaml": "platform: a\nenvironments: {b: {}}\n",
            "services/x.yaml": text,
        }
    )
    assert all(one.place.line and one.place.column for one in found if one.place.file)
    assert at_the_value(text, found, "services/x.yaml"), [str(one) for one in found]


@pytest.mark.parametrize(
    ("path", "model"), list(leaves(PlatformSpec)), ids=map(".".join, PLATFORM_FIELDS)
)
def test_of_a_platform(path: Path, model: Any) -> None:
    usual = {"platform": "a", "environments": {"b": {}}}
    usual = {key: value for key, value in usual.items() if key != path[0]}
    text = yaml_text({**usual, **nested(path, wrong(model))})
    found = problems({"platform.yaml": text})
    assert all(one.place.line and one.place.column for one in found if one.place.file)
    assert at_the_value(text, found, "platform.yaml"), [str(one) for one in found]


@pytest.mark.parametrize("field", EXAMPLES)
def test_a_slip_of_the_pen_is_told_with_what_was_meant(field: str) -> None:
    value = read_plain(EXAMPLES[field])[0].get(field)
    if not isinstance(value, dict) or field in ANYTHING:
        return
    model = fields_of(ServiceSpec)[field]
    if get_origin(model) is dict or not value:
        return
    known = next(iter(value))
    slip = {f"{known}x": value[known]}
    text = f"image: a\n{yaml_text({field: slip})}"
    found = problems(
        {"platform.yaml": "platform: a\nenvironments: {b: {}}\n", "services/x.yaml": text}
    )
    assert any(f"did you mean `{known}`" in one.what and one.place.line == 3 for one in found)
