"""One walk that says what two do: whether a configuration fits, and which fields it states."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.kube.kinds import standard_kinds
from kiban.kube.objects import GroupKind
from kiban.kube.ownership.collecting import collect
from kiban.kube.ownership.configurations import WrongConfiguration, check_configuration
from kiban.kube.ownership.stating import stated_fields
from kiban.kube.schema import Shape, shape_of


def shape() -> Shape:
    info = standard_kinds().of(GroupKind("", "Pod"))
    assert info is not None
    return shape_of(info)


SCALARS: Any = st.sampled_from(["", "a", "100m", 0, 1, 0.5, True, False, None])
NAMES = st.sampled_from(["a", "b"])
ODD: Any = st.one_of(SCALARS, st.just({}), st.just([]), st.just({"a": 1}), st.just(["a"]))
ENTRY: Any = st.fixed_dictionaries({"name": NAMES}, optional={"value": ODD, "odd": ODD})
PORT: Any = st.fixed_dictionaries(
    {"containerPort": st.sampled_from([80, "80", 81])}, optional={"protocol": SCALARS}
)
RESOURCES: Any = st.dictionaries(st.sampled_from(["limits", "requests"]), ODD | st.just({"cpu": 1}))
CONTAINER: Any = st.fixed_dictionaries(
    {"name": NAMES},
    optional={
        "env": st.lists(ENTRY, max_size=3) | ODD,
        "ports": st.lists(PORT, max_size=2),
        "resources": RESOURCES | ODD,
        "args": st.lists(SCALARS, max_size=2),
    },
)
CONFIGURATION: Any = st.fixed_dictionaries(
    {"metadata": st.fixed_dictionaries({"name": NAMES}, optional={"labels": ODD})},
    optional={
        "spec": st.fixed_dictionaries(
            {"containers": st.lists(CONTAINER, max_size=2)},
            optional={"nodeSelector": ODD, "tolerations": st.lists(ODD, max_size=2)},
        ),
        "odd": ODD,
    },
)


def separately(config: dict[str, Any]) -> Any:
    try:
        check_configuration(config, shape(), allow_duplicates=False)
    except WrongConfiguration as wrong:
        return str(wrong)
    return collect(config, shape())


@settings(max_examples=300, deadline=None)
@given(CONFIGURATION)
def test_one_walk_says_what_checking_and_collecting_say(config: dict[str, Any]) -> None:
    for _ in range(2):
        try:
            found: Any = stated_fields(config, shape())
        except WrongConfiguration as wrong:
            found = str(wrong)
        assert found == separately(config)


def test_objects_of_scalars_share_one_field_set() -> None:
    config = {"metadata": {"name": "p", "labels": {"x": "1"}}}
    first, second = (stated_fields(config, shape()) for _ in range(2))
    assert first["f:metadata"]["f:labels"] == {"f:x": {}}
    assert first["f:metadata"]["f:labels"] is second["f:metadata"]["f:labels"]


def test_a_wrong_type_is_told_in_the_words_of_the_check() -> None:
    config = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": 3}}
    with pytest.raises(WrongConfiguration, match=r"\.metadata\.name: expected string"):
        stated_fields(config, shape())
