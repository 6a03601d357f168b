"""The tour: what the platform does under load while it is released, drained, killed and broken.

It runs on the example, in the same process as the cluster it breaks, and reports what it measured.
The load comes from a process of its own, so that its clock does not stop when ours is busy.
"""

import asyncio
import os
import re
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from kiban.adapters.api_server.driver import wall_clock
from kiban.adapters.load import LoadProcess, Shot
from kiban.kube.health import health
from kiban.kube.objects import (
    DEPLOYMENT,
    NODE,
    POD,
    SERVICE,
    Key,
    Manifest,
    get_in,
    is_deleting,
    is_true,
    key_of,
)
from kiban.operations.tour import REQUESTS_PER_SECOND, Facts, Phase, TourReport, judge
from kiban.primitives.instants import rfc3339
from kiban.primitives.problems import Exit, KibanError, Problem
from kiban.reconcile.commands import Evict
from kiban.wiring.builds import build_service
from kiban.wiring.release import release_line
from kiban.wiring.up import Up

PLANNED = ("steady", "release", "new version", "scale-in", "drain")
# A page asks four backends; with more of them two shared cores would be busy with nothing else.
SHOTS = (Shot("GET", "/?user=ada", 1), Shot("GET", "/stamp/ada", 2), Shot("POST", "/stamp/ada", 1))
STEADY_SECONDS = 4.0
DRAINED_AT_ONCE = 2
SETTLE_SECONDS = 1.0
BROKEN_SECONDS = 3.0
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.02
REQUEST_SECONDS = 2.0


def tour_of(out: Path, *, stay: bool) -> Callable[[Up], Awaitable[int]]:
    """The tour as what `kiban up` does once all is ready; with `stay` it goes on until Ctrl-C."""

    async def then(up: Up) -> int:
        report = await Tour(up).run()
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(orjson.dumps(report.as_data(), option=orjson.OPT_INDENT_2) + b"\n")
        for line in lines_of(report):
            up.screen.say(line)
        up.screen.say(f"wrote {out}")
        if stay:
            up.screen.say("the platform stays up; Ctrl-C ends it")
            await up.stopping.wait()
        return Exit.DONE if report.held else Exit.PROBLEMS

    return then


class Tour:
    """One tour over one platform that is up."""

    def __init__(self, up: Up) -> None:
        if not up.platform.spec.example or up.local is None:
            raise KibanError(
                Problem(
                    "tour/not-an-example",
                    "the tour breaks things on purpose, so it runs on the example only",
                    fix="kiban up examples/arcade --tour",
                ),
                Exit.REFUSED,
            )
        self.up, self.local = up, up.local
        self.scope = up.drivers[0].scope
        self.environment, self.namespace = self.scope.environment, self.scope.namespace
        self.url = f"http://{self.local.gateway_address}"
        addresses = up.drivers[0].status().addresses
        self.host = next(iter(addresses["web"])).partition("/")[0]
        self._started = time.monotonic()

    async def run(self) -> TourReport:
        """All phases in order, and the verdict."""
        self._scale_web(3)
        await self._delivered()
        async with aiohttp.ClientSession(
            headers={"Host": self.host}, timeout=aiohttp.ClientTimeout(REQUEST_SECONDS)
        ) as self.client:
            self.load = await LoadProcess.start(
                self.url, host=self.host, rate=REQUESTS_PER_SECOND, shots=SHOTS
            )
            try:
                return await self._under_load()
            finally:
                with suppress(RuntimeError, ConnectionError):
                    await self.load.stop()

    async def _under_load(self) -> TourReport:
        self._say(f"{REQUESTS_PER_SECOND} requests a second against {self.url}")
        await self.load.phase("steady")
        await asyncio.sleep(STEADY_SECONDS)
        tag, serving = await self._release()
        await self._phase("scale-in", "web goes from 3 instances to 2, by a commit")
        self._scale_web(2)
        await self._delivered()
        await asyncio.sleep(SETTLE_SECONDS)
        await self._drain()
        killed = await self._kill()
        restored = await self._delete()
        defaulted, thawed = await self._freeze()
        summary = await self.load.stop()
        return self._report(summary, tag, defaulted, serving, killed, restored, thawed)

    # Planned changes

    async def _release(self) -> tuple[str, float | None]:
        """A new version of stamp, by a commit; seconds until its first answer."""
        await self._phase("release", "a new version of stamp is built and released by a commit")
        commit = self.up.repository.edit(
            "apps/stamp/main.py", _next_version, "Count stamps in a new version"
        )
        tag = commit[:12]
        service = self.up.platform.services[self.environment]["stamp"]
        await asyncio.to_thread(
            lambda: build_service(
                service,
                tag=tag,
                commit=commit,
                repository=self.up.repository,
                images=self.local.images,
            )
        )
        start = time.monotonic()
        release_line(self.up.repository, self.environment, {"stamp": tag})
        serving = await self._until(lambda: self._answers_with(tag), start)
        await self._delivered()
        await asyncio.sleep(SETTLE_SECONDS)
        await self._phase("new version", "only the new version answers")
        await asyncio.sleep(STEADY_SECONDS / 2)
        return tag, serving

    async def _drain(self) -> None:
        """Move everything off one node, as for an upgrade, and take the node back."""
        node = self._busiest_node()
        await self._phase("drain", f"node {node} is cordoned and drained")
        key = Key(*NODE, "", node)
        await self.up.cluster.patch(key, {"spec": {"unschedulable": True}})
        doomed = [pod for pod in self._pods() if get_in(pod, "spec", "nodeName") == node]
        # Programs that start cost more than programs that serve: few at a time leave room.
        turns = asyncio.Semaphore(DRAINED_AT_ONCE)

        async def move(pod: Manifest) -> None:
            async with turns:
                await self._move(pod)

        await asyncio.gather(*map(move, doomed))
        uids = {pod["metadata"]["uid"] for pod in doomed}
        await self._until(lambda: self._gone(uids))
        await self._whole()
        await asyncio.sleep(SETTLE_SECONDS)
        await self.up.cluster.patch(key, {"spec": {"unschedulable": None}})

    # Failures

    async def _kill(self) -> float | None:
        """Kill one of stamp's processes; seconds until its pod is ready again."""
        pod = self._pods("stamp")[0]
        await self._phase("kill", f"the process of {pod['metadata']['name']} gets SIGKILL")
        pid = self._pid(pod)
        start = time.monotonic()
        os.killpg(pid, signal.SIGKILL)
        before = _restarts(pod)

        async def back() -> bool:
            found = self.local.cluster.store.get(key_of(pod))
            return found is not None and _restarts(found) > before and is_true(found, "Ready")

        return await self._until(back, start)

    async def _delete(self) -> float | None:
        """Delete a Service by hand; seconds until it is back."""
        await self._phase("delete", "the Service of contents is deleted by hand")
        key = Key(*SERVICE, self.namespace, "contents")
        before = await self.up.cluster.get(key)
        assert before is not None
        start = time.monotonic()
        await self.up.cluster.delete(key)

        async def back() -> bool:
            found = await self.up.cluster.get(key)
            return found is not None and found["metadata"]["uid"] != before["metadata"]["uid"]

        return await self._until(back, start)

    async def _freeze(self) -> tuple[int | None, float | None]:
        """Stop the backend of points; how many answers came with defaults, and seconds until
        none does any more once it goes on."""
        await self._phase("points down", "the processes of points are stopped; web uses defaults")
        pids = [self._pid(pod) for pod in self._pods("points")]
        try:
            for pid in pids:
                os.killpg(pid, signal.SIGSTOP)
            await asyncio.sleep(BROKEN_SECONDS)
        finally:
            for pid in pids:
                os.killpg(pid, signal.SIGCONT)
        await self._phase("points back", "they go on")
        start = time.monotonic()
        thawed = await self._until(self._is_whole_page, start)
        await self._whole()
        await asyncio.sleep(SETTLE_SECONDS)
        found = (await self.load.summary())["phases"].get("points down", {})
        return _defaulted(found), thawed

    # What is asked of the platform

    async def _answers_with(self, tag: str) -> bool:
        async with self.client.get(f"{self.url}/stamp/ada") as answer:
            return answer.headers.get("x-release") == tag

    async def _is_whole_page(self) -> bool:
        async with self.client.get(f"{self.url}/?user=ada") as answer:
            return answer.status == 200 and "x-defaults" not in answer.headers

    async def _evicted(self, pod: Key) -> bool:
        if self.local.cluster.store.get(pod) is None:
            return True
        return not self.local.driver.execute("tour", [Evict(pod)])

    async def _move(self, pod: Manifest) -> None:
        """Have a pod run elsewhere. One that is alone is replaced before it goes: its Deployment
        is rolled once, which makes the new pod first. Others go by eviction, within the budget."""
        service = pod["metadata"]["labels"]["kiban.dev/service"]
        key = Key(*DEPLOYMENT, self.namespace, service)
        deployment = self.local.cluster.store.get(key)
        if deployment is not None and deployment["spec"]["replicas"] == 1:
            moment = {"kubectl.kubernetes.io/restartedAt": rfc3339(wall_clock())}
            template = {"metadata": {"annotations": moment}}
            await self.up.cluster.patch(key, {"spec": {"template": template}})
        else:
            await self._until(lambda: self._evicted(key_of(pod)))

        async def settled() -> bool:
            found = self.local.cluster.store.get(key)
            return found is None or health(found).is_healthy

        await self._until(settled)

    async def _gone(self, uids: set[str]) -> bool:
        return not any(pod["metadata"]["uid"] in uids for pod in self._pods(deleting=True))

    async def _delivered(self) -> None:
        """Wait until the newest commit runs, in full and well."""
        head = self.up.repository.head()

        async def delivered() -> bool:
            status = self.up.drivers[0].status()
            return status.is_ready and status.delivered == head

        if await self._until(delivered) is None:
            await self.up.until_ready(0)

    async def _whole(self) -> None:
        """Wait until every service is well again."""

        async def whole() -> bool:
            return self.up.is_ready

        await self._until(whole)

    def _scale_web(self, instances: int) -> None:
        change = _scaled(self.environment, instances)
        self.up.repository.edit("services/web.yaml", change, f"Scale web to {instances}")

    # The cluster, seen from inside

    def _pods(self, service: str = "", *, deleting: bool = False) -> list[Manifest]:
        labels = {"kiban.dev/service": service} if service else {}
        pods = self.local.cluster.store.selected(POD, self.namespace, labels)
        return [pod for pod in pods if deleting or not is_deleting(pod)]

    def _pid(self, pod: Manifest) -> int:
        container = pod["spec"]["containers"][0]["name"]
        pid = self.local.runtime.pid_of(self.namespace, pod["metadata"]["name"], container)
        assert pid is not None, f"{pod['metadata']['name']} has no process"
        return pid

    def _busiest_node(self) -> str:
        """The node with the most pods among those that hold no data: in the cloud a database is
        not in the cluster."""
        names = [node["metadata"]["name"] for node in self.local.cluster.store.list(NODE)]
        pods = {name: self.local.cluster.store.on_node(name) for name in names}
        free = [name for name in names if not any(map(_holds_data, pods[name]))]
        chosen: str = max(free or names, key=lambda name: (len(pods[name]), name))
        return chosen

    # Telling

    async def _phase(self, name: str, words: str) -> None:
        await self.load.phase(name)
        self._say(f"{name}: {words}")

    def _say(self, line: str) -> None:
        self.up.screen.say(f"[{time.monotonic() - self._started:5.1f} s] {line}")

    async def _until(
        self, true: Callable[[], Awaitable[bool]], start: float | None = None
    ) -> float | None:
        """Seconds from `start` until something is true; None when it never is."""
        start = time.monotonic() if start is None else start
        while time.monotonic() - start < PATIENCE_SECONDS:
            with suppress(aiohttp.ClientError, TimeoutError):
                if await true():
                    return time.monotonic() - start
            await asyncio.sleep(POLL_SECONDS)
        return None

    def _report(
        self,
        summary: dict[str, Any],
        tag: str,
        defaulted: int | None,
        serving: float | None,
        killed: float | None,
        restored: float | None,
        thawed: float | None,
    ) -> TourReport:
        Path("/tmp/summary.json").write_bytes(
            orjson.dumps(summary, option=orjson.OPT_INDENT_2)
        )  # DEBUGSUM
        phases = [_phase_of(name, found) for name, found in summary["phases"].items()]
        versions = summary["phases"]["new version"]["versions"]
        total = summary["total"]
        facts = Facts(
            requests=total["requests"],
            failed=total["failed"],
            rate_per_second=total["requests"] / max(total["seconds"], 0.001),
            commit_to_serving_seconds=serving,
            kill_to_ready_seconds=killed,
            delete_to_restored_seconds=restored,
            thaw_to_whole_seconds=thawed,
            old_version_answers_after_release=sum(
                count for version, count in versions.items() if version != tag
            ),
            answered_while_backend_down=defaulted,
        )
        return judge(phases, facts)


def lines_of(report: TourReport) -> list[str]:
    """The report as people read it."""
    lines = ["", "what happened, by phase:"]
    lines += [
        f"  {phase.name:<12} {phase.requests:>5} requests  {phase.failed:>3} failed  "
        f"{phase.defaulted:>4} with defaults  "
        f"p50 {phase.p50_ms:6.1f} ms  p99 {phase.p99_ms:7.1f} ms"
        for phase in report.phases
    ]
    lines.append("what was expected:")
    marks = {"pass": "✓", "fail": "✗", "unknown": "?"}
    lines += [
        f"  {marks[entry.answer]} {entry.name}: {entry.measured} (expected {entry.expected})"
        for entry in report.expectations
    ]
    return lines


def _phase_of(name: str, found: dict[str, Any]) -> Phase:
    latency = found["latencyMs"]
    return Phase(
        name,
        planned=name in PLANNED,
        requests=found["requests"],
        failed=found["failed"],
        defaulted=_defaulted(found) or 0,
        p50_ms=latency["p50"],
        p99_ms=latency["p99"],
        longest_ms=latency["max"],
    )


def _defaulted(found: dict[str, Any]) -> int | None:
    return sum(found["defaults"].values()) if found else None


def _restarts(pod: Manifest) -> int:
    return sum(
        status["restartCount"] for status in get_in(pod, "status", "containerStatuses", default=[])
    )


def _holds_data(pod: Manifest) -> bool:
    return any("persistentVolumeClaim" in volume for volume in pod["spec"].get("volumes", []))


def _next_version(text: str) -> str:
    """The program with its version counted up."""
    return re.sub(
        r'^VERSION = "(\d+)"$',
        lambda match: f'VERSION = "{int(match[1]) + 1}"',
        text,
        count=1,
        flags=re.MULTILINE,
    )


def _scaled(environment: str, instances: int) -> Callable[[str], str]:
    pattern = re.compile(rf"^(  {environment}: \{{scale: )\d+", re.MULTILINE)
    return lambda text: pattern.sub(rf"\g<1>{instances}", text, count=1)
