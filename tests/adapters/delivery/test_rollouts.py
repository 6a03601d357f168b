"""New pods that take over by and by: the real controllers of Deployments, over HTTP, with pods that
are ready at once."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from served import served

from kiban.adapters.delivery_driver import DeliveryDriver
from kiban.adapters.journal import Journal
from kiban.adapters.kubernetes import KubernetesCluster
from kiban.cluster.controllers.deployment import DeploymentController
from kiban.cluster.controllers.garbage_collector import GarbageCollector
from kiban.cluster.controllers.replica_set import ReplicaSetController
from kiban.compiler import compile_environment
from kiban.compiler.rollout import REVISION_LABEL
from kiban.delivery.marks import Scope
from kiban.delivery.messages import Commit, Desired, Measure, Measured
from kiban.delivery.status import DeliveryStatus
from kiban.kube.objects import POD, Key, Manifest, get_in, key_of
from kiban.plans.records import Event, GateAnswered
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Delete, Patch
from kiban.reconcile.controller import NOTHING, Change, Outcome, Snapshot
from kiban.spec import load_platform

SPACE = "shop-prod"
SCOPE = Scope("shop", "prod", "kube", SPACE)
WEB = Key("apps", "Deployment", SPACE, "web")
CANARY = WEB._replace(name="web-canary")
SERVICE, CANARY_SERVICE = Key("", "Service", SPACE, "web"), Key("", "Service", SPACE, "web-canary")
INGRESS = Key("networking.k8s.io", "Ingress", SPACE, "web")
HPA = Key("autoscaling", "HorizontalPodAutoscaler", SPACE, "web")
PLATFORM = "platform: shop\nenvironments: {prod: {domain: shop.localhost}}\n"
WEIGHTS = "{strategy: canary, steps: [10%, 50%], pause: 0s, gates: true}"


class InstantPods:
    """Every pod is ready at once, and gone at once."""

    name = "instant-pods"
    watches = frozenset({POD})

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        return [change.key]

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        pod = snapshot.get(key)
        if pod is None:
            return NOTHING
        if pod["metadata"].get("deletionTimestamp"):
            return Outcome((Delete(key, grace_seconds=0),))
        if get_in(pod, "status", "phase") == "Running":
            return NOTHING
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2023-11-14T22:13:20Z"}
        status = {"phase": "Running", "conditions": [ready]}
        return Outcome((Patch(key_of(pod), {"status": status}, "status"),))


CONTROLLERS = (DeploymentController(), ReplicaSetController(), GarbageCollector(), InstantPods())


def desired(tag: str, rollout: str = WEIGHTS, scale: str = "4", more: str = "") -> Desired:
    web = f"image: registry.example/web:{tag}\nport: 8080\nroutes: {{main: /}}\nscale: {scale}\n"
    files = {"platform.yaml": PLATFORM, "services/web.yaml": f"{web}rollout: {rollout}\n{more}"}
    bundle = compile_environment(load_platform(files), "prod", local=True)
    return Desired(Commit(f"{tag}-commit"), bundle)


@dataclass
class Stage:
    """A delivery on a cluster. `judge` answers for figures of new pods."""

    folder: Path
    cluster: KubernetesCluster
    judge: str = "pass"
    asked: list[Measure] = field(default_factory=list)
    driver: DeliveryDriver = field(init=False)

    async def measure(self, ask: Measure) -> Measured:
        self.asked.append(ask)
        return Measured(ask.gate, self.judge, f"figures {self.judge}", ask.until)  # type: ignore[arg-type]

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        journal = Journal(self.folder / "journal.db")
        self.driver = DeliveryDriver(
            SCOPE, self.cluster, journal, holder="test", measure=self.measure
        )
        running = asyncio.create_task(self.driver.run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            journal.close()

    async def until(self, wanted: Callable[[DeliveryStatus], bool]) -> DeliveryStatus:
        try:
            async with asyncio.timeout(30):
                async for status in self.driver.changes():
                    if wanted(status):
                        return status
        except TimeoutError:
            steps = self.driver.delivery.plan_steps()
            raise AssertionError(f"not in time: {self.driver.status()} {steps}") from None
        raise AssertionError("the driver ended")

    async def deliver(self, wanted: Desired) -> None:
        self.driver.commit(wanted)
        await self.until(lambda one: one.is_ready and one.delivered == wanted.commit.id)

    async def at_gate(self) -> str:
        """Wait until a gate is asked; its id."""
        await self.until(lambda _: self.gate_words() != "")
        return self.gate_words()

    def gate_words(self) -> str:
        steps = self.driver.delivery.plan_steps()
        return next(
            (one.id for one in steps if (one.id[:5], one.state) == ("gate:", "checking")), ""
        )

    async def get(self, key: Key) -> Manifest:
        found = await self.cluster.get(key)
        assert found is not None, key
        return found

    async def pods(self) -> dict[str, list[str]]:
        """The names of running pods by the image that they run."""
        found: dict[str, list[str]] = {}
        for pod in (await self.cluster.list(POD, namespace=SPACE)).items:
            image = pod["spec"]["containers"][0]["image"].rpartition(":")[2]
            found.setdefault(image, []).append(pod["metadata"]["name"])
        return found

    async def weights(self) -> dict[str, int]:
        """The weights of the route, by service; none without an action."""
        ingress = await self.get(INGRESS)
        found = [
            json.loads(text)
            for name, text in (ingress["metadata"].get("annotations") or {}).items()
            if "/actions." in name
        ]
        groups = found[0]["forwardConfig"]["targetGroups"] if found else []
        return {group["serviceName"]: group["weight"] for group in groups}

    def events(self) -> list[str]:
        records = (entry.record for entry in self.driver.journal.entries(limit=-1))
        return [record.code for record in records if isinstance(record, Event)]

    def gates(self) -> list[str]:
        records = (entry.record for entry in self.driver.journal.entries(limit=-1))
        return [
            f"{record.gate} {record.answer}"
            for record in records
            if isinstance(record, GateAnswered) and record.answer != "unknown"
        ]


def run(folder: Path, test: Callable[[Stage], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with served(folder, CONTROLLERS) as cluster, asyncio.timeout(50):
            await test(Stage(folder, cluster))

    asyncio.run(inside())


def test_a_canary_grows_by_its_gates_and_its_pods_are_taken_over_as_they_are(
    tmp_path: Path,
) -> None:
    async def test(stage: Stage) -> None:
        async with stage.delivering():
            await stage.deliver(desired("v1"))
            before = await stage.pods()
            stage.judge = "unknown"
            stage.driver.commit(desired("v2"))
            assert await stage.at_gate() == "gate:web:0"
            assert await stage.weights() == {"web": 90, "web-canary": 10}
            [web] = stage.driver.status().services
            assert web.message.startswith("10% on its new pods")
            pods = await stage.pods()
            assert (len(pods["v2"]), pods["v1"]) == (1, before["v1"])
            old = (await stage.get(WEB))["spec"]["template"]["metadata"]["labels"][REVISION_LABEL]
            assert (await stage.get(SERVICE))["spec"]["selector"][REVISION_LABEL] == old
            first = pods["v2"]

            stage.judge = "pass"
            await stage.until(lambda one: one.is_ready and one.delivered == "v2-commit")
            pods = await stage.pods()
            assert set(first) < set(pods["v2"])
            assert (list(pods), len(pods["v2"])) == (["v2"], 4)
            assert await stage.weights() == {}
            assert REVISION_LABEL not in (await stage.get(SERVICE))["spec"]["selector"]
            assert await stage.cluster.get(CANARY) is None
            assert await stage.cluster.get(CANARY_SERVICE) is None
            assert not (await stage.get(WEB))["spec"].get("paused")
            assert stage.gates() == ["gate:web:0 pass", "gate:web:1 pass"]
            assert {ask.workload for ask in stage.asked} == {"web-canary"}

    run(tmp_path, test)


def test_a_failing_gate_gives_everything_back_and_is_not_tried_again(tmp_path: Path) -> None:
    async def test(stage: Stage) -> None:
        async with stage.delivering():
            await stage.deliver(desired("v1"))
            before = await stage.pods()
            stage.judge = "fail"
            stage.driver.commit(desired("v2"))
            status = await stage.until(
                lambda one: (
                    one.phase == "failing"
                    and any(problem.code == "delivery/rollout-failed" for problem in one.problems)
                )
            )
            assert status.delivered == "v1-commit"
            async with asyncio.timeout(20):
                while await stage.pods() != before:
                    await asyncio.sleep(0.02)
            assert await stage.weights() == {}
            assert stage.events().count("rollout/aborted") == 1

        # Another process knows it from the objects alone.
        async with stage.delivering():
            stage.driver.commit(desired("v2"))
            status = await stage.until(lambda one: one.phase == "failing")
            assert await stage.pods() == before
            stage.judge = "pass"
            await stage.deliver(desired("v3"))
            assert list(await stage.pods()) == ["v3"]
            assert await stage.cluster.get(CANARY) is None
            assert stage.events().count("rollout/aborted") == 1

    run(tmp_path, test)


def test_a_reverting_commit_ends_a_canary(tmp_path: Path) -> None:
    async def test(stage: Stage) -> None:
        async with stage.delivering():
            await stage.deliver(desired("v1"))
            before = await stage.pods()
            stage.judge = "unknown"
            stage.driver.commit(desired("v2"))
            await stage.at_gate()
            await stage.deliver(desired("v1"))
            assert await stage.weights() == {}
            assert await stage.cluster.get(CANARY) is None
            assert await stage.cluster.get(CANARY_SERVICE) is None
            assert REVISION_LABEL not in (await stage.get(SERVICE))["spec"]["selector"]
            assert await stage.pods() == before

    run(tmp_path, test)


def test_a_newer_commit_begins_its_canary_anew(tmp_path: Path) -> None:
    async def test(stage: Stage) -> None:
        async with stage.delivering():
            await stage.deliver(desired("v1"))
            stage.judge = "unknown"
            stage.driver.commit(desired("v2"))
            await stage.at_gate()
            stage.driver.commit(desired("v3"))
            await stage.until(lambda _: "v3" in str(stage.driver.delivery.live.get(CANARY)))
            await stage.at_gate()
            pods = await stage.pods()
            assert (sorted(pods), len(pods["v3"])) == (["v1", "v3"], 1)
            stage.judge = "pass"
            await stage.deliver(desired("v3"))
            assert list(await stage.pods()) == ["v3"]

    run(tmp_path, test)


def test_a_pause_and_its_stage_survive_a_crash(tmp_path: Path) -> None:
    async def test(stage: Stage) -> None:
        slow = WEIGHTS.replace("0s", "1h")
        async with stage.delivering():
            await stage.deliver(desired("v1", slow))
            stage.driver.commit(desired("v2", slow))
            assert await stage.at_gate() == "gate:web:0"
            key = "kiban.dev/rollout-since"
            await stage.until(lambda _: key in str(stage.driver.delivery.live.get(CANARY)))
            since = (await stage.get(CANARY))["metadata"]["annotations"][key]
            pods = await stage.pods()
        async with stage.delivering():
            stage.driver.commit(desired("v2", slow))
            assert await stage.at_gate() == "gate:web:0"
            assert (await stage.get(CANARY))["metadata"]["annotations"][key] == since
            assert await stage.pods() == pods

    run(tmp_path, test)


def test_what_people_change_of_a_canary_is_put_back(tmp_path: Path) -> None:
    async def test(stage: Stage) -> None:
        async with stage.delivering():
            await stage.deliver(desired("v1"))
            stage.judge = "unknown"
            stage.driver.commit(desired("v2"))
            await stage.at_gate()
            await stage.cluster.patch(CANARY, {"spec": {"replicas": 3}}, subresource="scale")
            async with asyncio.timeout(20):
                while (await stage.get(CANARY))["spec"]["replicas"] != 1:
                    await asyncio.sleep(0.02)
            await stage.cluster.delete(CANARY_SERVICE)
            async with asyncio.timeout(20):
                while await stage.cluster.get(CANARY_SERVICE) is None:
                    await asyncio.sleep(0.02)
            assert stage.gate_words() == "gate:web:0"

    run(tmp_path, test)


def test_blue_green_starts_all_new_pods_and_then_switches(tmp_path: Path) -> None:
    async def test(stage: Stage) -> None:
        policy = "{strategy: blue-green, pause: 0s}"
        async with stage.delivering():
            await stage.deliver(desired("v1", policy))
            stage.judge = "unknown"
            stage.driver.commit(desired("v2", policy))
            assert await stage.at_gate() == "gate:web:0"
            assert await stage.weights() == {"web": 100, "web-canary": 0}
            pods = await stage.pods()
            assert (len(pods["v1"]), len(pods["v2"])) == (4, 4)
            stage.judge = "pass"
            await stage.until(lambda one: one.is_ready and one.delivered == "v2-commit")
            assert await stage.pods() == {"v2": pods["v2"]}

    run(tmp_path, test)


def test_shares_by_pods_need_neither_routes_nor_weights(tmp_path: Path) -> None:
    async def test(stage: Stage) -> None:
        policy = "{strategy: canary, steps: [20%], pause: 0s, by: replicas}"
        async with stage.delivering():
            await stage.deliver(desired("v1", policy))
            service = await stage.get(SERVICE)
            stage.judge = "unknown"
            stage.driver.commit(desired("v2", policy))
            await stage.at_gate()
            pods = await stage.pods()
            assert (len(pods["v1"]), len(pods["v2"])) == (4, 1)
            assert (await stage.get(SERVICE))["spec"] == service["spec"]
            assert await stage.weights() == {}
            stage.judge = "pass"
            await stage.until(lambda one: one.is_ready and one.delivered == "v2-commit")
            assert list(await stage.pods()) == ["v2"]

    run(tmp_path, test)


def test_an_autoscaler_keeps_the_old_pods_while_the_new_ones_prove_themselves(
    tmp_path: Path,
) -> None:
    async def test(stage: Stage) -> None:
        scale = "{min: 2, max: 8}"
        async with stage.delivering():
            await stage.deliver(desired("v1", scale=scale))
            await stage.cluster.patch(WEB, {"spec": {"replicas": 6}}, subresource="scale")
            await stage.until(
                lambda _: "'readyReplicas': 6" in str(stage.driver.delivery.live.get(WEB))
            )
            stage.judge = "unknown"
            stage.driver.commit(desired("v2", scale=scale))
            await stage.at_gate()
            assert (await stage.get(HPA))["spec"]["minReplicas"] == 6
            stage.judge = "pass"
            await stage.until(lambda one: one.is_ready and one.delivered == "v2-commit")
            assert (await stage.get(HPA))["spec"]["minReplicas"] == 2
            assert (await stage.get(WEB))["spec"]["replicas"] == 6

    run(tmp_path, test)
