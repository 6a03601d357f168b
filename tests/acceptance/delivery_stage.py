"""The stage of the delivery acceptance tests: bundles told to a real driver, with a real journal,
against a cluster over HTTP; and what a person would look at."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kiban.adapters.delivery_driver import DeliveryDriver
from kiban.adapters.journal import Journal, JournalReader
from kiban.adapters.kubernetes import KubernetesCluster, load_access
from kiban.compiler.bundle import ENVIRONMENT_LABEL, PLATFORM_LABEL, SERVICE_LABEL, Bundle
from kiban.delivery.marks import Scope
from kiban.delivery.messages import Commit, Desired
from kiban.delivery.status import DeliveryStatus
from kiban.kube.objects import NAMESPACE, GroupKind, Key, Manifest
from kiban.plans.records import Event

# Names a kubeconfig of another cluster to play on than the embedded one.
OTHER_CLUSTER = "KIBAN_TEST_KUBECONFIG"
PAUSE_IMAGE = "registry.k8s.io/pause:3.10"
_NUMBERS = itertools.count(1)
# No node has so much, so its pods wait for ever.
NOWHERE = {"nodeSelector": {"kiban.dev/nowhere": "true"}}
PATIENCE_SECONDS = 30.0


@dataclass
class Stage:
    """One environment, and what delivers it."""

    scope: Scope
    cluster: KubernetesCluster
    journal: Journal
    driver: DeliveryDriver
    folder: Path
    running: "asyncio.Task[None]"
    commits: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    # What Git wants

    def manifest(self, kind: str, name: str, service: str = "", **body: Any) -> Manifest:
        """An object of the environment, with the labels that the compiler gives."""
        api = _API.get(kind, "v1")
        metadata: dict[str, Any] = {"name": name, "labels": self.labels(service)}
        metadata |= body.pop("metadata", {})
        if kind not in _CLUSTER_WIDE:
            metadata["namespace"] = self.scope.namespace
        return {"apiVersion": api, "kind": kind, "metadata": metadata, **body}

    def labels(self, service: str = "") -> dict[str, str]:
        labels = {PLATFORM_LABEL: self.scope.platform, ENVIRONMENT_LABEL: self.scope.environment}
        return {**labels, SERVICE_LABEL: service} if service else labels

    def deployment(self, name: str, service: str, *, replicas: int = 1, **pod: Any) -> Manifest:
        """Pods that only wait; `pod` are further fields of their spec."""
        chosen = {"app": service}
        container = {"name": "app", "image": pod.pop("image", PAUSE_IMAGE)}
        spec = {
            "replicas": replicas,
            "selector": {"matchLabels": chosen},
            "template": {
                "metadata": {"labels": {**self.labels(service), **chosen}},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 1, **pod},
            },
        }
        return self.manifest("Deployment", name, service, spec=spec)

    def address(self, name: str, service: str) -> Manifest:
        spec = {"selector": {"app": service}, "ports": [{"port": 80, "protocol": "TCP"}]}
        return self.manifest("Service", name, service, spec=spec)

    def config(self, name: str, service: str = "", **data: str) -> Manifest:
        return self.manifest("ConfigMap", name, service, data=data)

    def bundle(
        self,
        manifests: Iterable[Manifest],
        needs: Mapping[str, set[str]] | None = None,
        *,
        namespace: bool = True,
        **more: Any,
    ) -> Bundle:
        """What the compiler would make."""
        listed = [self.manifest("Namespace", self.scope.namespace)] if namespace else []
        listed += manifests
        names = {one["metadata"]["labels"].get(SERVICE_LABEL, "") for one in listed} - {""}
        graph = {name: frozenset((needs or {}).get(name, ())) for name in sorted(names)}
        scope = self.scope
        return Bundle(
            scope.platform, scope.environment, scope.cluster, scope.namespace,
            tuple(listed), graph, **more,
        )  # fmt: skip

    def commit(self, manifests: Iterable[Manifest], *, id_: str = "", **more: Any) -> str:
        """Have Git want this from now on; the commit's id."""
        return self.commit_bundle(self.bundle(manifests, **more), id_)

    def commit_bundle(self, bundle: Bundle, id_: str = "") -> str:
        id_ = id_ or f"{next(self.commits):040x}"
        self.driver.commit(Desired(Commit(id_, "Ada", "a change"), bundle))
        return id_

    # What becomes of it

    async def until(self, wanted: Callable[[DeliveryStatus], bool]) -> DeliveryStatus:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                async for status in self.driver.changes():
                    if wanted(status):
                        return status
        except TimeoutError:
            steps = self.driver.delivery.plan_steps()
            raise AssertionError(f"not in time: {self.driver.status()} {steps}") from None
        raise AssertionError("the driver ended")

    async def delivered(self, commit: str) -> DeliveryStatus:
        return await self.until(lambda status: status.is_ready and status.delivered == commit)

    async def failed(self, words: str) -> DeliveryStatus:
        """Until a problem says so."""
        return await self.until(lambda status: words in _text(status))

    async def eventually(self, question: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await question():
                await asyncio.sleep(0.05)

    async def get(self, kind: str, name: str) -> Manifest | None:
        return await self.cluster.get(self.key(kind, name))

    def key(self, kind: str, name: str) -> Key:
        group = _API.get(kind, "v1").rpartition("/")[0]
        return Key(group, kind, "" if kind in _CLUSTER_WIDE else self.scope.namespace, name)

    async def pods(self, service: str) -> list[Manifest]:
        found = await self.cluster.list(
            GroupKind("", "Pod"), namespace=self.scope.namespace, labels=f"app={service}"
        )
        return list(found.items)

    @asynccontextmanager
    async def again(self, cluster: Any = None, **options: Any) -> "AsyncIterator[Stage]":
        """Another process for the same environment, in the place of this one."""
        await self.end()
        folder, scope = self.folder, options.pop("scope", self.scope)
        async with stage(folder, cluster or self.cluster, scope, **options) as found:
            found.commits = self.commits
            yield found

    async def end(self) -> None:
        """The process ends; its journal and the cluster stay."""
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        self.journal.close()

    def reopened(self) -> JournalReader:
        """The journal, for reading when the process has ended."""
        return JournalReader(self.folder / "journal.db")

    def jobs(self) -> list[str]:
        """The Jobs that the driver sees, by name."""
        live = self.driver.delivery.live
        return [one["metadata"]["name"] for one in live if one["kind"] == "Job"]

    def events(self, code: str) -> list[Event]:
        records = (entry.record for entry in self.journal.entries(limit=-1))
        return [one for one in records if isinstance(one, Event) and one.code == code]


_API = {
    "CronJob": "batch/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "Deployment": "apps/v1",
    "Ingress": "networking.k8s.io/v1",
    "Job": "batch/v1",
    "StatefulSet": "apps/v1",
    "StorageClass": "storage.k8s.io/v1",
    "MutatingWebhookConfiguration": "admissionregistration.k8s.io/v1",
}
_CLUSTER_WIDE = (
    "Namespace",
    "CustomResourceDefinition",
    "StorageClass",
    "MutatingWebhookConfiguration",
)


def _text(status: DeliveryStatus) -> str:
    return " ".join(f"{problem.code} {problem.what}" for problem in status.problems)


def play(
    kubeconfig: str, folder: Path, story: Callable[[Stage], Awaitable[None]], **options: Any
) -> None:
    """Play a story on an environment of its own."""

    async def inside() -> None:
        access = load_access(path=kubeconfig)
        async with KubernetesCluster(access) as cluster:
            name = f"acc-{os.getpid()}-{next(_NUMBERS)}"
            scope = Scope("shop", "prod", "test", name)
            async with stage(folder, cluster, scope, **options) as found:
                try:
                    await story(found)
                finally:
                    await cluster.delete(Key(NAMESPACE.group, NAMESPACE.kind, "", name))

    asyncio.run(inside())


@asynccontextmanager
async def stage(
    folder: Path, cluster: KubernetesCluster, scope: Scope, **options: Any
) -> AsyncIterator[Stage]:
    """A process that delivers; the journal in the folder outlives it."""
    journal = Journal(folder / "journal.db")
    driver = DeliveryDriver(scope, cluster, journal, holder="test", validates=True, **options)
    found = Stage(scope, cluster, journal, driver, folder, asyncio.create_task(driver.run()))
    try:
        yield found
    finally:
        await found.end()
