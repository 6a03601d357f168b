"""What is read by sight is what the careful reader reads, or it is not read."""

import random
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.kube.documents import _parts
from kiban.kube.plain_yaml import NotPlain, read_plain
from kiban.kube.simple_yaml import read_simple

ROOT = Path(__file__).parents[2]
SAMPLES = [
    part
    for path in [
        *sorted((ROOT / "tests").rglob("*.yaml")),
        *sorted(ROOT.glob("examples/**/*.yaml")),
    ]
    for _, part in _parts(path.read_text())
][::7]


def carefully(text: str) -> object:
    try:
        return read_plain(text)
    except (yaml.YAMLError, NotPlain):
        return "a mistake"


def test_most_of_what_people_and_programs_write_is_simple() -> None:
    simple = [read_simple(text) for text in SAMPLES]
    assert sum(one is not None for one in simple) > len(SAMPLES) * 0.8
    for text, one in zip(SAMPLES, simple, strict=True):
        assert one is None or [one] == read_plain(text)


PIECES = [
    "a: 1", "b:", "- x", "- a: 1", "-", "- - z", "  ", "", "# note", "c: |", "d: |-", "text here",
    "e: 'it''s'", 'f: "q"', 'f: "a\\n"', "g: {a: 1}", "g: [1, 2]", "g: [1,", "h: a # c", "i: a: b",
    "j: &x 1", "k: *x", "<<: {}", "l: -", "m: - a", "n: yes", "o: 0x1f", "p: ~", "q : 1", "'r': 1",
    '"s": 1', "t: > ", "u: >-", "v: !!str 1", "---", "...", "? w", "x: #", "y: a:", "z: http://a:1",
    "-   a: 2", "- |", "%YAML 1.1", "1: 2", "a: b  ", "- > ", "é: 1", "\ta: 1",
    "- {a: b}", "- 'x'", "aa: }",
    'bb: "a', 'bb: "a" b', 'bb: "\\x41"',
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0, 0, 1, 2, 2, 4, 4, 6]), st.sampled_from(PIECES)),
                min_size=1, max_size=9), st.booleans())  # fmt: skip
def test_nothing_is_read_in_another_way(lines: list[tuple[int, str]], ended: bool) -> None:
    text = "\n".join(" " * indent + piece for indent, piece in lines) + "\n" * ended
    found = read_simple(text)
    assert found is None or [found] == carefully(text)


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_line_that_moved_is_read_alike_or_not_at_all(chance: random.Random) -> None:
    lines = chance.choice(SAMPLES).split("\n")
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines))
        change = chance.randrange(5)
        if change == 0:
            lines[at] = " " * chance.randint(1, 3) + lines[at]
        elif change == 1:
            lines[at] = lines[at][chance.randint(1, 3) :]
        elif change == 2:
            lines.insert(at, chance.choice(lines))
        elif change == 3:
            del lines[at]
            lines = lines or [""]
        else:
            cut = chance.randint(0, len(lines[at]))
            lines[at] = lines[at][:cut] + chance.choice(" :-#'\"|{}[]a\n") + lines[at][cut:]
    text = "\n".join(lines)
    found = read_simple(text)
    assert found is None or [found] == carefully(text)


@pytest.mark.parametrize(
    "text",
    ["a: &x 1\n", "a: >\n  b\n", "a: b\n c: d\n", "a: |\n  b", "- a\n", "%YAML 1.1\n---\na: 1\n"],
)
def test_what_is_not_simple_is_left_to_the_careful(text: str) -> None:
    assert read_simple(text) is None


def test_blocks_and_lists_stand_where_people_put_them() -> None:
    text = "a:\n- b: |\n    one\n      two\n\n  c:\n    - 1\n    -\n      d: 'e'\nf: |-\n x\n\n"
    assert read_simple(text) == {
        "a": [{"b": "one\n  two\n", "c": [1, {"d": "e"}]}],
        "f": "x",
    }
