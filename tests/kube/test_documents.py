"""Texts to manifests, as kubectl reads them."""

from typing import Any

import pytest

from kiban.kube.documents import read_documents
from kiban.kube.plain_yaml import NotPlain, read_plain

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("n", False),
        ("2024-01-01", "2024-01-01"),
        ("12:30", "12:30"),
        ("1e3", 1000.0),
        ("0o14", 12),
        ("014", 12),
        ("0x10", 16),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("~", None),
        ("v1.2", "v1.2"),
        ("{1: a, yes: b}", {"1": "a", "yes": "b"}),
        ("{<<: {a: 1, b: 2}, a: 3}", {"a": 3, "b": 2}),
        ("[&a {x: 1}, *a]", [{"x": 1}, {"x": 1}]),
    ],
)
def test_values_are_what_kubectl_reads(text: str, value: Any) -> None:
    assert read_plain(text) == [value]


@pytest.mark.parametrize("text", ["!!python/object:os.system {}", "? [a]\n: b", "<<: 1", "[" * 200])
def test_what_is_no_plain_data_is_refused(text: str) -> None:
    with pytest.raises(NotPlain):
        read_plain(text)


def test_aliases_of_aliases_do_not_grow_without_end() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 9):
        items = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{items}]")
    with pytest.raises(NotPlain, match=r"aliases"):
        read_plain("\n".join(lines))


def test_each_document_knows_its_line() -> None:
    text = f"# first\n{POD % 'a'}---\n\n---\n{POD % 'b'}"
    found, problems = read_documents("x.yaml", text)
    assert [(one.manifest["metadata"]["name"], one.line) for one in found] == [("a", 1), ("b", 7)]
    assert problems == []


def test_lists_and_json_are_read() -> None:
    text = (
        '{"apiVersion": "v1", "kind": "List", "items": ['
        '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}]}'
    )
    [found], _ = read_documents("x.json", text)
    assert (found.manifest["kind"], found.inside) == ("Pod", ("items", 0))


def test_what_is_no_manifest_is_left_out() -> None:
    assert read_documents("x.yaml", "a: 1\n---\n- b\n---\nkind: Pod\n") == ([], [])


def test_json_values_one_after_the_other_are_read_as_kubectl_does() -> None:
    one = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "%s"}}'
    found, problems = read_documents("a.json", f"{one % 'a'}\n{one % 'b'}\n")
    assert problems == []
    assert [document.manifest["metadata"]["name"] for document in found] == ["a", "b"]
