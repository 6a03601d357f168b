"""20. Export, wipe, import: the state is the same to the byte, and the engine goes on as if nothing
had been."""

from pathlib import Path

from delivery_stage import Stage, play

from kiban.adapters.delivery_driver import now
from kiban.adapters.journal import JournalReader
from kiban.adapters.journal.backup import back_up, restore
from kiban.delivery.messages import Commit, Desired
from kiban.kube.objects import key_of
from kiban.operations.promotion import APPROVED, QUARANTINED, approvals, quarantines
from kiban.plans.records import Event
from kiban.primitives.instants import later
from kiban.telemetry import acts, deployments

ADA = {"who": "ada", "tag": "v9"}


def test_a_state_that_was_exported_wiped_and_imported_is_equal_to_the_byte(
    kubeconfig: str, tmp_path: Path
) -> None:
    async def story(stage: Stage) -> None:
        objects = [stage.address("web", "web"), stage.deployment("web", "web")]
        bundle = stage.bundle(objects)
        commit = stage.commit_bundle(bundle)
        await stage.delivered(commit)
        said = [
            Event(QUARANTINED, "web", "it eats memory", data=ADA),
            Event(APPROVED, "web", "ada said yes", data={**ADA, "environment": "prod"}),
        ]
        await stage.journal.append(said, now())
        versions = [await version(stage, manifest) for manifest in bundle.manifests]
        await stage.end()

        journal = tmp_path / "journal.db"
        before = everything(journal)
        exported = back_up(journal, tmp_path / "before.backup", "shop")
        wipe(journal)
        assert JournalReader(journal).entries() == []
        assert restore(tmp_path / "before.backup", journal, later(now(), 60)) == exported

        assert everything(journal) == before
        back_up(journal, tmp_path / "after.backup", "shop")
        files = [(tmp_path / f"{name}.backup").read_bytes() for name in ("before", "after")]
        assert files[0] == files[1]
        async with stage.again() as second:
            second.driver.commit(Desired(Commit(commit, "Ada", "a change"), bundle))
            await second.delivered(commit)
            assert [await version(second, each) for each in bundle.manifests] == versions

    play(kubeconfig, tmp_path, story)


async def version(stage: Stage, manifest: dict[str, object]) -> int:
    """Grows with every change of what is wanted of the object; where nobody counts these, with
    any."""
    live = await stage.cluster.get(key_of(manifest))
    assert live is not None
    metadata = live["metadata"]
    return int(metadata.get("generation") or metadata["resourceVersion"])


def everything(journal: Path) -> tuple[object, ...]:
    """All that is said by a journal."""
    entries = JournalReader(journal).entries(limit=-1)
    return (
        entries,
        list(acts(entries)),
        deployments(entries),
        quarantines(entries),
        approvals(entries),
    )


def wipe(journal: Path) -> None:
    for path in journal.parent.glob(f"{journal.name}*"):
        path.unlink()
