"""4. A sync that fails is given up within five seconds of the commit that fixes it."""

import asyncio
from pathlib import Path
from time import monotonic
from typing import Any

from delivery_stage import NOWHERE, Stage, play

from kiban.kube.objects import Manifest

AT_MOST_SECONDS = 5.0
MANY = 400


class Slow:
    """A cluster that takes its time for what is labelled so."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)

    async def apply(self, manifest: Manifest, **options: Any) -> Manifest:
        if manifest.get("data", {}).get("pace") == "slow":
            await asyncio.sleep(1)
        found: Manifest = await self._cluster.apply(manifest, **options)
        return found


def test_the_fixing_commit_takes_over_from_the_failing_one(kubeconfig: str, tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        good = [stage.address("web", "web"), stage.deployment("web", "web")]
        await stage.delivered(stage.commit(good))
        stage.commit([good[0], stage.deployment("web", "web", **NOWHERE)])
        await stage.until(lambda status: "Unschedulable" in str(status.services))
        assert (stage.driver.status()).phase == "syncing"
        started = monotonic()
        fixed = stage.commit([good[0], stage.deployment("web", "web", replicas=2)])
        await stage.delivered(fixed)
        assert monotonic() - started < AT_MOST_SECONDS

    play(kubeconfig, tmp_path, story)


def test_what_waits_to_be_sent_is_not_sent_when_a_newer_commit_comes(
    kubeconfig: str, tmp_path: Path
) -> None:
    async def story(stage: Stage) -> None:
        await stage.delivered(stage.commit([stage.config("first", "web")]))
        async with stage.again(Slow(stage.cluster)) as slow:
            # Half a minute's work.
            many = [slow.config(f"map-{number}", "web", pace="slow") for number in range(MANY)]
            slow.commit([slow.config("first", "web"), *many])
            await slow.until(lambda status: status.phase == "syncing")
            started = monotonic()
            await slow.delivered(slow.commit([slow.config("first", "web", a="1")]))
            assert monotonic() - started < AT_MOST_SECONDS

    play(kubeconfig, tmp_path, story)
