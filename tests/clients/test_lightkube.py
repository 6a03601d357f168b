"""lightkube: objects, apply, watch, scale, logs, waiting, exec."""

import pytest
from tests.clients.conftest import Running, deployment

pytest.importorskip("lightkube")
pytestmark = pytest.mark.filterwarnings("ignore")

from lightkube import Client, KubeConfig, codecs  # noqa: E402
from lightkube.models.meta_v1 import ObjectMeta  # noqa: E402
from lightkube.resources.apps_v1 import Deployment  # noqa: E402
from lightkube.resources.core_v1 import ConfigMap, Pod  # noqa: E402
from lightkube.types import PatchType  # noqa: E402


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


def test_logs_and_programs(light: Client) -> None:
    assert next(iter(light.log("web"))) == "ready\n"
    assert [pod.metadata.name for pod in light.list(Pod, labels={"app": "web"})] == ["web"]
    assert light.exec("web", command=["echo", "hello"], stdout=True).stdout == "hello\n"
