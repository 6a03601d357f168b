"""Graphs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.primitives.graphs import cycle, everything_needed, waves

names = st.sampled_from("abcdef")


def test_waves_come_after_what_they_need() -> None:
    needs = {"web": {"points", "stamp"}, "points": {"db"}, "stamp": {"points"}, "db": set[str]()}
    assert waves(needs) == [["db"], ["points"], ["stamp"], ["web"]]


def test_a_need_outside_the_graph_is_ignored() -> None:
    assert waves({"a": {"elsewhere"}}) == [["a"]]


def test_a_cycle_is_named() -> None:
    needs = {"a": {"b"}, "b": {"c"}, "c": {"b"}}
    assert cycle(needs) == ["b", "c", "b"]
    with pytest.raises(ValueError, match="b -> c -> b"):
        waves(needs)


@given(st.dictionaries(names, st.frozensets(names)))
def test_waves_hold_every_node_once_or_there_is_a_cycle(needs: dict[str, frozenset[str]]) -> None:
    if cycle(needs):
        with pytest.raises(ValueError, match="cycle"):
            waves(needs)
        return
    order = [node for wave in waves(needs) for node in wave]
    assert sorted(order) == sorted(needs)
    for node, wants in needs.items():
        assert all(order.index(want) < order.index(node) for want in wants if want in needs)


def test_everything_needed_is_transitive() -> None:
    needs = {"a": {"b"}, "b": {"c"}, "c": set[str](), "d": {"a"}}
    assert everything_needed("a", needs) == {"b", "c"}
