"""A cluster started with `--modelled`: what the store lacks is made up, what it has is real."""

import asyncio
from pathlib import Path

from tests.adapters.processes.stage import Stage, pod

from kiban.adapters.api_server.driver import wall_clock
from kiban.adapters.processes.modelled import ModelledRuntime
from kiban.kube.objects import Key
from kiban.reconcile.commands import Create, Delete


def test_modelled_and_real_pods_live_side_by_side(tmp_path: Path) -> None:
    async def play() -> None:
        stage = Stage(tmp_path, 87)
        modelled = ModelledRuntime(stage.runtime, stage.images, wall_clock)
        stage.driver.runtime = modelled
        modelled.post = stage.driver.post
        await stage.start()
        try:
            probe = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
            made_up = {"image": "registry.example/none:1", "readinessProbe": probe}
            stage.do(Create(pod("made-up", made_up)), Create(pod("real")))
            stage.do(Create(pod("job", made_up, restartPolicy="Never")))
            await stage.until(lambda: stage.is_ready("made-up") and stage.is_ready("real"))
            assert len(stage.runtime.pids) == 1
            await stage.until(lambda: stage.status("job").get("phase") == "Succeeded")
            stage.do(Delete(Key("", "Pod", "default", "made-up")))
            await stage.until(lambda: stage.pod("made-up") is None)
        finally:
            await stage.stop()

    asyncio.run(play())
