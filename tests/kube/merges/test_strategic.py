"""Strategic merge patch: keyed lists, sets, replaced lists and every directive."""

from typing import Any

import pytest
from tests.kube.manifests import container, deployment, pod, service

from kiban.kube.kinds import standard_kinds
from kiban.kube.merges.refusals import PatchRefused
from kiban.kube.merges.strategic import strategic_merge
from kiban.kube.objects import Manifest
from kiban.kube.schema import shape_of


def merged(live: Manifest, patch: dict[str, Any]) -> Manifest:
    info = standard_kinds().of_manifest(live)
    assert info is not None
    return strategic_merge(live, patch, shape_of(info))


def names(manifest: Manifest, field: str = "containers") -> list[str]:
    return [entry["name"] for entry in manifest["spec"][field]]


def test_containers_merge_by_name_and_a_new_one_goes_first() -> None:
    live = pod(container("a"), container("b"))
    after = merged(live, {"spec": {"containers": [{"name": "new", "image": "z"}]}})
    assert names(after) == ["new", "a", "b"]
    after = merged(live, {"spec": {"containers": [{"name": "b", "image": "z"}]}})
    assert [entry["image"] for entry in after["spec"]["containers"]] == [
        "registry.example/app:1",
        "z",
    ]


def test_items_of_the_patch_keep_their_place_among_the_live_ones() -> None:
    live = service({"port": 80, "name": "a"}, {"port": 81, "name": "b"})
    patch = {"spec": {"ports": [{"port": 81, "targetPort": 8081}, {"port": 82, "name": "c"}]}}
    after = merged(live, patch)
    assert after["spec"]["ports"] == [
        {"port": 80, "name": "a"},
        {"port": 81, "name": "b", "targetPort": 8081},
        {"port": 82, "name": "c"},
    ]


def test_the_element_order_is_obeyed() -> None:
    live = pod(container("a"), container("b"), container("c"))
    patch = {
        "spec": {
            "$setElementOrder/containers": [{"name": "c"}, {"name": "b"}, {"name": "a"}],
            "containers": [{"name": "a", "image": "z"}],
        }
    }
    assert names(merged(live, patch)) == ["c", "b", "a"]


def test_a_directive_deletes_one_item_and_an_unknown_one_is_no_error() -> None:
    live = pod(container("a"), container("b"))
    gone = [{"$patch": "delete", "name": "b"}, {"$patch": "delete", "name": "zz"}]
    assert names(merged(live, {"spec": {"containers": gone}})) == ["a"]


def test_a_directive_replaces_a_list_or_a_map() -> None:
    live = pod(container("a"), nodeSelector={"k": "v"})
    after = merged(
        live,
        {
            "spec": {
                "containers": [{"$patch": "replace"}, {"name": "b", "image": "y"}],
                "nodeSelector": {"$patch": "replace", "x": "y"},
            }
        },
    )
    assert after["spec"] == {
        "containers": [{"name": "b", "image": "y"}],
        "nodeSelector": {"x": "y"},
    }


def test_lists_without_a_key_are_replaced() -> None:
    live = pod(tolerations=[{"key": "a", "operator": "Exists"}])
    after = merged(live, {"spec": {"tolerations": [{"key": "b", "operator": "Exists"}]}})
    assert after["spec"]["tolerations"] == [{"key": "b", "operator": "Exists"}]


def test_sets_are_united_and_items_taken_out_by_value() -> None:
    live = {**pod(), "metadata": {"name": "p", "finalizers": ["a", "b"]}}
    after = merged(live, {"metadata": {"finalizers": ["c"]}})
    assert sorted(after["metadata"]["finalizers"]) == ["a", "b", "c"]
    after = merged(live, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}})
    assert after["metadata"]["finalizers"] == ["b"]


def test_retained_keys_make_room_for_another_kind_of_strategy() -> None:
    live = deployment(strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}})
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert merged(live, patch)["spec"]["strategy"] == {"type": "Recreate"}


def test_null_removes_and_nothing_is_changed_in_place() -> None:
    live = pod(nodeSelector={"k": "v"})
    after = merged(live, {"spec": {"nodeSelector": None}})
    assert "nodeSelector" not in after["spec"]
    assert live["spec"]["nodeSelector"] == {"k": "v"}


def test_an_item_without_its_key_is_refused() -> None:
    with pytest.raises(PatchRefused, match="does not contain declared merge key: name") as refused:
        merged(pod(), {"spec": {"containers": [{"image": "x"}]}})
    assert refused.value.code == 500


def test_an_unknown_directive_is_refused() -> None:
    with pytest.raises(PatchRefused, match="Unknown patch type: twist"):
        merged(pod(), {"spec": {"$patch": "twist"}})
