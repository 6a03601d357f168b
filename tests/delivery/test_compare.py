"""What counts as a difference, and what is the server's own writing."""

import pytest

from kiban.delivery.compare import missing_from
from kiban.kube.objects import Manifest
from kiban.primitives.differences import dotted


def deployment(**container: object) -> Manifest:
    spec = {"template": {"spec": {"containers": [{"name": "app", "image": "a:1", **container}]}}}
    metadata = {"name": "web", "namespace": "shop"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def paths(live: Manifest, desired: Manifest) -> list[str]:
    return [dotted(entry.path) for entry in missing_from(live, desired)]


@pytest.mark.parametrize(
    ("live", "desired"),
    [
        ({"resources": {"limits": {"cpu": "500m"}}}, {"resources": {"limits": {"cpu": "0.5"}}}),
        ({"imagePullPolicy": "Always"}, {}),
        ({}, {"env": [], "stdin": False, "workingDir": "", "livenessProbe": None}),
        (
            {"env": [{"name": "A", "value": "1"}, {"name": "INJECTED", "value": "x"}]},
            {"env": [{"name": "A", "value": "1"}]},
        ),
        (
            {"ports": [{"containerPort": 80, "protocol": "TCP"}]},
            {"ports": [{"containerPort": 80}]},
        ),
        (
            {
                "env": [
                    {
                        "name": "IP",
                        "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "x"}},
                    }
                ]
            },
            {"env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]},
        ),
    ],
)
def test_what_the_server_or_others_write_is_no_difference(
    live: dict[str, object], desired: dict[str, object]
) -> None:
    assert paths(deployment(**live), deployment(**desired)) == []


def test_lists_are_matched_by_their_keys_not_by_position() -> None:
    live = deployment(env=[{"name": "B", "value": "2"}, {"name": "A", "value": "1"}])
    desired = deployment(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "3"}])
    assert paths(live, desired) == ["spec.template.spec.containers[0].env[1].value"]


def test_a_list_that_is_replaced_whole_differs_when_it_is_longer() -> None:
    where = "spec.template.spec.containers[0].command[1]"
    assert paths(deployment(command=["a", "b"]), deployment(command=["a"])) == [where]


def test_a_selector_that_somebody_widened_is_a_difference() -> None:
    def service(**selector: str) -> Manifest:
        metadata = {"name": "web", "namespace": "shop"}
        spec = {"selector": selector}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}

    assert paths(service(app="web", more="x"), service(app="web")) == ["spec.selector.more"]


def test_a_secrets_text_is_compared_with_what_the_server_made_of_it() -> None:
    head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}}
    assert paths({**head, "data": {"a": "eA=="}}, {**head, "stringData": {"a": "x"}}) == []
    assert paths({**head, "data": {"a": "eA=="}}, {**head, "stringData": {"a": "y"}}) == ["data.a"]


def test_an_unknown_kind_is_compared_as_plain_data() -> None:
    head = {"apiVersion": "x.example/v1", "kind": "Widget", "metadata": {"name": "w"}}
    assert paths({**head, "spec": {"a": 1, "b": 2}}, {**head, "spec": {"a": 1}}) == []
    assert paths({**head, "spec": {"a": 1}}, {**head, "spec": {"a": 2}}) == ["spec.a"]
