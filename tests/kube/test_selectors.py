"""Label selectors: the grammar, Kubernetes' words for mistakes, and what is chosen."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.kube.selectors import (
    LabelSelector,
    Requirement,
    SelectorError,
    parse_label_selector,
    selector_from_labels,
    selector_from_object,
)

OBJECTS = {
    "a": {"app": "x", "tier": "web"},
    "b": {"app": "y", "tier": ""},
    "c": {},
}
KEYS = st.sampled_from(["app", "tier", "example.com/zone"])
VALUES = st.sampled_from(["x", "y", "web", "1", "a.b-c_d"])
LABELS = st.dictionaries(KEYS, VALUES)
REQUIREMENTS = st.one_of(
    st.builds(Requirement, KEYS, st.sampled_from(["=", "!="]), st.tuples(VALUES)),
    st.builds(Requirement, KEYS, st.sampled_from(["exists", "!"])),
    st.builds(
        Requirement,
        KEYS,
        st.sampled_from(["in", "notin"]),
        st.lists(VALUES, min_size=1, unique=True).map(sorted).map(tuple),
    ),
)
SELECTORS = st.lists(REQUIREMENTS, max_size=4, unique_by=lambda entry: entry.key).map(
    lambda entries: LabelSelector(tuple(sorted(entries, key=lambda entry: entry.key)))
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "abc"),
        ("app=x", "a"),
        ("app == x", "a"),
        ("app!=x", "bc"),
        ("app in (x, z )", "a"),
        ("app notin (x)", "bc"),
        ("app", "ab"),
        ("!app", "c"),
        ("app,tier=web", "a"),
        ("tier=", "b"),
        ("app in (),tier", ""),
        ("tier notin (web,)", "c"),
    ],
)
def test_a_selector_chooses_what_kubernetes_would(text: str, names: str) -> None:
    selector = parse_label_selector(text)
    assert [name for name, labels in OBJECTS.items() if selector.matches(labels)] == list(names)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("app in x", "unable to parse requirement: found 'x' expected: '('"),
        ("=x", "found '=', expected: !, identifier, or 'end of string'"),
        ("app==x==y", "found '==', expected: ',' or 'end of string'"),
        ("app in (a b)", "unable to parse requirement: found 'b', expected: ',' or ')'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        (
            "y<z",
            'unable to parse requirement: values[0]: Invalid value: "z": '
            "for 'Gt', 'Lt' operators, the value must be an integer",
        ),
    ],
)
def test_a_mistake_is_told_in_kubernetes_words(text: str, what: str) -> None:
    with pytest.raises(SelectorError) as error:
        parse_label_selector(text)
    assert str(error.value) == what


def test_numbers_are_compared_as_numbers() -> None:
    selector = parse_label_selector("generation>9")
    assert selector.matches({"generation": "10"})
    assert not selector.matches({"generation": "9"})
    assert not selector.matches({"generation": "new"})
    assert not selector.matches({})


def test_no_selector_object_chooses_nothing_and_an_empty_one_everything() -> None:
    assert not selector_from_object(None).matches({"app": "x"})
    assert selector_from_object({}).matches({"app": "x"})


def test_labels_and_expressions_must_all_hold() -> None:
    selector = selector_from_object(
        {
            "matchLabels": {"app": "x"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["web", "api"]},
                {"key": "legacy", "operator": "DoesNotExist"},
            ],
        }
    )
    assert str(selector) == "app=x,!legacy,tier in (api,web)"
    assert selector.matches({"app": "x", "tier": "api"})
    assert not selector.matches({"app": "x", "tier": "api", "legacy": "1"})


def test_an_unknown_operator_is_refused() -> None:
    with pytest.raises(SelectorError, match="Near"):
        selector_from_object({"matchExpressions": [{"key": "a", "operator": "Near"}]})


@settings(derandomize=True, deadline=None)
@given(SELECTORS, LABELS)
def test_a_selector_written_down_and_read_again_chooses_the_same(
    selector: LabelSelector, labels: dict[str, str]
) -> None:
    again = parse_label_selector(str(selector))
    assert again.matches(labels) == selector.matches(labels)
    assert str(again) == str(selector)


@settings(derandomize=True, deadline=None)
@given(LABELS, LABELS)
def test_labels_choose_exactly_their_supersets(
    wanted: dict[str, str], given_labels: dict[str, str]
) -> None:
    expected = wanted.items() <= given_labels.items()
    assert selector_from_labels(wanted).matches(given_labels) == expected
