"""Server-side apply: ownership, conflicts, removal, order, and its laws."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kube.manifests import config_map, container, deployment, pod

from kiban.kube.kinds import KindInfo, standard_kinds
from kiban.kube.objects import Manifest
from kiban.kube.ownership import (
    Applied,
    FieldConflicts,
    WrongConfiguration,
    apply,
    reset_fields,
    track_update,
)
from kiban.kube.schema import shape_of
from kiban.primitives.instants import Instant, later

NOW = Instant(1_800_000_000_000_000)


def info_of(manifest: Manifest) -> KindInfo:
    info = standard_kinds().of_manifest(manifest)
    assert info is not None
    return info


def applied(live: Manifest | None, config: Manifest, manager: str, **rules: Any) -> Applied:
    info = info_of(config)
    subresource = rules.get("subresource", "")
    return apply(
        live,
        config,
        manager=manager,
        shape=shape_of(info),
        now=rules.pop("now", NOW),
        reset=reset_fields(info, subresource),
        **rules,
    )


def result(live: Manifest | None, config: Manifest, manager: str, **rules: Any) -> Manifest:
    return applied(live, config, manager, **rules).manifest


def owned(manifest: Manifest) -> dict[str, Any]:
    return {entry["manager"]: entry["fieldsV1"] for entry in manifest["metadata"]["managedFields"]}


def written(manifest: Manifest, after: Manifest, manager: str) -> Manifest:
    """The object after an ordinary write."""
    managed = track_update(
        manifest, after, manager=manager, shape=shape_of(info_of(after)), now=NOW
    )
    return {**after, "metadata": {**after["metadata"], "managedFields": managed}}


def test_only_what_was_sent_is_owned() -> None:
    live = result(None, config_map(k="1"), "one")
    assert live["data"] == {"k": "1"}
    assert owned(live) == {"one": {"f:data": {"f:k": {}}}}


def test_list_items_are_owned_by_their_keys() -> None:
    live = result(None, deployment(container(ports=[{"containerPort": 80}])), "one")
    fields = owned(live)["one"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert fields == {
        'k:{"name":"app"}': {
            ".": {},
            "f:image": {},
            "f:name": {},
            "f:ports": {
                'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}
            },
        }
    }


def test_the_same_configuration_twice_changes_nothing() -> None:
    live = result(None, deployment(), "one")
    again = applied(live, deployment(), "one", now=later(NOW, 60))
    assert not again.changed
    assert again.manifest == live


def test_a_key_that_is_no_longer_stated_goes() -> None:
    live = result(None, config_map(k="1", l="2"), "one")
    assert result(live, config_map(k="1"), "one")["data"] == {"k": "1"}


def test_a_value_that_two_state_stays_until_both_let_go() -> None:
    live = result(None, config_map(k="1"), "one")
    live = result(live, config_map(k="1"), "two")
    live = result(live, config_map(), "one")
    assert live["data"] == {"k": "1"}
    assert not result(live, config_map(), "two")["data"]


def test_changing_a_field_of_another_is_a_conflict() -> None:
    live = result(None, config_map(k="1"), "one")
    with pytest.raises(FieldConflicts) as conflicts:
        result(live, config_map(k="2"), "two")
    assert str(conflicts.value) == 'Apply failed with 1 conflict: conflict with "one": .data.k'
    assert conflicts.value.causes == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "one"',
            "field": ".data.k",
        }
    ]


def test_several_conflicts_are_listed_by_manager() -> None:
    live = result(None, config_map(k="1", l="1"), "one")
    live = result(live, config_map(m="1"), "two")
    with pytest.raises(FieldConflicts) as conflicts:
        result(live, config_map(k="2", l="2", m="2"), "three")
    assert str(conflicts.value) == (
        'Apply failed with 3 conflicts: conflicts with "one":\n- .data.k\n- .data.l\n'
        'conflicts with "two":\n- .data.m'
    )


def test_an_updater_is_named_with_its_version() -> None:
    live = result(None, config_map(k="1"), "one")
    live = written(live, {**live, "data": {"k": "2"}}, "editor")
    with pytest.raises(FieldConflicts, match=r'conflict with "editor" using v1: \.data\.k'):
        result(live, config_map(k="1"), "one")


def test_a_path_into_a_list_is_written_with_its_key() -> None:
    live = result(None, pod(), "one")
    with pytest.raises(FieldConflicts, match=r'\.spec\.containers\[name="app"\]\.image'):
        result(live, pod(container(image="other")), "two")


def test_force_takes_the_field_and_the_loser_may_drop_it_without_effect() -> None:
    live = result(None, config_map(k="1"), "one")
    live = result(live, config_map(k="2"), "two", force=True)
    assert owned(live) == {"two": {"f:data": {"f:k": {}}}}
    live = result(live, config_map(own="1"), "one")
    assert live["data"] == {"k": "2", "own": "1"}


def test_two_appliers_have_their_own_containers() -> None:
    live = result(None, pod(container("a")), "one")
    live = result(live, pod(container("b")), "two")
    assert [entry["name"] for entry in live["spec"]["containers"]] == ["a", "b"]
    live = result(live, pod(container("b2")), "two")
    assert [entry["name"] for entry in live["spec"]["containers"]] == ["a", "b2"]


def test_items_keep_the_order_of_the_configuration_between_the_live_ones() -> None:
    def environment(*names: str) -> Manifest:
        return pod(container(env=[{"name": name, "value": "1"} for name in names]))

    live = result(None, environment("A", "B"), "one")
    live = result(live, environment("Z", "A"), "two")
    names = [entry["name"] for entry in live["spec"]["containers"][0]["env"]]
    assert names == ["Z", "A", "B"]


def test_atomic_lists_are_owned_and_replaced_whole() -> None:
    live = result(None, pod(tolerations=[{"key": "a", "operator": "Exists"}]), "one")
    config = pod(tolerations=[{"key": "b", "operator": "Exists"}])
    with pytest.raises(FieldConflicts, match=r"\.spec\.tolerations"):
        result(live, config, "two")
    live = result(live, config, "two", force=True)
    assert live["spec"]["tolerations"] == [{"key": "b", "operator": "Exists"}]


def test_each_owner_adds_and_removes_its_own_finalizers() -> None:
    def finalized(*names: str) -> Manifest:
        manifest = config_map()
        manifest["metadata"]["finalizers"] = list(names)
        return manifest

    live = result(None, finalized("x/a", "x/s"), "one")
    live = result(live, finalized("x/s", "x/b"), "two")
    live = result(live, config_map(), "one")
    assert sorted(live["metadata"]["finalizers"]) == ["x/b", "x/s"]


def test_what_nobody_tracked_belongs_to_before_first_apply() -> None:
    live = config_map(k="1")
    with pytest.raises(FieldConflicts, match=r'"before-first-apply" using v1: \.data\.k'):
        result(live, config_map(k="2"), "one")


def test_status_is_neither_set_nor_owned_through_the_main_end_point() -> None:
    config = {**deployment(), "status": {"replicas": 9}}
    live = result(None, config, "one")
    assert "status" not in live
    assert "f:status" not in owned(live)["one"]


def test_status_is_applied_through_its_own_end_point() -> None:
    live = {**pod(), "status": {"phase": "Pending"}}
    condition = {"type": "A", "status": "True"}
    config = {**pod(container(image="other")), "status": {"conditions": [condition]}}
    live = result(live, config, "one", subresource="status")
    assert live["spec"] == pod()["spec"]
    assert owned(live)["one"] == {
        "f:status": {"f:conditions": {'k:{"type":"A"}': {".": {}, "f:status": {}, "f:type": {}}}}
    }


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"extra": 1}, ".extra: field not declared in schema"),
        ({"data": ["x"]}, ".data: expected map, got list"),
        ({"data": {"k": 5}}, ".data.k: expected string, got &value.valueUnstructured{Value:5}"),
        (
            {"metadata": {"name": "settings", "finalizers": ["x/a", "x/a"]}},
            '.metadata.finalizers: duplicate entries for key [="x/a"]',
        ),
    ],
)
def test_a_configuration_must_fit_its_kind(change: dict[str, Any], what: str) -> None:
    with pytest.raises(WrongConfiguration) as error:
        result(None, {**config_map(), **change}, "one")
    prefix = "failed to create typed patch object (/settings; /v1, Kind=ConfigMap): "
    assert str(error.value) == prefix + what


def test_kubectl_keeps_the_annotation_of_older_kubectls() -> None:
    live = config_map(k="1")
    name = "kubectl.kubernetes.io/last-applied-configuration"
    live["metadata"]["annotations"] = {name: "{}"}
    after = result(live, config_map(k="2"), "kubectl", force=True)
    assert after["metadata"]["annotations"][name] == (
        '{"apiVersion":"v1","data":{"k":"2"},"kind":"ConfigMap","metadata":{"name":"settings"}}\n'
    )


DATA = st.dictionaries(st.sampled_from("klm"), st.sampled_from("12"), max_size=3)
STEPS = st.lists(st.tuples(st.sampled_from(["one", "two"]), DATA), min_size=1, max_size=5)


@settings(derandomize=True, deadline=None)
@given(STEPS)
def test_after_a_forced_apply_the_object_says_what_was_asked(
    steps: list[tuple[str, dict[str, str]]],
) -> None:
    live: Manifest | None = None
    for manager, data in steps:
        config = config_map(always="1", **data)
        live = result(live, config, manager, force=True)
        assert data.items() <= live["data"].items()
        again = applied(live, config, manager)
        assert not again.changed and again.manifest == live


@settings(derandomize=True, deadline=None)
@given(STEPS)
def test_a_field_lives_as_long_as_somebody_owns_it(
    steps: list[tuple[str, dict[str, str]]],
) -> None:
    live: Manifest | None = None
    for manager, data in steps:
        live = result(live, config_map(**data), manager, force=True)
    assert live is not None
    fields: dict[str, Any] = {}
    for entry in live["metadata"].get("managedFields", ()):
        fields |= entry["fieldsV1"].get("f:data", {})
    stated = {key.removeprefix("f:") for key in fields}
    assert stated == set(live.get("data") or {})
