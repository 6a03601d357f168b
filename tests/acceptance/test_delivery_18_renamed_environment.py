"""18. An environment gets another name: what runs passes to the new name, nothing is deleted."""

from dataclasses import replace
from pathlib import Path

from delivery_stage import Stage, play

from kiban.compiler.bundle import ENVIRONMENT_LABEL, PLATFORM_LABEL
from kiban.kube.objects import Manifest, labels_of


def wanted(stage: Stage) -> list[Manifest]:
    return [stage.config(f"map-{number}", "web") for number in range(5)]


def test_ownership_moves_on_purpose_only(kubeconfig: str, tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.delivered(stage.commit([*wanted(stage), stage.config("gone", "web")]))
        before = {name: await uid(stage, name) for name in ("map-0", "map-4")}
        renamed = replace(stage.scope, platform="store", environment="live")
        async with stage.again(scope=renamed) as second:
            second.commit(wanted(second))
            await second.failed("delivery/owned-by-another")
            formerly = (("store", "prod"), ("shop", "live"), ("shop", "prod"))
            await second.delivered(second.commit(wanted(second), formerly=formerly))
            assert {name: await uid(second, name) for name in before} == before
            assert await second.get("ConfigMap", "gone") is None
            moved = await second.get("ConfigMap", "map-0")
            assert moved is not None
            assert labels_of(moved)[PLATFORM_LABEL] == "store"
            assert labels_of(moved)[ENVIRONMENT_LABEL] == "live"
            # From now on the earlier name means nothing.
            await second.delivered(second.commit(wanted(second)))
        async with second.again(scope=stage.scope) as third:
            third.commit(wanted(third))
            await third.failed("delivery/owned-by-another")

    play(kubeconfig, tmp_path, story)


async def uid(stage: Stage, name: str) -> str:
    found = await stage.get("ConfigMap", name)
    assert found is not None
    return str(found["metadata"]["uid"])
