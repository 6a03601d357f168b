"""What `kubectl explain` reads."""

from tests.cluster.api.conftest import NOW, Client
from tests.cluster.test_definitions import DEFINITIONS, definition


def test_kinds_and_fields_are_described_in_both_forms(api: Client) -> None:
    name = "io.k8s.api.apps.v1.Deployment"
    third = api.json("GET", "/openapi/v3/apis/apps/v1")["components"]["schemas"][name]
    second = api.json("GET", "/openapi/v2")["definitions"][name]
    for schema in (third, second):
        assert schema["description"].startswith("Keeps a number of equal pods")
        assert schema["properties"]["spec"]["description"] == "What is wanted."


def test_custom_kinds_are_described_by_their_definition(api: Client) -> None:
    manifest = definition("things", "Thing")
    schema = manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    size = {"type": "integer", "description": "How large it is."}
    spec = {"type": "object", "properties": {"size": size, "colour": {"type": "string"}}}
    schema["properties"] = {"spec": spec}
    assert api("POST", DEFINITIONS, manifest).status == 201
    for _ in range(5):
        api.cluster.step(NOW)
    found = api.json("GET", "/openapi/v3/apis/example.com/v1")["components"]["schemas"]
    shown = found["com.example.v1.Thing"]["properties"]["spec"]["properties"]
    assert shown["size"]["description"] == "How large it is."
    assert "description" not in shown["colour"]
