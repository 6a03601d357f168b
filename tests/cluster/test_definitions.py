"""Which names a definition gets."""

from typing import Any

from tests.cluster.api.conftest import NOW, Client

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def definition(plural: str, kind: str) -> dict[str, Any]:
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object"}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind},
            "versions": [version],
        },
    }


def conditions(api: Client, plural: str) -> dict[str, tuple[str, str]]:
    for _ in range(5):
        api.cluster.step(NOW)
    found = api.json("GET", f"{DEFINITIONS}/{plural}.example.com")["status"]["conditions"]
    return {entry["type"]: (entry["status"], entry["reason"]) for entry in found}


def test_a_kind_that_another_definition_has_is_not_accepted_until_it_goes(api: Client) -> None:
    for plural in ("things", "others"):
        assert api("POST", DEFINITIONS, definition(plural, "Thing")).status == 201
        first = conditions(api, "things")
    assert first == {
        "NamesAccepted": ("True", "NoConflicts"),
        "Established": ("True", "InitialNamesAccepted"),
    }
    assert conditions(api, "others") == {
        "NamesAccepted": ("False", "ListKindConflict"),
        "Established": ("False", "NotAccepted"),
    }
    assert api("GET", "/apis/example.com/v1/namespaces/default/others").status == 404
    api("DELETE", f"{DEFINITIONS}/things.example.com")
    assert conditions(api, "others")["Established"] == ("True", "InitialNamesAccepted")
