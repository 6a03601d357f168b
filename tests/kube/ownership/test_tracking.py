"""Ownership after ordinary writes: who gains, who loses, and what ends all tracking."""

from typing import Any

from tests.kube.manifests import config_map, container, cron_job, pod

from kiban.kube.defaults import default
from kiban.kube.kinds import standard_kinds
from kiban.kube.objects import Manifest
from kiban.kube.ownership import reset_fields, same_but_for_times, track_update
from kiban.kube.ownership.entries import MOST_UPDATERS, OLD_UPDATES
from kiban.kube.schema import shape_of
from kiban.primitives.instants import Instant, later

NOW = Instant(1_800_000_000_000_000)
TIME = "2027-01-15T08:00:00Z"


def tracked(
    before: Manifest | None,
    after: Manifest,
    manager: str = "editor",
    subresource: str = "",
    now: Instant = NOW,
) -> Manifest:
    info = standard_kinds().of_manifest(after)
    assert info is not None
    managed = track_update(
        before,
        after,
        manager=manager,
        shape=shape_of(info),
        now=now,
        subresource=subresource,
        reset=reset_fields(info, subresource),
    )
    metadata = {key: value for key, value in after["metadata"].items() if key != "managedFields"}
    return {**after, "metadata": {**metadata, **({"managedFields": managed} if managed else {})}}


def owned(manifest: Manifest) -> dict[str, Any]:
    managed = manifest["metadata"].get("managedFields", ())
    return {entry["manager"]: entry["fieldsV1"] for entry in managed}


def test_a_creator_owns_everything_and_containers_of_fields_it_brought() -> None:
    live = tracked(None, config_map(k="1"))
    assert live["metadata"]["managedFields"] == [
        {
            "manager": "editor",
            "operation": "Update",
            "apiVersion": "v1",
            "time": TIME,
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {".": {}, "f:k": {}}},
        }
    ]


def test_a_creator_owns_the_defaults_too() -> None:
    manifest = default(cron_job())
    fields = owned(tracked(None, manifest))["editor"]["f:spec"]
    assert fields["f:concurrencyPolicy"] == {}
    template = fields["f:jobTemplate"]["f:spec"]["f:template"]["f:spec"]
    assert template["f:containers"]['k:{"name":"app"}']["f:imagePullPolicy"] == {}
    assert "." not in template and "." not in fields


def test_a_changed_field_moves_a_repeated_one_stays_and_a_removed_one_is_nobodys() -> None:
    live = tracked(None, config_map(k="1", l="1", m="1"), "maker")
    after = tracked(live, {**live, "data": {"k": "2", "l": "1"}}, "editor")
    assert owned(after) == {
        "maker": {"f:data": {".": {}, "f:l": {}}},
        "editor": {"f:data": {"f:k": {}}},
    }


def test_one_who_loses_everything_vanishes() -> None:
    live = tracked(None, config_map(k="1"), "maker")
    bare = {key: value for key, value in live.items() if key != "data"}
    after = tracked(live, bare, "editor")
    assert "maker" not in owned(after)


def test_status_writers_have_an_entry_of_their_own() -> None:
    live = tracked(None, pod(), "maker")
    after = {**live, "status": {"phase": "Running"}}
    after = tracked(live, after, "kubelet", "status")
    entry = next(
        entry for entry in after["metadata"]["managedFields"] if entry["manager"] == "kubelet"
    )
    assert entry["subresource"] == "status"
    assert entry["fieldsV1"] == {"f:status": {".": {}, "f:phase": {}}} or entry["fieldsV1"] == {
        "f:status": {"f:phase": {}}
    }
    assert "f:spec" in owned(after)["maker"]


def test_server_owned_metadata_belongs_to_nobody() -> None:
    live = tracked(None, config_map(k="1"))
    after = {**live, "metadata": {**live["metadata"], "resourceVersion": "7", "generation": 2}}
    assert owned(tracked(live, after, "other")) == owned(live)


def test_an_empty_list_ends_tracking_until_the_next_apply() -> None:
    live = tracked(None, config_map(k="1"))
    reset = {**live, "metadata": {**live["metadata"], "managedFields": [{}]}}
    untracked = tracked(live, reset)
    assert owned(untracked) == {}
    assert owned(tracked(untracked, {**untracked, "data": {"k": "2"}})) == {}


def test_a_list_that_makes_no_sense_is_ignored() -> None:
    live = tracked(None, config_map(k="1"))
    wrong = [{"manager": "x", "operation": "Guess", "apiVersion": "v1", "fieldsV1": {}}]
    after = {**live, "metadata": {**live["metadata"], "managedFields": wrong}}
    assert owned(tracked(live, after)) == owned(live)


def test_ownership_can_be_handed_over_by_editing_the_list() -> None:
    live = tracked(None, config_map(k="1"), "kubectl-client-side-apply")
    entry = {
        "manager": "kubectl",
        "operation": "Apply",
        "apiVersion": "v1",
        "time": TIME,
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {"f:k": {}}},
    }
    after = {**live, "metadata": {**live["metadata"], "managedFields": [entry]}}
    assert tracked(live, after)["metadata"]["managedFields"] == [entry]


def test_a_subresource_cannot_edit_the_list() -> None:
    live = tracked(None, pod(), "maker")
    after = {**live, "metadata": {**live["metadata"], "managedFields": []}}
    assert owned(tracked(live, after, "kubelet", "status")) == owned(live)


def test_only_ten_updaters_are_remembered_one_by_one() -> None:
    live = tracked(None, config_map(), "m-00")
    for number in range(1, MOST_UPDATERS + 5):
        data = {**live.get("data", {}), f"k{number:02}": "1"}
        moment = later(NOW, number)
        live = tracked(live, {**live, "data": data}, f"m-{number:02}", now=moment)
    managers = owned(live)
    assert len(managers) == MOST_UPDATERS
    assert OLD_UPDATES in managers
    assert "m-14" in managers and "m-01" not in managers


def test_objects_that_differ_in_times_only_are_the_same() -> None:
    live = tracked(None, config_map(k="1"))
    again = tracked(None, config_map(k="1"), now=later(NOW, 9))
    assert live != again
    assert same_but_for_times(live, again)
    assert not same_but_for_times(live, tracked(None, config_map(k="2")))


def test_a_list_item_is_owned_with_its_fields() -> None:
    live = tracked(None, pod())
    spec = {"containers": [*live["spec"]["containers"], container("side")]}
    after = tracked(live, {**live, "spec": spec}, "injector")
    assert owned(after)["injector"] == {
        "f:spec": {"f:containers": {'k:{"name":"side"}': {".": {}, "f:image": {}, "f:name": {}}}}
    }
