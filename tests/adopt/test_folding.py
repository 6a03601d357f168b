"""Layers whose merge is what was folded, and short ones."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kiban.adopt.folding import Leaf, folded, merged

values = st.sampled_from([1, 2, "x", ["a"], True])
trees = st.fixed_dictionaries(
    {"image": st.sampled_from(["a", "b"])},
    optional={
        "drain": st.sampled_from(["1s", "2s"]),
        "env": st.dictionaries(st.sampled_from("AB"), st.sampled_from(["1", "2"]), min_size=1),
        "routes": st.dictionaries(
            st.sampled_from(["x", "y"]),
            st.fixed_dictionaries({"path": st.sampled_from(["/", "/a"])}),
            min_size=1,
        ),
        "patches": st.dictionaries(
            st.sampled_from(["p", "q"]),
            st.sampled_from(
                [{"reason": "why", "set": {"a": None}}, {"reason": "why", "remove": True}]
            ),
            min_size=1,
        ),
    },
)
platforms = st.dictionaries(
    st.sampled_from(["one", "two", "three"]),
    st.dictionaries(st.sampled_from(["dev", "prod"]), trees, min_size=1),
    min_size=1,
)


def always(service: str, environment: str, leaf: Leaf, value: Any) -> bool:
    return True


def effective(tree: dict[str, Any]) -> dict[str, Any]:
    """With patches as they act: `remove: false` says nothing."""
    patches = {
        key: {name: value for name, value in patch.items() if (name, value) != ("remove", False)}
        for key, patch in tree.get("patches", {}).items()
    }
    bare = {key: value for key, value in tree.items() if key != "patches" and value != {}}
    return bare | ({"patches": patches} if patches else {})


@given(platforms)
def test_the_merge_of_the_layers_is_what_was_folded(given_: dict[str, Any]) -> None:
    found = folded(given_, always)
    for service, own in given_.items():
        for environment, wanted in own.items():
            below = merged(found.defaults, found.environments[environment])
            whole = merged(
                merged(below, found.services[service]),
                found.overrides[service].get(environment, {}),
            )
            assert effective(whole) == effective(wanted)


def test_what_all_say_is_said_once() -> None:
    tree = {"image": "a", "drain": "0s", "env": {"TZ": "Asia/Tokyo"}}
    found = folded({name: {"dev": tree, "prod": tree} for name in ("one", "two")}, always)
    assert found.defaults == {"drain": "0s", "env": {"TZ": "Asia/Tokyo"}}
    assert found.services == {"one": {"image": "a"}, "two": {"image": "a"}}


def test_what_follows_the_environment_is_said_there() -> None:
    own = {
        name: {"image": "a", "env": {"LEVEL": level}}
        for name, level in (("dev", "debug"), ("prod", "info"))
    }
    found = folded(dict.fromkeys(("one", "two", "three"), own), always)
    assert found.environments == {
        "dev": {"env": {"LEVEL": "debug"}},
        "prod": {"env": {"LEVEL": "info"}},
    }
    assert found.overrides == {"one": {}, "two": {}, "three": {}}


def test_who_differs_says_so_alone() -> None:
    tree = {"image": "a", "drain": "0s"}
    every = {name: {"dev": tree} for name in ("one", "two", "three")}
    found = folded({**every, "four": {"dev": {"image": "a"}}}, always)
    assert found.defaults == {"drain": "0s"}
    assert found.services["four"] == {"image": "a", "drain": None}


def test_to_want_nothing_of_it_is_one_word() -> None:
    tree = {"image": "a", "env": {"A": "1", "B": "2"}}
    every = {name: {"dev": tree, "prod": tree} for name in ("one", "two", "three")}
    bare = {"image": "a"}
    found = folded({**every, "four": {"dev": bare, "prod": bare}}, always)
    assert found.defaults == {"env": {"A": "1", "B": "2"}}
    assert found.services["four"] == {"image": "a", "env": None}
    assert found.overrides["four"] == {}


def test_the_commonest_value_is_the_service_s_own() -> None:
    values = {"dev": "1", "stg": "1", "prod": "2"}
    own = {name: {"image": "a", "env": {"X": value}} for name, value in values.items()}
    found = folded({"one": own}, always)
    assert found.services["one"]["env"] == {"X": "1"}
    assert found.overrides["one"] == {"prod": {"env": {"X": "2"}}}
