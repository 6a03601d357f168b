"""Where services stand on a map."""

from hypothesis import given
from hypothesis import strategies as some

from kiban.web.pictures.graph import laid_out, neighbourhood

names = some.sampled_from("abcdefgh")
graphs = some.dictionaries(names, some.lists(names, unique=True, max_size=4))


def test_callers_stand_before_what_they_call() -> None:
    laid = laid_out({"web": ["api"], "api": ["db"], "job": ["db"]}, ["web", "api", "job", "db"])
    columns = {name: column for name, (column, _) in laid.places.items()}
    assert columns == {"web": 0, "job": 0, "api": 1, "db": 2}


def test_a_neighbourhood_is_the_callers_and_all_that_is_needed() -> None:
    uses = {"web": ["api"], "api": ["db"], "other": ["db"], "edge": ["web"]}
    assert sorted(neighbourhood(uses, "api")) == ["api", "db", "web"]


@given(graphs)
def test_every_node_has_a_place_of_its_own_whatever_calls_what(uses: dict[str, list[str]]) -> None:
    nodes = sorted({*uses, *(name for used in uses.values() for name in used)})
    laid = laid_out(uses, nodes)
    assert sorted(laid.places) == nodes
    assert len(set(laid.places.values())) == len(nodes)
    assert all(column < max(1, len(nodes)) for column, _ in laid.places.values())
