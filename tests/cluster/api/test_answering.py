"""Requests as values: what the recorded cases do not pin down, or pin down only over HTTP."""

from typing import Any

import orjson
import pytest

from kiban.cluster.api.calls import User
from kiban.primitives.instants import later

SECRETS = "/api/v1/namespaces/default/secrets"
CONFIGS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"


def config(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def pod(name: str, **spec: Any) -> dict[str, Any]:
    containers = [{"name": "c", "image": "nginx"}]
    metadata = {"name": name}
    spec = {"containers": containers, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def names(listing: Any) -> list[str]:
    return [item["metadata"]["name"] for item in listing["items"]]


def test_pages_show_one_state_though_objects_come_and_go(api: Any) -> None:
    for name in "abcd":
        api("POST", CONFIGS, config(name))
    first = api.json("GET", f"{CONFIGS}?limit=2")
    api("DELETE", f"{CONFIGS}/c")
    api("POST", CONFIGS, config("e"))
    token = first["metadata"]["continue"]
    second = api.json("GET", f"{CONFIGS}?limit=2&continue={token}")
    assert names(first) + names(second) == ["a", "b", "c", "d"]
    assert first["metadata"]["remainingItemCount"] == 2
    assert "continue" not in second["metadata"]


def test_a_list_at_an_exact_version_is_what_was_there(api: Any) -> None:
    version = api.json("POST", CONFIGS, config("a"))["metadata"]["resourceVersion"]
    api("POST", CONFIGS, config("b"))
    exact = f"{CONFIGS}?resourceVersion={version}&resourceVersionMatch=Exact"
    assert names(api.json("GET", exact)) == ["a"]
    assert names(api.json("GET", CONFIGS)) == ["a", "b"]


def test_a_version_of_the_future_times_out_with_a_wish_to_retry(api: Any) -> None:
    response = api("GET", f"{CONFIGS}?resourceVersion=999999")
    assert response.status == 504
    assert orjson.loads(response.body)["details"]["causes"][0]["reason"] == (
        "ResourceVersionTooLarge"
    )


def test_an_unknown_path_and_an_unknown_kind_are_not_found(api: Any) -> None:
    for path in ("/apis/nothing/v1/things", "/api/v1/things", "/nowhere"):
        assert api("GET", path).status == 404


def test_a_path_that_nobody_serves_is_no_page_and_one_without_its_namespace_no_resource(
    api: Any,
) -> None:
    assert api("GET", "/nowhere").body == b"404 page not found\n"
    assert api("POST", "/nowhere", {}).body == b"404 page not found\n"
    answer = api("GET", "/apis/gateway.networking.k8s.io/v1/bogus")
    assert (answer.status, answer.body) == (404, b"404 page not found\n")
    assert api.json("GET", "/api/v1/pods/p")["reason"] == "NotFound"
    assert api("POST", "/version", {}).status == 405


def test_a_watch_shows_only_what_the_journal_has(api: Any) -> None:
    stream = api("GET", f"{CONFIGS}?watch=true").stream
    before = api.cluster.store.revision
    api("POST", CONFIGS, config("a"))
    assert stream.pull(api.now, before) == b""
    lines = stream.pull(api.now, api.cluster.store.revision).splitlines()
    assert [orjson.loads(line)["type"] for line in lines] == ["ADDED"]


def test_a_watch_from_a_forgotten_version_ends_with_410(api: Any) -> None:
    api.cluster.store._histories.clear()
    api.cluster.store._history_start = api.cluster.store.revision
    stream = api("GET", f"{CONFIGS}?watch=true&resourceVersion=1").stream
    event = orjson.loads(stream.pull(api.now, api.cluster.store.revision))
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
    assert stream.ended


def test_a_watch_sends_a_bookmark_each_minute(api: Any) -> None:
    version = api.cluster.store.revision
    wish = f"{CONFIGS}?watch=true&allowWatchBookmarks=true&resourceVersion={version}"
    stream = api("GET", wish).stream
    assert stream.pull(later(api.now, 59), version) == b""
    event = orjson.loads(stream.pull(later(api.now, 60), version))
    assert event["type"] == "BOOKMARK"
    assert event["object"]["metadata"] == {"resourceVersion": str(version)}


def test_deletecollection_deletes_what_the_selector_chooses(api: Any) -> None:
    for name in "ab":
        labelled = config(name)
        labelled["metadata"]["labels"] = {"app": name}
        api("POST", CONFIGS, labelled)
    api("DELETE", f"{CONFIGS}?labelSelector=app%3Da".replace("%3D", "="))
    assert names(api.json("GET", CONFIGS)) == ["b"]


def test_a_dry_run_stores_nothing(api: Any) -> None:
    revision = api.cluster.store.revision
    assert api("POST", f"{CONFIGS}?dryRun=All", config("a")).status == 201
    assert api.cluster.store.revision == revision


def test_two_services_never_share_an_address(api: Any) -> None:
    path = "/api/v1/namespaces/default/services"
    service = {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}]}}
    addresses = [
        api.json("POST", path, {**service, "metadata": {"name": f"s{n}"}})["spec"]["clusterIP"]
        for n in range(20)
    ]
    assert len(set(addresses)) == 20
    wanted = {**service, "metadata": {"name": "x"}}
    wanted["spec"] = {**service["spec"], "clusterIP": addresses[0]}
    assert api("POST", path, wanted).status == 422


def test_a_service_keeps_its_address_when_an_update_leaves_it_out(api: Any) -> None:
    path = "/api/v1/namespaces/default/services"
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {"ports": [{"port": 80}]},
    }
    address = api.json("POST", path, service)["spec"]["clusterIP"]
    service["spec"] = {"ports": [{"port": 81}]}
    assert api.json("PUT", f"{path}/s", service)["spec"]["clusterIP"] == address


def test_a_table_has_rows_and_no_items(api: Any) -> None:
    api("POST", PODS, pod("p"))
    table = api.json("GET", PODS, accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    assert table["kind"] == "Table"
    assert table["rows"][0]["cells"][:3] == ["p", "0/1", "Pending"]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


@pytest.mark.parametrize("path", ["/openapi/v2", "/openapi/v3", "/openapi/v3/apis/apps/v1"])
def test_openapi_is_served(api: Any, path: str) -> None:
    assert api("GET", path).status == 200


def test_every_reference_in_openapi_leads_somewhere(api: Any) -> None:
    text = api("GET", "/openapi/v3/apis/apps/v1").body.decode()
    schemas = orjson.loads(text)["components"]["schemas"]
    pointed = {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert pointed <= set(schemas)


def test_a_stranger_may_read_the_version_and_nothing_else(api: Any) -> None:
    stranger = User("system:anonymous", ("system:unauthenticated",))
    assert api("GET", "/version", user=stranger).status == 200
    refused = api("GET", f"{CONFIGS}/a", user=stranger)
    assert refused.status == 403
    assert orjson.loads(refused.body)["message"] == (
        'configmaps "a" is forbidden: User "system:anonymous" cannot get resource "configmaps" '
        'in API group "" in the namespace "default"'
    )


def test_an_apply_takes_and_shares_fields(api: Any) -> None:
    def apply(manager: str, **data: str) -> Any:
        path = f"{CONFIGS}/a?fieldManager={manager}"
        return api("PATCH", path, config("a", **data), content_type="application/apply-patch+yaml")

    assert apply("one", k="1", l="1").status == 201
    assert apply("two", k="2").status == 409
    assert apply("two", m="3").status == 200
    apply("one", k="1")
    assert api.json("GET", f"{CONFIGS}/a")["data"] == {"k": "1", "m": "3"}


def test_a_controller_s_write_makes_it_the_owner_of_what_it_set(api: Any) -> None:
    from kiban.kube.objects import Key
    from kiban.reconcile.commands import Patch

    api("POST", f"{CONFIGS}?fieldManager=person", config("a", k="1"))
    key = Key("", "ConfigMap", "default", "a")
    api.cluster.executor.execute("robot", [Patch(key, {"data": {"l": "2"}})], api.now)
    managers = api.json("GET", f"{CONFIGS}/a")["metadata"]["managedFields"]
    owned = {entry["manager"]: entry["fieldsV1"] for entry in managers}
    assert owned["robot"] == {"f:data": {"f:l": {}}}
    assert owned["person"] == {"f:data": {".": {}, "f:k": {}}}
