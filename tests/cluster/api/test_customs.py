"""Custom kinds: served while their definition is established, with its defaults and its fields."""

from typing import Any

import orjson

from kiban.primitives.instants import later


def test_custom_kinds_come_and_go_with_their_definition(api: Any) -> None:
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {
                                    "type": "object",
                                    "properties": {"size": {"type": "integer", "default": 3}},
                                }
                            },
                        }
                    },
                }
            ],
        },
    }
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    widgets = "/apis/example.com/v1/namespaces/default/widgets"
    assert api("GET", widgets).status == 404
    assert api("POST", path, definition).status == 201
    api.cluster.step(api.now)
    widget = {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "w"},
        "spec": {"color": "red", "note": None},
    }
    made = api("POST", f"{widgets}?fieldValidation=Warn", widget)
    assert orjson.loads(made.body)["spec"] == {"size": 3}
    assert made.warnings == ('unknown field "spec.color"', 'unknown field "spec.note"')
    api("DELETE", f"{path}/widgets.example.com")
    for _ in range(5):
        api.now = later(api.now, 1)
        api.cluster.step(api.now)
    assert api("GET", f"{path}/widgets.example.com").status == 404
    assert api("GET", widgets).status == 404
