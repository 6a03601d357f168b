"""3. Two applications claim one Namespace: the second is refused, and neither deletes it."""

from dataclasses import replace
from pathlib import Path

from delivery_stage import Stage, play, stage

from kiban.delivery.marks import Scope


def test_a_namespace_has_one_owner_and_is_deleted_by_no_commit(
    kubeconfig: str, tmp_path: Path
) -> None:
    async def story(first: Stage) -> None:
        await first.delivered(first.commit([first.config("ours", "web", a="1")]))
        other: Scope = replace(first.scope, platform="rival")
        async with stage(tmp_path, first.cluster, other) as second:
            second.commit([second.config("theirs", "web")])
            status = await second.failed("delivery/owned-by-another")
            assert status.phase == "refused"
            assert await second.get("ConfigMap", "theirs") is None
        async with stage(tmp_path, first.cluster, other, allow_delete=True) as second:
            second.commit([])
            await second.failed("delivery/owned-by-another")
        async with first.again(allow_delete=True) as again:
            # Not even the owner, when nothing in Git mentions it any more.
            left = again.bundle([], namespace=False)
            await again.delivered(again.commit_bundle(left))
            assert await again.get("ConfigMap", "ours") is None
            assert await again.get("Namespace", first.scope.namespace) is not None

    play(kubeconfig, tmp_path, story)
