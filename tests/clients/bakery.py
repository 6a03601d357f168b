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


@kopf.on.resume(GROUP, VERSION, PLURAL)
async def reopen(patch: kopf.Patch, status: kopf.Status, **_: Any) -> None:
    patch.status["reopened"] = status.get("reopened", 0) + 1


@kopf.timer(GROUP, VERSION, PLURAL, interval=0.3)
async def count_hours(patch: kopf.Patch, status: kopf.Status, **_: Any) -> None:
    # Enough to see that it goes on; every write wakes everybody.
    if status.get("hours", 0) < 3:
        patch.status["hours"] = status.get("hours", 0) + 1


@kopf.daemon(GROUP, VERSION, PLURAL, cancellation_backoff=2.0)
async def heat(stopped: kopf.DaemonStopped, body: kopf.Body, **_: Any) -> None:
    kopf.info(body, reason="Heated", message="the oven is hot")
    await stopped.wait()
    kopf.info(body, reason="Cooled", message="the oven is cold")


@kopf.on.event("", "v1", "configmaps", labels={"for": "bakeries"})
async def notice(name: str | None, type: str | None, logger: kopf.Logger, **_: Any) -> None:
    logger.info("noticed %s %s", name, type)
