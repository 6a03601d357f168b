"""What fuzzing has found, each as a test with a name."""

import orjson
import pytest
from tests.fuzz.asking import ADMIN, DEFINITIONS, Talk
from tests.fuzz.growing import GOOD, WIDGET

from kiban.cluster.api.values import Request
from kiban.kube.objects import Key

HEADERS = {"accept": "application/json", "content-type": "application/json"}


def test_pods_that_come_back_on_a_lost_node_are_swept_once_a_round() -> None:
    talk = Talk()
    template = GOOD["StatefulSet"]["spec"]["template"]
    lost = {**template, "spec": {**template["spec"], "nodeName": "nowhere"}}
    whole = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "a"},
        "spec": {**GOOD["StatefulSet"]["spec"], "serviceName": "a", "template": lost},
    }
    path = "/apis/apps/v1/namespaces/default/statefulsets"
    assert talk.send(Request("POST", path, (), HEADERS, orjson.dumps(whole), ADMIN)) == 201
    before = talk.world.cluster.store.revision
    talk.go_on(200)
    # At the same instant they would come and go for ever.
    assert talk.world.cluster.store.revision - before < 200


def test_a_priority_class_without_a_value_has_the_value_zero() -> None:
    talk = Talk()
    whole = {"metadata": {"name": "a"}, "globalDefault": True}
    path = "/apis/scheduling.k8s.io/v1/priorityclasses"
    assert talk.send(Request("POST", path, (), HEADERS, orjson.dumps(whole), ADMIN)) == 201
    pod = orjson.dumps({"metadata": {"name": "a"}, **GOOD["Pod"]})
    path = "/api/v1/namespaces/default/pods"
    assert talk.send(Request("POST", path, (), HEADERS, pod, ADMIN)) == 201
    stored = talk.world.cluster.store.get(Key("", "Pod", "default", "a"))
    assert stored is not None and stored["spec"]["priority"] == 0


@pytest.mark.parametrize(
    ("part", "body"),
    [
        ("pods/a/binding", {"target": "\0"}),
        ("bindings", {"target": []}),
        ("pods/a/eviction", {"deleteOptions": "x"}),
        ("pods/a/eviction", {"deleteOptions": {"preconditions": []}}),
        ("pods/a/eviction", {"metadata": 3}),
        ("serviceaccounts/default/token", {"spec": []}),
        ("serviceaccounts/default/token", {"spec": {"boundObjectRef": "x"}}),
        ("serviceaccounts/default/token", {"spec": {"audiences": 3}}),
        ("serviceaccounts/default/token", {"spec": {"expirationSeconds": "600"}}),
    ],
)
def test_an_act_of_a_wrong_type_is_refused(part: str, body: object) -> None:
    talk = Talk()
    path = f"/api/v1/namespaces/default/{part}"
    assert talk.send(Request("POST", path, (), HEADERS, orjson.dumps(body), ADMIN)) == 400


@pytest.mark.parametrize("odd", ["x", 3, [], {"type": []}, {"properties": {"a": "x"}}])
def test_a_schema_inside_a_list_is_read_as_strictly_as_any(odd: object) -> None:
    talk = Talk()
    inner = {"type": "array", "items": {"type": "object", "properties": {"a": odd}}}
    (version,) = WIDGET["spec"]["versions"]
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": inner}}}
    spec = {**WIDGET["spec"], "versions": [{**version, "schema": schema}]}
    body = orjson.dumps({**WIDGET, "spec": spec})
    assert talk.send(Request("POST", DEFINITIONS, (), HEADERS, body, ADMIN)) == 400
