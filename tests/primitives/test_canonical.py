"""Canonical text: read back as the same value, by the YAML readers users have."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kiban.primitives.canonical import canonical_json, digest, yaml_documents, yaml_text

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
    | st.sampled_from(
        ["y", "no", "1e3", "0o14", "1_000", "0x1F", "12:30:45", "=", "~", "<<", "a\nb\n"]
    )
)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(trees)
def test_yaml_reads_back_as_the_same_value(value: Any) -> None:
    assert yaml.safe_load(yaml_text(value)) == value


@given(st.text(max_size=30))
def test_a_string_stays_a_string(text: str) -> None:
    assert yaml.safe_load(yaml_text({"key": text, "list": [text]})) == {"key": text, "list": [text]}


@pytest.mark.parametrize(
    "word", ["y", "n", "on", "1e3", "0o14", "012", "1_000", "0x1F", "null", ""]
)
def test_what_kubectl_reads_as_another_type_is_quoted(word: str) -> None:
    assert yaml_text({"a": word}) == f'a: "{word}"\n'


def test_the_text_looks_as_people_write_it() -> None:
    value = {
        "metadata": {"name": "stamp", "labels": {"app.kubernetes.io/name": "stamp"}},
        "spec": {"ports": [{"name": "http", "port": 80}], "args": [], "script": "a\nb\n"},
    }
    assert yaml_text(value) == (
        "metadata:\n"
        "  name: stamp\n"
        "  labels:\n"
        "    app.kubernetes.io/name: stamp\n"
        "spec:\n"
        "  ports:\n"
        "  - name: http\n"
        "    port: 80\n"
        "  args: []\n"
        "  script: |\n"
        "    a\n"
        "    b\n"
    )


def test_documents_are_separated() -> None:
    assert yaml_documents([{"a": 1}, {"b": 2}]) == "a: 1\n---\nb: 2\n"


def test_key_order_does_not_change_the_digest() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert canonical_json({"b": 1, "a": 2}) == b'{"a":2,"b":1}'
