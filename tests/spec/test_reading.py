"""Reading YAML with positions."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kiban.primitives.located import plain
from kiban.spec.reading import MAX_NODES, read_yaml


def value_of(text: str) -> object:
    tree, problems = read_yaml("a.yaml", text)
    assert problems == []
    assert tree is not None
    return plain(tree)


def codes_of(text: str) -> list[tuple[str, int, int]]:
    _, problems = read_yaml("a.yaml", text)
    return [(one.code, one.place.line, one.place.column) for one in problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("off", "off"),
        ("0123", "0123"),
        ("12:30:45", "12:30:45"),
        ("2026-11-21", "2026-11-21"),
        ("1e3", "1e3"),
        ("1_000", "1_000"),
        ("12", 12),
        ("0x1f", 31),
        ("1.5", 1.5),
        ("true", True),
        ("~", None),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("[1, a]", [1, "a"]),
    ],
)
def test_scalars_are_what_people_take_them_for(text: str, value: object) -> None:
    assert value_of(text) == value


def test_a_scalar_remembers_how_it_was_written() -> None:
    tree, _ = read_yaml("a.yaml", "tag: 1.10\n")
    assert tree is not None
    tag = tree.get("tag")
    assert tag is not None
    assert (tag.value, tag.text) == (1.1, "1.10")


def test_values_and_keys_have_their_places() -> None:
    tree, _ = read_yaml("a.yaml", "a:\n  b: {c: 1}\n")
    assert tree is not None
    node = tree.get("a", "b", "c")
    assert node is not None
    assert (str(node.key_place()), str(node.place())) == ("a.yaml:2:7", "a.yaml:2:10")


def test_anchors_and_merge_keys_are_followed() -> None:
    text = "base: &base {a: 1, b: 2}\nother: {<<: *base, b: 3}\nsame: *base\n"
    assert value_of(text) == {
        "base": {"a": 1, "b": 2},
        "other": {"a": 1, "b": 3},
        "same": {"a": 1, "b": 2},
    }


def test_a_key_written_twice_is_reported_and_the_rest_is_read() -> None:
    assert codes_of("a: 1\nb: 2\na: 3\n") == [("spec/duplicate-key", 3, 1)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: [1\n", "spec/yaml"),
        ("a: 1\n\tb: 2\n", "spec/yaml"),
        ("a: *b\n", "spec/alias"),
        ("a: &a [*a]\n", "spec/alias"),
        ("a: !!python/object:os.system x\n", "spec/tag"),
        ("a: 1\n---\nb: 2\n", "spec/documents"),
        ("? [a]\n: 1\n", "spec/key"),
        ("[" * 100_000, "spec/too-deep"),
        ("a: \x00", "spec/yaml"),
    ],
)
def test_what_cannot_be_read_is_a_problem(text: str, code: str) -> None:
    assert [one[0] for one in codes_of(text)] == [code]


def test_aliases_count_as_often_as_they_are_used() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert MAX_NODES < 10**9
    assert [one[0] for one in codes_of("\n".join(lines))] == ["spec/too-large"]


@given(st.text(alphabet=" \n\t:-{}[]#&*!|>'\"%@`a1,?", max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    tree, problems = read_yaml("a.yaml", text)
    assert tree is not None or problems or not list(yaml.scan(text))[1:-1]
