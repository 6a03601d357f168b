"""4. A sync that fails is given up within five seconds of the commit that fixes it."""

from pathlib import Path
from time import monotonic

from delivery_stage import NOWHERE, Stage, play

AT_MOST_SECONDS = 5.0


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
