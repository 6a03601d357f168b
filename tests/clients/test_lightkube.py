"""lightkube: objects, apply, watch, scale, logs, waiting, exec."""

import pytest
from tests.clients.conftest import Running, deployment

pytest.importorskip("lightkube")
pytestmark = pytest.mark.filterwarnings("ignore")

from lightkube import Client, KubeConfig, codecs  # noqa: E402
from lightkube.core.exceptions import ApiError  # noqa: E402
from lightkube.generic_resource import create_namespaced_resource  # noqa: E402
from lightkube.models.meta_v1 import ObjectMeta  # noqa: E402
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition  # noqa: E402
from lightkube.resources.apps_v1 import Deployment  # noqa: E402
from lightkube.resources.core_v1 import ConfigMap, Namespace, Pod  # noqa: E402
from lightkube.types import CascadeType, PatchType  # noqa: E402

MERGE = PatchType.MERGE


@pytest.fixture
def light(cluster: Running) -> Client:
    return Client(KubeConfig.from_file(cluster.kubeconfig), field_manager="light")


def test_a_config_map_is_applied_patched_watched_and_deleted(light: Client) -> None:
    wished = ConfigMap(metadata=ObjectMeta(name="light", namespace="default"), data={"a": "1"})
    light.apply(wished)
    light.patch(ConfigMap, "light", {"data": {"b": "2"}}, patch_type=PatchType.MERGE)
    assert light.get(ConfigMap, "light").data == {"a": "1", "b": "2"}
    operation, found = next(iter(light.watch(ConfigMap, fields={"metadata.name": "light"})))
    assert (operation, found.metadata.name) == ("ADDED", "light")
    light.delete(ConfigMap, "light")


def test_a_deployment_is_scaled_and_awaited(light: Client) -> None:
    light.create(codecs.from_dict(deployment("light")))
    light.patch(Deployment.Scale, "light", {"spec": {"replicas": 3}})
    light.wait(Deployment, "light", for_conditions=["Available"])
    assert light.get(Deployment, "light").spec.replicas == 3
    light.delete(Deployment, "light")


def test_every_kind_of_patch_and_a_quarrel_of_managers(light: Client) -> None:
    light.create(codecs.from_dict(deployment("patched")))
    container = {"name": "app", "env": [{"name": "A", "value": "1"}]}
    strategic = {"spec": {"template": {"spec": {"containers": [container]}}}}
    light.patch(Deployment, "patched", strategic)
    light.patch(Deployment, "patched", {"metadata": {"labels": {"x": "y"}}}, patch_type=MERGE)
    operation = {"op": "replace", "path": "/spec/replicas", "value": 1}
    light.patch(Deployment, "patched", [operation], patch_type=PatchType.JSON)
    found = light.get(Deployment, "patched")
    (app,) = found.spec.template.spec.containers
    assert (app.image, app.env[0].value, found.metadata.labels) == ("modelled:1", "1", {"x": "y"})
    theirs = codecs.from_dict(deployment("patched", replicas=5))
    with pytest.raises(ApiError) as refused:
        light.apply(theirs, field_manager="others")
    assert refused.value.status.code == 409
    assert light.apply(theirs, field_manager="others", force=True).spec.replicas == 5
    light.delete(Deployment, "patched", cascade=CascadeType.FOREGROUND)


def test_lists_come_in_pages_and_a_collection_goes_at_once(light: Client) -> None:
    light.create(Namespace(metadata=ObjectMeta(name="pages")))
    for number in range(7):
        metadata = ObjectMeta(name=f"page-{number}", namespace="pages", labels={"page": "yes"})
        light.create(ConfigMap(metadata=metadata))
    chosen = {"labels": {"page": "yes"}, "namespace": "pages"}
    pages = light.list(ConfigMap, chunk_size=3, **chosen)
    assert [found.metadata.name for found in pages] == [f"page-{n}" for n in range(7)]
    assert pages.resourceVersion
    light.deletecollection(ConfigMap, namespace="pages")
    assert list(light.list(ConfigMap, **chosen)) == []
    light.delete(Namespace, "pages")


def test_a_definitions_own_kind_without_a_model(light: Client) -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": "Lamp", "plural": "lamps", "singular": "lamp"}
    spec = {"group": "light.example", "names": names, "scope": "Namespaced", "versions": [version]}
    kind = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    light.create(
        codecs.from_dict({**kind, "metadata": {"name": "lamps.light.example"}, "spec": spec})
    )
    light.wait(CustomResourceDefinition, "lamps.light.example", for_conditions=["Established"])
    lamp = create_namespaced_resource("light.example", "v1", "Lamp", "lamps")
    light.apply(lamp(metadata=ObjectMeta(name="desk", namespace="default"), spec={"watts": 7}))
    assert light.get(lamp, "desk")["spec"] == {"watts": 7}
    light.delete(CustomResourceDefinition, "lamps.light.example")


def test_logs_and_programs(light: Client) -> None:
    assert next(iter(light.log("web"))) == "ready\n"
    assert [pod.metadata.name for pod in light.list(Pod, labels={"app": "web"})] == ["web"]
    assert light.exec("web", command=["echo", "hello"], stdout=True).stdout == "hello\n"
