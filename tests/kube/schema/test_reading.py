"""Reading what a client sent: unknown fields, types, empties and quantities."""

from typing import Any

import pytest
from tests.kube.manifests import config_map, container, deployment, pod

from kiban.kube.kinds import standard_kinds
from kiban.kube.objects import Manifest
from kiban.kube.schema import custom_shape, shape_of
from kiban.kube.schema.reading import Reading, read


def understood(manifest: Manifest) -> Reading:
    info = standard_kinds().of_manifest(manifest)
    assert info is not None
    return read(manifest, shape_of(info))


def test_unknown_fields_are_dropped_and_named_by_their_path() -> None:
    manifest = deployment(container(imagePolicy="Always"), replica=3)
    reading = understood({**manifest, "extra": 1})
    assert reading.unknown == [
        "spec.template.spec.containers[0].imagePolicy",
        "spec.replica",
        "extra",
    ]
    assert reading.object == deployment()


def test_names_are_case_sensitive() -> None:
    reading = understood({**config_map(), "Data": {"k": "v"}})
    assert reading.unknown == ["Data"]


def test_nulls_and_empty_collections_disappear_but_empty_structs_stay() -> None:
    manifest = pod(
        nodeSelector={}, tolerations=[], hostname=None, volumes=[{"name": "v", "emptyDir": {}}]
    )
    assert understood(manifest).object["spec"] == {
        "containers": [container()],
        "volumes": [{"name": "v", "emptyDir": {}}],
    }


def test_zeros_of_plain_values_disappear_and_those_of_pointers_stay() -> None:
    manifest = deployment(
        container(env=[{"name": "A", "value": ""}]), replicas=0, paused=False, minReadySeconds=0
    )
    spec = understood(manifest).object["spec"]
    assert spec["replicas"] == 0
    assert "paused" not in spec and "minReadySeconds" not in spec
    assert spec["template"]["spec"]["containers"][0]["env"] == [{"name": "A"}]


def test_quantities_become_canonical() -> None:
    manifest = pod(container(resources={"limits": {"cpu": "1000m", "memory": "1024Mi"}}))
    resources = understood(manifest).object["spec"]["containers"][0]["resources"]
    assert resources == {"limits": {"cpu": "1", "memory": "1Gi"}}


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        (
            {"replicas": "two"},
            "json: cannot unmarshal string into Go struct field spec.replicas of type int32",
        ),
        (
            {"replicas": 5_000_000_000},
            "json: cannot unmarshal number 5000000000 into Go struct field spec.replicas "
            "of type int32",
        ),
        (
            {"paused": "yes"},
            "json: cannot unmarshal string into Go struct field spec.paused of type bool",
        ),
        (
            {"template": ["x"]},
            "json: cannot unmarshal array into Go struct field spec.template "
            "of type PodTemplateSpec",
        ),
    ],
)
def test_a_wrong_type_is_told(spec: dict[str, Any], what: str) -> None:
    assert understood(deployment(**spec)).wrong == what


def test_a_time_must_be_one() -> None:
    manifest = config_map()
    manifest["metadata"]["creationTimestamp"] = "yesterday"
    assert understood(manifest).wrong.startswith('parsing time "yesterday"')


def test_kinds_without_a_schema_keep_everything_but_their_metadata_is_checked() -> None:
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "r", "nmae": "x"},
        "spec": {"anything": [1, {"goes": None}]},
    }
    reading = understood(route)
    assert reading.unknown == ["metadata.nmae"]
    assert reading.object["spec"] == {"anything": [1, {"goes": None}]}


def test_a_custom_kind_is_read_by_its_own_schema() -> None:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "size": {"type": "integer"},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            }
        },
    }
    widget = {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "w"},
        "spec": {"size": 2, "colour": "red", "free": {"x": 1}},
    }
    reading = read(widget, custom_shape(schema))
    assert reading.unknown == ["spec.colour"]
    assert reading.object["spec"] == {"size": 2, "free": {"x": 1}}


def test_what_would_be_stored_as_it_is_comes_back_itself() -> None:
    manifest = deployment(replicas=0)
    assert understood(manifest).object is manifest
    odd = {**manifest, "extra": 1}
    assert understood(odd).object["spec"] is manifest["spec"]


def test_what_is_shared_with_a_known_object_is_not_read_again() -> None:
    info = standard_kinds().of_manifest(deployment())
    assert info is not None
    # No reading would let this pass.
    known = deployment(replicas=["many"])
    assert read({**known, "metadata": {"name": "other"}}, shape_of(info), known).wrong == ""
    assert read(deployment(replicas=["many"]), shape_of(info), known).wrong
