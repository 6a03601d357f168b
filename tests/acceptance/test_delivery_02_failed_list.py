"""2. What makes the manifests fails or finds nothing: nothing is deleted, and somebody is told."""

from pathlib import Path
from typing import Any

from delivery_stage import Stage, play

from kiban.adapters.delivery_driver import now
from kiban.delivery.deletions import WITHHELD, approval
from kiban.delivery.messages import Commit, Undeliverable
from kiban.kube.objects import GroupKind, Manifest
from kiban.kube.ports import ApiError, Listing
from kiban.primitives.problems import Problem


def many(stage: Stage) -> list[Manifest]:
    return [stage.config(f"map-{number}", "web", a="1") for number in range(6)]


def test_a_commit_whose_source_cannot_be_listed_deletes_nothing_and_says_so(
    kubeconfig: str, tmp_path: Path
) -> None:
    async def story(stage: Stage) -> None:
        first = stage.commit(many(stage))
        await stage.delivered(first)
        fault = Problem("sources/unreadable", "the generator answered 500")
        stage.driver.commit(Undeliverable(Commit("f" * 40), (fault,)))
        status = await stage.failed("the generator answered 500")
        assert status.delivered == first
        assert await stage.get("ConfigMap", "map-5") is not None

    play(kubeconfig, tmp_path, story)


def test_a_commit_that_wants_nothing_any_more_waits_for_a_person(
    kubeconfig: str, tmp_path: Path
) -> None:
    async def story(stage: Stage) -> None:
        await stage.delivered(stage.commit(many(stage)))
        empty = stage.commit([])
        status = await stage.failed("delivery/blast-radius")
        assert "kiban approve --deletions" in status.problems[0].fix
        assert await stage.get("ConfigMap", "map-5") is not None
        [event] = stage.events(WITHHELD)
        assert (event.data["commit"], len(event.data["objects"])) == (empty, 6)
        approve(stage, empty)
        await stage.until(lambda status: not status.problems and status.is_ready)
        assert await stage.get("ConfigMap", "map-5") is None

    play(kubeconfig, tmp_path, story)


def test_leave_to_delete_is_for_one_commit_only(kubeconfig: str, tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.delivered(stage.commit(many(stage)))
        await stage.delivered(stage.commit([*many(stage), stage.config("more", "web")]))
        stage.commit([])
        await stage.failed("delivery/blast-radius")
        assert await stage.get("ConfigMap", "map-5") is not None

    play(kubeconfig, tmp_path, story, allow_delete=True)


def approve(stage: Stage, commit: str) -> None:
    """What `kiban approve --deletions` writes."""
    stage.journal.write([approval(stage.scope.subject, commit, "ada@example.org")], now())


class Failing:
    """A cluster whose lists of ConfigMaps fail while `fails` is set."""

    def __init__(self, cluster: Any) -> None:
        self._cluster, self.fails = cluster, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)

    async def list(self, kind: GroupKind, *, namespace: str = "", labels: str = "") -> Listing:
        if self.fails and kind.kind == "ConfigMap":
            raise ApiError(500, "InternalError", "the list failed")
        found: Listing = await self._cluster.list(kind, namespace=namespace, labels=labels)
        return found


def test_a_new_process_that_cannot_list_the_cluster_touches_nothing(
    kubeconfig: str, tmp_path: Path
) -> None:
    async def story(stage: Stage) -> None:
        first = stage.commit(many(stage))
        await stage.delivered(first)
        cluster = Failing(stage.cluster)
        cluster.fails = True
        async with stage.again(cluster) as second:
            second.commit([second.config("map-1", "web", a="2")])
            status = await second.failed("the list failed")
            assert status.phase == "waiting"
            kept = await second.get("ConfigMap", "map-1")
            assert kept is not None
            assert kept["data"] == {"a": "1"}
            cluster.fails = False
            await second.until(lambda status: status.phase != "waiting")

    play(kubeconfig, tmp_path, story)
