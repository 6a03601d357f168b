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


def definition_of(schema: dict[str, Any]) -> dict[str, Any]:
    version = {"name": "v1", "served": True, "storage": True}
    return {
        "metadata": {"name": "boxes.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "boxes", "kind": "Box"},
            "versions": [{**version, "schema": {"openAPIV3Schema": schema}}],
        },
    }


DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def test_a_definition_goes_by_rules_of_its_own(api: Any) -> None:
    made = api.json("POST", DEFINITIONS, definition_of({"type": "object"}))
    assert made["status"] == {
        "conditions": None,
        "acceptedNames": {"plural": "", "kind": ""},
        "storedVersions": ["v1"],
    }
    api.cluster.step(api.now)
    assert "finalizers" not in api.json("GET", f"{DEFINITIONS}/boxes.example.com")["metadata"]
    gone = api.json("DELETE", f"{DEFINITIONS}/boxes.example.com")["metadata"]
    assert gone["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert gone["generation"] == 1
    assert "deletionGracePeriodSeconds" not in gone


def test_resources_inside_custom_objects_say_what_they_are(api: Any) -> None:
    inner = {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "x-kubernetes-preserve-unknown-fields": True,
    }
    spec = {"type": "object", "properties": {"inner": inner}}
    api("POST", DEFINITIONS, definition_of({"type": "object", "properties": {"spec": spec}}))
    api.cluster.step(api.now)
    boxes = "/apis/example.com/v1/namespaces/default/boxes"
    box: dict[str, Any] = {
        "apiVersion": "example.com/v1",
        "kind": "Box",
        "metadata": {"name": "b"},
        "spec": {"inner": {"kind": "", "metadata": {"name": "x", "odd": 1}}},
    }
    refused = api.json("POST", boxes, box)
    assert refused["message"] == (
        'Box.example.com "b" is invalid: [spec.inner.apiVersion: Required value: must not be '
        'empty, spec.inner.kind: Invalid value: "": must not be empty]'
    )
    box["spec"]["inner"].update(kind="Thing", apiVersion="v1")
    kept = api.json("POST", boxes, box)["spec"]["inner"]
    assert kept == {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "x"}}


def test_a_version_that_objects_are_stored_in_stays_and_a_deprecated_one_is_warned_of(
    api: Any,
) -> None:
    body = definition_of({"type": "object"})
    [first] = body["spec"]["versions"]
    old = {**first, "name": "v1beta1", "storage": False, "deprecated": True}
    body["spec"]["versions"] = [first, old]
    api("POST", DEFINITIONS, body)
    api.cluster.step(api.now)
    answer = api("GET", "/apis/example.com/v1beta1/boxes")
    assert answer.warnings == ("example.com/v1beta1 Box is deprecated",)
    assert api("GET", "/apis/example.com/v1/boxes").warnings == ()
    path = f"{DEFINITIONS}/boxes.example.com"
    moved = [
        {"op": "replace", "path": "/spec/versions/0/storage", "value": False},
        {"op": "replace", "path": "/spec/versions/1/storage", "value": True},
    ]
    after = api.json("PATCH", path, moved, content_type="application/json-patch+json")
    assert after["status"]["storedVersions"] == ["v1", "v1beta1"]
    gone = [{"op": "remove", "path": "/spec/versions/0"}]
    refused = api.json("PATCH", path, gone, content_type="application/json-patch+json")
    assert 'status.storedVersions[0]: Invalid value: "v1": missing from' in refused["message"]


def test_a_definition_cannot_preserve_everything(api: Any) -> None:
    body = definition_of({"type": "object"})
    body["spec"]["preserveUnknownFields"] = True
    refused = api.json("POST", DEFINITIONS, body)
    assert "spec.preserveUnknownFields: Invalid value: true: cannot set" in refused["message"]
    body["spec"]["preserveUnknownFields"] = False
    assert "preserveUnknownFields" not in api.json("POST", DEFINITIONS, body)["spec"]
