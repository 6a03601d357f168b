"""15. The process is killed before and after each write of a plan, to the journal or the cluster:
the next one ends in the same state, nothing is done by halves and no hook runs twice."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from delivery_stage import Stage, play

from kiban.compiler.bundle import HOOK_ANNOTATION
from kiban.kube.objects import JOB, GroupKind, Manifest, uid_of
from kiban.plans.records import StepMoved


class Killed(BaseException):
    """The process is gone: nothing in it may catch this."""


class Life:
    """How many more writes a process survives; the last one is done or not."""

    def __init__(self, writes: int, *, does_last: bool) -> None:
        self.left, self._does_last = writes, does_last
        self.ended = asyncio.Event()

    async def spend(self, write: Callable[[], Awaitable[Any]]) -> Any:
        if self.ended.is_set():
            return await asyncio.Event().wait()
        self.left -= 1
        if self.left >= 0:
            return await write()
        self.ended.set()
        if self._does_last:
            await write()
        # Whoever waits for the answer never gets it.
        return await asyncio.Event().wait()


class MortalCluster:
    """The cluster as a process sees it that may be killed at any write."""

    def __init__(self, cluster: Any, life: Life) -> None:
        self._cluster, self._life = cluster, life

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)

    async def apply(self, manifest: Manifest, **options: Any) -> Any:
        if options.get("dry_run"):
            return await self._cluster.apply(manifest, **options)
        return await self._life.spend(lambda: self._cluster.apply(manifest, **options))

    async def patch(self, *args: Any, **options: Any) -> Any:
        return await self._life.spend(lambda: self._cluster.patch(*args, **options))

    async def delete(self, *args: Any, **options: Any) -> Any:
        return await self._life.spend(lambda: self._cluster.delete(*args, **options))


# Killed at every so many writes here; the pure engine is killed at each of them in its own tests.
STRIDE = 5


def hook(stage: Stage, name: str, when: str, image: str) -> Manifest:
    pod = {"restartPolicy": "Never", "containers": [{"name": "app", "image": image}]}
    spec = {"completions": 0, "parallelism": 0, "template": {"spec": pod}}
    metadata = {"annotations": {HOOK_ANNOTATION: when}}
    return stage.manifest("Job", name, "web", metadata=metadata, spec=spec)


def release(stage: Stage, number: int) -> list[Manifest]:
    image = f"registry.k8s.io/pause:3.{number}"
    return [
        stage.address("web", "web"),
        stage.deployment("web", "web", replicas=0, image=image),
        stage.config(f"only-in-{number}", "db"),
        hook(stage, "migrate", "before", image),
        hook(stage, "warm", "after", image),
    ]


def test_a_sync_that_is_killed_is_finished_by_the_next_process(
    kubeconfig: str, tmp_path: Path
) -> None:
    async def story(stage: Stage) -> None:
        await stage.delivered(stage.commit(release(stage, 0)))
        await stage.end()
        for number in range(1, 20):
            if await survives(stage, number, release(stage, number), STRIDE * (number - 1)):
                break
        else:
            raise AssertionError("a plan of so few objects came to no end")
        steps = [entry.record for entry in stage.reopened().entries(limit=-1, kind="step")]
        done = [one for one in steps if isinstance(one, StepMoved) and one.state == "acted"]
        hooks = [one.step for one in done if one.step.startswith("hook:")]
        assert hooks.count("hook:web/migrate") >= number

    play(kubeconfig, tmp_path, story)


def test_a_rollback_that_is_killed_is_finished_by_the_next_process(
    kubeconfig: str, tmp_path: Path
) -> None:
    async def story(stage: Stage) -> None:
        await stage.delivered(stage.commit(release(stage, 0)))
        await stage.delivered(stage.commit(release(stage, 1)))
        await stage.end()
        for number in range(2, 20):
            # To and fro between releases whose hooks have all run.
            wanted = release(stage, number % 2)
            if await survives(stage, number, wanted, STRIDE * (number - 2)):
                return
        raise AssertionError("a plan of so few objects came to no end")

    play(kubeconfig, tmp_path, story)


async def survives(stage: Stage, number: int, wanted: list[Manifest], writes: int) -> bool:
    """Deliver in two lives; whether the first one came to its end. No Job is made twice."""
    made: dict[str, set[str]] = {}
    watching = asyncio.create_task(watch_jobs(stage, made))
    name = f"{number:x}"
    survived = await killed(stage, wanted, name, writes, does_last=number % 2 == 0)
    await recovered(stage, wanted, name)
    watching.cancel()
    assert all(len(uids) == 1 for uids in made.values()), made
    return survived


async def watch_jobs(stage: Stage, made: dict[str, set[str]]) -> None:
    """Every Job that ever was, by name."""
    listing = await stage.cluster.list(JOB, namespace=stage.scope.namespace)
    async for event in stage.cluster.watch(
        JOB, resource_version=listing.resource_version, namespace=stage.scope.namespace
    ):
        if event.type == "ADDED":
            made.setdefault(event.object["metadata"]["name"], set()).add(uid_of(event.object))


async def killed(
    stage: Stage, wanted: Sequence[Manifest], name: str, writes: int, *, does_last: bool
) -> bool:
    """A process that is killed at a write; whether it came to its end before."""
    life = Life(writes, does_last=does_last)
    async with stage.again(MortalCluster(stage.cluster, life)) as doomed:
        append = doomed.journal.append
        doomed.driver.journal.append = (  # type: ignore[method-assign]
            lambda *args: life.spend(lambda: append(*args))
        )
        done = asyncio.create_task(doomed.delivered(doomed.commit(wanted, id_=name * 40)))
        dead = asyncio.create_task(life.ended.wait())
        await asyncio.wait([done, dead], return_when=asyncio.FIRST_COMPLETED)
        survived = done.done()
        for task in (done, dead):
            task.cancel()
        await asyncio.gather(done, dead, return_exceptions=True)
    return survived


async def recovered(stage: Stage, wanted: Sequence[Manifest], name: str) -> None:
    """The next process: the same end state, and nothing left of the one that was killed."""
    async with stage.again() as next_:
        status = await next_.delivered(next_.commit(wanted, id_=name * 40))
        assert status.problems == ()

        async def is_closed() -> bool:
            return not next_.journal.open_plans(stage.scope.subject)

        await next_.eventually(is_closed)
        kinds = ("ConfigMap", "Deployment", "Service")
        known = {(one["kind"], one["metadata"]["name"]) for one in wanted}
        expected = {(kind, name) for kind, name in known if kind in kinds}
        assert {(kind, one) for kind in kinds for one in await names(next_, kind)} == expected


async def names(stage: Stage, kind: str) -> list[str]:
    group = stage.key(kind, "any").group
    found = await stage.cluster.list(
        GroupKind(group, kind),
        namespace=stage.scope.namespace,
        labels=f"kiban.dev/platform={stage.scope.platform},kiban.dev/service",
    )
    return [one["metadata"]["name"] for one in found.items]
