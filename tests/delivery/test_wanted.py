"""What a commit wants is compared anew only where something of it, or of the cluster, changed."""

from dataclasses import replace
from typing import Any

from delivery_world import SCOPE, bundle, manifest

from kiban.delivery.changes import Wanted
from kiban.delivery.compare import missing_from, say_the_same
from kiban.kube.objects import Manifest, key_of, replaced

CONFIG = manifest("ConfigMap", "settings", data={"level": "info"})
SECRET = manifest("Secret", "keys", stringData={"token": "abc"})


def live(wanted: Manifest, version: int = 1, **more: Any) -> Manifest:
    metadata = {**wanted["metadata"], "uid": "u", "resourceVersion": str(version)}
    return {**wanted, "metadata": metadata, **more}


def test_a_change_of_the_status_alone_leaves_all_that_can_be_wanted_the_same() -> None:
    before, after = live(CONFIG), live(CONFIG, 2, status={"phase": "Ready"})
    assert say_the_same(before, after, CONFIG)
    assert not say_the_same(before, live(CONFIG, 2, data={"level": "debug"}), CONFIG)
    relabelled = replaced(after, ["metadata", "labels"], {"x": "y"})
    assert not say_the_same(before, relabelled, CONFIG)


def test_of_a_secret_what_is_stored_is_compared_and_not_what_was_written() -> None:
    stored = {name: value for name, value in live(SECRET).items() if name != "stringData"}
    before, after = {**stored, "data": {"token": "YWJj"}}, {**stored, "data": {"token": "eHl6"}}
    assert not say_the_same(before, after, SECRET)


def test_what_is_missing_is_always_what_a_whole_comparison_says() -> None:
    wanted = Wanted(bundle({}, extra=(CONFIG,)), SCOPE)
    key = key_of(CONFIG)
    desired = wanted.manifests[key]
    for version, data in enumerate(["info", "debug", "debug", "info", "warn"], 1):
        there = live(desired, version, data={"level": data}, status={"at": version})
        assert wanted.missing(key, there) == missing_from(there, desired)


def test_the_next_commit_takes_over_what_it_wants_alike_and_no_more() -> None:
    first = Wanted(
        bundle(
            {},
            extra=(
                CONFIG,
                SECRET,
            ),
        ),
        SCOPE,
    )
    changed = replaced(CONFIG, ["data", "level"], "debug")
    second = Wanted(bundle({}, extra=(changed, SECRET)), SCOPE, first)
    alone = Wanted(bundle({}, extra=(changed,)), SCOPE)
    assert second.manifests[key_of(SECRET)] is first.manifests[key_of(SECRET)]
    assert second.manifests[key_of(CONFIG)] == alone.manifests[key_of(CONFIG)]


def test_another_scope_takes_over_nothing() -> None:
    first = Wanted(bundle({}, extra=(CONFIG,)), SCOPE)
    elsewhere = replace(SCOPE, environment="stg")
    second = Wanted(bundle({}, extra=(CONFIG,)), elsewhere, first)
    labels = second.manifests[key_of(CONFIG)]["metadata"]["labels"]
    assert labels["kiban.dev/environment"] == "stg"
