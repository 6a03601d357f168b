"""Specs as text: what is read back is what was written, in both readers."""

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from kiban.adopt.writing import written
from kiban.primitives.located import plain
from kiban.spec.reading import read_yaml

# What some reader takes for a number, a date, a word, or the beginning of something else.
TRICKY = [
    "100m",
    "10s",
    "60%",
    "v1",
    "3f2c1a9",
    "1e3",
    "0x1f",
    "12:30",
    "yes",
    "null",
    "~",
    "{x}",
    "/healthz",
    "*.example.com",
    "é",
    "2024-01-01",
]
texts = st.one_of(
    st.text(max_size=30), st.sampled_from([*TRICKY, "a: b", "- x", "a #b", "a\nb\n", "", " "])
)
trees = st.dictionaries(
    texts,
    st.recursive(
        st.one_of(texts, st.integers(-5, 10**6), st.booleans(), st.none()),
        lambda inside: st.one_of(
            st.lists(inside, max_size=3), st.dictionaries(texts, inside, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


@given(trees)
def test_both_readers_read_what_was_written(tree: dict[str, Any]) -> None:
    text = written(tree)
    assert (yaml.safe_load(text) or {}) == tree
    found, problems = read_yaml("x.yaml", text)
    assert problems == []
    assert (plain(found) if found is not None else {}) == tree


def test_what_is_small_stands_on_one_line() -> None:
    assert written({"scale": {"min": 2, "max": 9, "cpu": "60%"}, "drain": "10s"}) == (
        "scale: {min: 2, max: 9, cpu: 60%}\ndrain: 10s\n"
    )


def test_what_is_long_stands_in_a_block() -> None:
    text = written({"env": {f"NAME_{number}": "value" for number in range(9)}})
    assert text.startswith("env:\n  NAME_0: value\n")
