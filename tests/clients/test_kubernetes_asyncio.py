"""The asynchronous Python client: objects, watch, logs, exec."""

import asyncio

import pytest
from tests.clients.conftest import Running, deployment

pytest.importorskip("kubernetes_asyncio")
pytestmark = pytest.mark.filterwarnings("ignore")

from kubernetes_asyncio import client, config, watch  # noqa: E402
from kubernetes_asyncio.stream import WsApiClient  # noqa: E402


def test_objects_scales_watches_and_logs(cluster: Running) -> None:
    async def story() -> None:
        await config.load_kube_config(cluster.kubeconfig)
        async with client.ApiClient() as api:
            core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
            await apps.create_namespaced_deployment("default", deployment("aio"))
            await apps.patch_namespaced_deployment_scale(
                "aio", "default", {"spec": {"replicas": 1}}
            )
            async with watch.Watch() as watching:
                async for event in watching.stream(
                    apps.list_namespaced_deployment, "default", timeout_seconds=20
                ):
                    found = event["object"]
                    if found.metadata.name == "aio" and found.status.ready_replicas == 1:
                        break
            await apps.delete_namespaced_deployment("aio", "default")
            assert (await core.read_namespaced_pod_log("web", "default")).startswith("ready")

    asyncio.run(story())


def test_a_program_says_what_it_says(cluster: Running) -> None:
    async def story() -> None:
        await config.load_kube_config(cluster.kubeconfig)
        async with WsApiClient() as sockets:
            said = await client.CoreV1Api(sockets).connect_get_namespaced_pod_exec(
                "web", "default", command=["echo", "hello"], stdout=True, stderr=True
            )
            assert said == "hello\n"

    asyncio.run(story())
