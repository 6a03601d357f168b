"""Where values come from, and what holds in the end."""

import pytest

from kiban.primitives.canonical import one_line
from kiban.primitives.problems import KibanError
from kiban.spec import explain, load_platform
from kiban.spec.explaining import effective

PLATFORM = load_platform(
    {
        "platform.yaml": """\
platform: shop
environments: {dev: {}, prod: {defaults: {drain: 30s, scale: {min: 4}}}}
defaults: {labels: {example.com/cost: a1}, scale: {max: 9}}
""",
        "services/stamp.yaml": """\
image: r/stamp
port: 8080
files: {/etc/limits.yaml: {content: x, mode: 0644}}
environments: {prod: {labels: {example.com/cost: null}}}
""",
    }
)


def test_names_that_people_choose_may_have_dots() -> None:
    [mode] = explain(PLATFORM, "stamp.files./etc/limits.yaml.mode", "dev")
    assert (mode.value, mode.place) == ("0644", "services/stamp.yaml:3:46")
    [cost] = explain(PLATFORM, "stamp.labels.example.com/cost", "dev")
    assert cost.value == "a1"


def test_a_removal_is_a_step_of_the_history() -> None:
    assert [one.value for one in explain(PLATFORM, "stamp.labels.example.com/cost", "prod")] == [
        "a1",
        None,
    ]


@pytest.mark.parametrize(
    ("path", "environment", "wanted"),
    [
        ("stamp.drain", "dev", "15s"),
        ("stamp.drain", "prod", "30s"),
        ("stamp.labels", "dev", "{example.com/cost: a1}"),
        ("stamp.labels", "prod", "{}"),
        ("stamp.scale", "prod", "{min: 4, max: 9, settle: 5m, hold: 0s}"),
        ("stamp.files./etc/limits.yaml", "dev", "{content: x, expand: false, mode: 0644}"),
    ],
)
def test_what_holds_has_its_units(path: str, environment: str, wanted: str) -> None:
    assert one_line(effective(PLATFORM, path, environment)) == wanted


def test_without_a_near_name_all_are_told() -> None:
    with pytest.raises(KibanError, match=r"use one of: stamp"):
        explain(PLATFORM, "nothing.drain")


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("a, b", "a, b"),
        (["a, b", "c"], '["a, b", c]'),
        ({"a": True, "b": None, "c": ""}, '{a: true, b: null, c: ""}'),
        ("two\nlines", '"two\\nlines"'),
    ],
)
def test_a_line_for_people_quotes_only_what_it_must(value: object, line: str) -> None:
    assert one_line(value) == line
