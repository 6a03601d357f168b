"""A Deployment that is scaled up and down while everything dies: its controllers write too, and
must come to the right end whatever of their work was cut off.
"""

import asyncio
import random
import time
from typing import Any

import aiohttp

PATH = "/apis/apps/v1/namespaces/default/deployments"
PODS = "/api/v1/namespaces/default/pods?labelSelector=app%3Dscaled"
NAME = "scaled"
MERGE = {"Content-Type": "application/merge-patch+json"}
MOST = 4
PATIENCE_SECONDS = 40.0


class Scaler:
    """Writes one number of replicas after another, and knows which must be there."""

    def __init__(self, seed: str) -> None:
        self._dice = random.Random(seed)
        self._replicas: int | None = None
        self._pending: int | None = None
        self.acknowledged = 0

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Scale until the connection breaks."""
        while True:
            self._pending = self._dice.randint(0, MOST)
            if self._replicas is None:
                request = session.post(PATH, json=_deployment(self._pending))
            else:
                body = {"spec": {"replicas": self._pending}}
                request = session.patch(f"{PATH}/{NAME}", json=body, headers=MERGE)
            async with request as answer:
                found = await answer.json()
                assert answer.status in (200, 201), found
            assert found["spec"]["replicas"] == self._pending
            self._replicas, self._pending = self._pending, None
            self.acknowledged += 1
            await asyncio.sleep(0.15)

    async def check(self, session: aiohttp.ClientSession) -> None:
        """What is there is the last number that was acknowledged, or the one under way."""
        async with session.get(f"{PATH}/{NAME}") as answer:
            found = await answer.json()
        replicas = found["spec"]["replicas"] if answer.status == 200 else None
        assert replicas == self._replicas or (
            self._pending is not None and replicas == self._pending
        ), f"{replicas} replicas, {self._replicas} acknowledged, {self._pending} under way"
        self._replicas, self._pending = replicas, None

    async def settled(self, session: aiohttp.ClientSession) -> None:
        """Wait until there are as many pods as are wanted, all of them running."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            async with session.get(PODS) as answer:
                pods = (await answer.json())["items"]
            running = [pod for pod in pods if pod["status"].get("phase") == "Running"]
            if len(pods) == len(running) == (self._replicas or 0):
                return
            assert time.monotonic() < deadline, f"{len(pods)} pods, {self._replicas} wanted"
            await asyncio.sleep(0.05)


def _deployment(replicas: int) -> dict[str, Any]:
    labels = {"app": NAME}
    container = {"name": "main", "image": "registry.example/none:1"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME}, "spec": spec}
