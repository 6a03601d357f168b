"""What dashboards and GitOps tools ask of a cluster when they begin: every kind, in every form.

The requests are those that k9s, Lens and Argo CD make: discovery, OpenAPI, lists in pages of 500,
watches with bookmarks, metadata alone, tables, and whether one may.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from tests.clients.conftest import Running

requests = pytest.importorskip("requests")

META = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class Browser:
    """GET and POST of plain paths, over one connection."""

    def __init__(self, cluster: Running) -> None:
        self._server = str(cluster.facts["server"])
        self._session = requests.Session()
        # Where certificates of the world are kept is not this cluster's.
        self._session.trust_env = False
        self._session.verify = str(cluster.facts["ca"])
        self._session.headers["Authorization"] = f"Bearer {cluster.facts['token']}"

    def close(self) -> None:
        self._session.close()

    def text(self, path: str, accept: str = "application/json", body: Any = None) -> str:
        method = "POST" if body else "GET"
        done = self._session.request(
            method, self._server + path, headers={"Accept": accept}, json=body, timeout=20
        )
        assert done.ok, (path, done.text)
        return done.text

    def json(self, path: str, accept: str = "application/json", body: Any = None) -> Any:
        return json.loads(self.text(path, accept, body))


@pytest.fixture(scope="module")
def browser(cluster: Running) -> Iterator[Browser]:
    with closing(Browser(cluster)) as found:
        yield found


@pytest.fixture(scope="module")
def served(browser: Browser) -> list[tuple[str, dict[str, Any]]]:
    """The path of every kind that can be listed and watched, with what discovery says of it."""
    found = []
    for root in ("/api", "/apis"):
        for group in browser.json(root, AGGREGATED)["items"]:
            name = group["metadata"].get("name", "")
            for version in group["versions"]:
                base = f"{root}/{name}/{version['version']}".replace("//", "/")
                found += [(f"{base}/{kind['resource']}", kind) for kind in version["resources"]]
    return [(path, kind) for path, kind in found if {"list", "watch"} <= set(kind["verbs"])]


def test_every_kind_is_listed_in_pages_as_metadata_and_as_a_table(
    browser: Browser, served: list[tuple[str, dict[str, Any]]]
) -> None:
    assert len(served) > 50
    for path, kind in served:
        listed = browser.json(f"{path}?limit=500")
        assert listed["kind"] == f"{kind['responseKind']['kind']}List", path
        assert listed["metadata"]["resourceVersion"] and "items" in listed
        bare = browser.json(f"{path}?limit=500", META)
        assert bare["kind"] == "PartialObjectMetadataList"
        assert len(bare["items"]) == len(listed["items"])
        table = browser.json(f"{path}?limit=500&includeObject=Metadata", TABLE)
        assert table["kind"] == "Table"
        columns = [column["name"] for column in table["columnDefinitions"]]
        assert columns[0] in ("Name", "Namespace", "Last Seen"), path
        assert all(len(row["cells"]) == len(columns) for row in table.get("rows") or ())


def test_every_kind_is_watched_from_its_beginning(
    browser: Browser, served: list[tuple[str, dict[str, Any]]]
) -> None:
    options = (
        "watch=true&allowWatchBookmarks=true&sendInitialEvents=true"
        "&resourceVersionMatch=NotOlderThan&timeoutSeconds=0"
    )
    for path, kind in served:
        events = [json.loads(line) for line in browser.text(f"{path}?{options}").splitlines()]
        assert {event["type"] for event in events[:-1]} <= {"ADDED", "BOOKMARK"}, path
        ends = [
            event for event in events
            if "k8s.io/initial-events-end" in event["object"]["metadata"].get("annotations", {})
        ]  # fmt: skip
        assert len(ends) == 1, (path, events[-1:])
        assert ends[0]["object"]["kind"] == kind["responseKind"]["kind"]


def test_one_may_do_what_is_asked_for_each_kind(
    browser: Browser, served: list[tuple[str, dict[str, Any]]]
) -> None:
    reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    for path, kind in served[::7]:
        asked = {"verb": "list", "resource": kind["resource"], "group": path.split("/")[2]}
        body = {"spec": {"resourceAttributes": asked}}
        assert browser.json(reviews, body=body)["status"]["allowed"] is True


def test_the_schema_of_everything_can_be_read_and_names_every_kind(
    browser: Browser, served: list[tuple[str, dict[str, Any]]]
) -> None:
    swagger = browser.json("/openapi/v2")
    definitions = swagger["definitions"]
    for name in set(_references(swagger)):
        assert name.removeprefix("#/definitions/") in definitions, name
    kinds = {
        (gvk["group"], gvk["version"], gvk["kind"])
        for definition in definitions.values()
        for gvk in definition.get("x-kubernetes-group-version-kind", ())
    }
    for path, kind in served:
        # What is empty in discovery is as in the path.
        group, version = ("", "v1") if path.startswith("/api/") else path.split("/")[2:4]
        assert (group, version, kind["responseKind"]["kind"]) in kinds, kind
    for path, about in browser.json("/openapi/v3")["paths"].items():
        document = browser.json(about["serverRelativeURL"])
        schemas = document["components"]["schemas"]
        for name in set(_references(document)):
            assert name.removeprefix("#/components/schemas/") in schemas, (path, name)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
