"""The laws of overrides: nothing is lost without a word, layers may be merged in any grouping, and
layers that say different things in any order."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kiban.primitives.located import Located, plain
from kiban.primitives.problems import Problem
from kiban.spec.layers import Layer, merge, merge_all, origins, over, settled

NAMES = st.sampled_from("abcd")
SCALARS = st.integers(0, 3) | st.sampled_from(["x", "y"])
LISTS = st.lists(st.integers(0, 3), max_size=2)
# Every field has one type, as short forms are made long before anything merges: what is a map in
# one layer is a map in all.
INNER = st.fixed_dictionaries({}, optional={"size": SCALARS, "words": LISTS})
TREES = st.fixed_dictionaries(
    {},
    optional={
        "a": SCALARS,
        "b": LISTS,
        "c": INNER,
        "d": st.dictionaries(NAMES, INNER, max_size=3),
    },
)
# Overrides may also remove.
OVERRIDES = st.recursive(
    SCALARS | st.none(),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
LAYER = st.dictionaries(NAMES, OVERRIDES, max_size=4)
LAYERS = st.lists(LAYER, max_size=3)


def located(value: Any, line: int = 1) -> Located:
    if isinstance(value, dict):
        value = {key: located(item, line) for key, item in value.items()}
    elif isinstance(value, list):
        value = [located(item, line) for item in value]
    return Located(value, "f.yaml", line, 1)


def merged(*trees: Any) -> Any:
    found: Located | None = None
    for tree in trees:
        found = merge(found, located(tree), [])
    assert found is not None
    return plain(found)


def leaves(tree: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Scalars, lists, and maps without anything in them, by their paths."""
    if not isinstance(tree, dict) or not tree:
        return {path: tree}
    found = {}
    for key, item in tree.items():
        found |= leaves(item, (*path, key))
    return found


@given(TREES, TREES)
def test_whatever_the_upper_layer_says_holds(below: Any, above: Any) -> None:
    found = leaves(merged(below, above))
    for path, value in leaves(above).items():
        if value != {}:
            assert found[path] == value


@given(TREES, TREES)
def test_what_the_upper_layer_does_not_touch_is_not_lost(below: Any, above: Any) -> None:
    result = merged(below, above)
    touched = set(leaves(above))
    for path, value in leaves(below).items():
        if not any(path[: len(one)] == one or one[: len(path)] == path for one in touched):
            assert leaves(result).get(path) == value


@given(TREES, TREES)
def test_nothing_comes_from_nowhere(below: Any, above: Any) -> None:
    said = [*leaves(below).items(), *leaves(above).items()]
    for path, value in leaves(merged(below, above)).items():
        if value != {}:
            assert (path, value) in said


@given(TREES, TREES, TREES)
def test_layers_may_be_merged_in_any_grouping(low: Any, middle: Any, high: Any) -> None:
    assert merged(merged(low, middle), high) == merged(low, merged(middle, high))


@given(LAYER, LAYER, LAYER, LAYER)
def test_removals_do_not_depend_on_the_grouping_either(
    low: Any, middle: Any, high: Any, top: Any
) -> None:
    first, second, third, fourth = (located(tree) for tree in (low, middle, high, top))

    def both(below: Located, above: Located) -> Located:
        return over(below, above, [])

    one_by_one = settled(both(both(both(first, second), third), fourth))
    from_above = settled(both(first, both(second, both(third, fourth))))
    in_pairs = settled(both(both(first, second), both(third, fourth)))
    assert plain(one_by_one) == plain(from_above) == plain(in_pairs)


@given(LAYER)
def test_what_is_settled_holds_no_removal(tree: Any) -> None:
    assert removals(plain(settled(located(tree)))) == []


def test_a_map_said_anew_after_its_removal_shows_nothing_from_below() -> None:
    low, none, high = {"a": {"x": 1, "y": 2}}, {"a": None}, {"a": {"x": 3}}
    late = over(located(none), located(high), [])
    assert plain(settled(over(located(low), late, []))) == {"a": {"x": 3}}
    assert merged(low, none, high) == {"a": {"x": 3}}


@given(TREES)
def test_saying_the_same_again_changes_nothing(tree: Any) -> None:
    assert merged(tree, tree) == merged(tree)


@given(TREES, TREES, TREES)
def test_layers_that_say_different_things_may_come_in_any_order(
    below: Any, one: Any, other: Any
) -> None:
    other = {f"{key}2": value for key, value in other.items()}
    assert merged(below, one, other) == merged(below, other, one)


@given(TREES, TREES)
def test_merging_changes_neither_side(below: Any, above: Any) -> None:
    left, right = located(below), located(above)
    merge(left, right, [])
    assert (plain(left), plain(right)) == (below, above)


def removals(tree: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(tree, dict):
        return [path] if tree is None else []
    return [one for key, item in tree.items() for one in removals(item, (*path, key))]


def there(tree: Any, path: tuple[str, ...]) -> bool:
    for part in path:
        if not isinstance(tree, dict) or part not in tree:
            return False
        tree = tree[part]
    return True


@given(TREES, LAYERS)
def test_every_removal_removes_or_is_a_mistake(below: Any, above: list[Any]) -> None:
    current = located(below)
    for index, layer in enumerate(above):
        before = plain(current)
        problems: list[Problem] = []
        current = merge(current, located(layer, line=index + 2), problems)
        wanted = removals(layer)
        missed = [path for path in wanted if not there(before, path)]
        assert len(problems) == len(missed)
        assert not any(there(plain(current), path) for path in wanted)


@given(TREES, LAYERS)
def test_the_last_origin_is_the_value_that_holds(below: Any, above: list[Any]) -> None:
    layers = [Layer(str(index), located(tree)) for index, tree in enumerate([below, *above])]
    result = merge_all(layers, [])
    assert result is not None
    for path, value in leaves(plain(result)).items():
        if path and not isinstance(value, dict):
            assert list(origins(layers, path))[-1].value == value
