"""A cluster of one node with modelled containers on a virtual clock, and a hand to interfere."""

import heapq
from collections.abc import Callable, Iterable
from typing import Any

from kiban.cluster.asks import Ask, ContainerExited, ContainerId, ProbeAnswered, Report
from kiban.cluster.cluster import assembled
from kiban.cluster.kubelet import Kubelet
from kiban.cluster.modelled import ModelledContainers
from kiban.cluster.networking import AddressPlan
from kiban.cluster.nodes import NodeGroup, node_manifests
from kiban.cluster.usage import MetricsView
from kiban.kube.objects import EVENT, Key, Manifest, condition_of
from kiban.primitives.instants import Instant, later, seconds_between
from kiban.reconcile.commands import Command, Create, Delete
from kiban.reconcile.controller import Controller

START = Instant(1_800_000_000_000_000)
POD = Key("", "Pod", "default", "p")
Answer = list[tuple[Instant, Report]]


class World:
    """`asked` is everything the outside world was asked, with the second since the start. `hand`
    may answer an ask instead of the model by returning a list."""

    def __init__(
        self,
        controllers: Iterable[Controller] = (),
        *,
        metrics: MetricsView | None = None,
        lowest_port: int = 0,
    ) -> None:
        self.now = START
        self.model = ModelledContainers()
        self.asked: list[tuple[float, Ask]] = []
        self.hand: Callable[[Ask, Instant], Answer | None] = lambda ask, now: None
        self.kubelet = Kubelet(AddressPlan(3), lowest_port=lowest_port)
        self.cluster = assembled(1, controllers, kubelet=self.kubelet, metrics=metrics)
        self.cluster.bootstrap(self.now)
        self._reports: list[tuple[Instant, int, Report]] = []
        self._count = 0
        self.do(*(Create(node) for node in node_manifests([NodeGroup("web")])))
        self.do(Create(plain("v1", "ServiceAccount", "default")))

    def do(self, *commands: Command) -> None:
        assert self.cluster.executor.execute("test", commands, self.now) == ()

    def create(self, *containers: Manifest, **spec: Any) -> None:
        self.do(Create(pod(*containers, **spec)))

    def delete(self, grace_seconds: int | None = None) -> None:
        self.do(Delete(POD, grace_seconds=grace_seconds))

    def run(self, seconds: float) -> None:
        """Let that much time pass."""
        end = later(self.now, seconds)
        while True:
            dues = [self.cluster.next_due(), self._reports[0][0] if self._reports else None]
            due = min((at for at in dues if at is not None), default=None)
            if due is None or due > end:
                break
            self.now = max(self.now, due)
            while self._reports and self._reports[0][0] <= self.now:
                self.cluster.post(heapq.heappop(self._reports)[2], self.now)
            for ask in self.cluster.step(self.now):
                self.asked.append((self.second, ask))
                answer = self.hand(ask, self.now)
                for at, report in self.model.answer(ask, self.now) if answer is None else answer:
                    self.post(report, at)
        self.now = end

    def post(self, report: Report, at: Instant | None = None) -> None:
        self._count += 1
        heapq.heappush(self._reports, (self.now if at is None else at, self._count, report))

    def exit(self, code: int, attempt: int, container: str = "app") -> None:
        """The program ends now."""
        self.post(ContainerExited(self.id(attempt, container), code, self.now))

    def answer_probe(self, ask: Any, success: bool, now: Instant) -> Answer:
        return [(now, ProbeAnswered(ask.id, ask.probe, success, "no", now))]

    def id(self, attempt: int = 0, container: str = "app") -> ContainerId:
        return ContainerId(self.pod["metadata"]["uid"], container, attempt)

    @property
    def second(self) -> float:
        return round(seconds_between(START, self.now), 3)

    @property
    def pod(self) -> Manifest:
        found = self.cluster.store.get(POD)
        assert found is not None
        return found

    @property
    def status(self) -> Manifest:
        status: Manifest = self.pod["status"]
        return status

    @property
    def is_gone(self) -> bool:
        return self.cluster.store.get(POD) is None

    def container(self, index: int = 0) -> Manifest:
        status: Manifest = self.status["containerStatuses"][index]
        return status

    def state(self, index: int = 0) -> str:
        """`running`, or the reason of waiting or of the end."""
        ((name, state),) = self.container(index)["state"].items()
        return str(state.get("reason") or name)

    def condition(self, name: str) -> str:
        found = condition_of(self.pod, name)
        return found["status"] if found else ""

    def asks(self, kind: type) -> list[tuple[float, Any]]:
        return [(second, ask) for second, ask in self.asked if isinstance(ask, kind)]

    def events(self) -> list[str]:
        found = sorted(self.cluster.store.list(EVENT), key=lambda event: event["metadata"]["name"])
        about_pods = [event for event in found if event["involvedObject"]["kind"] == "Pod"]
        return [f"{event['reason']}: {event['message']}" for event in about_pods]


def plain(api_version: str, kind: str, name: str, **fields: Any) -> Manifest:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def container(name: str = "app", **fields: Any) -> Manifest:
    return {"name": name, "image": "registry.example/app:1", **fields}


def pod(*containers: Manifest, **spec: Any) -> Manifest:
    return plain(
        "v1",
        "Pod",
        "p",
        spec={
            "nodeName": "web-1",
            "automountServiceAccountToken": False,
            "containers": list(containers) or [container()],
            **spec,
        },
    )
