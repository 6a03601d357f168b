"""No manifest, however wrong, breaks a rule: what cannot be judged is said and left alone."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.audit.shop import NOW, merged, sound

from kiban.audit import RULES, Settings, Surroundings, check
from kiban.audit.surroundings import Subnet
from kiban.kube.objects import Manifest

EVERYTHING = Surroundings(
    Settings(
        on=[rule.name for rule in RULES if rule.optional],
        version="1.36",
        cpu_limits="require",
        pull_policy="Always",
        registries=["r"],
        labels=["team"],
        zones=["example.com"],
        architectures=["amd64"],
        node_cpu="4",
        node_memory="16Gi",
        nodes=3,
        subnets={"a": Subnet(zone="a", free=3)},
    ),
    NOW,
    usage={"shop/api/app": {"cpu": "1", "memory": "1Gi"}},
)
# Every kind that a rule looks at is in some example.
MANIFESTS: list[Manifest] = [
    *sound(),
    *(one for rule in RULES for one in merged(rule.example)[len(sound()) :]),
]
ODD = st.sampled_from(
    [None, "", "x", "0", 0, -1, 10**20, True, [], {}, [None], ["x"], [{}], {"x": None}, {"x": "y"}]
)


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(tree, dict | list):
        return []
    found = []
    for key, item in tree.items() if isinstance(tree, dict) else enumerate(tree):
        found += [(*path, key), *places(item, (*path, key))]
    return found


def replaced(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    first, *rest = path
    if isinstance(tree, dict):
        return {**tree, first: replaced(tree[first], tuple(rest), value)}
    return [replaced(one, tuple(rest), value) if i == first else one for i, one in enumerate(tree)]


# The identity of an object is read before it is judged.
PLACES = [
    (index, path)
    for index, manifest in enumerate(MANIFESTS)
    for path in places(manifest)
    if path not in (("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"),
                    ("metadata", "namespace"))
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), ODD), min_size=1, max_size=3))
def test_nothing_that_can_be_written_breaks_a_rule(
    changes: list[tuple[tuple[int, tuple[Any, ...]], Any]],
) -> None:
    manifests = list(MANIFESTS)
    for (index, path), value in changes:
        if path in places(manifests[index]):
            manifests[index] = replaced(manifests[index], path, value)
    check(manifests, around=EVERYTHING)
