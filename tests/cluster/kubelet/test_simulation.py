"""Many pods, bad luck and restarts, from a seed: what must hold whatever happens."""

import random
from typing import Any

import pytest
from tests.cluster.kubelet.world import Answer, World, container, plain

from kiban.cluster.asks import (
    Ask,
    ContainerExited,
    ImageMissing,
    ProbeAnswered,
    PullImage,
    RemovePod,
    RunProbe,
    SignalContainer,
    StartContainer,
)
from kiban.cluster.kubelet import Kubelet
from kiban.cluster.modelled import ModelledContainers
from kiban.cluster.networking import AddressPlan
from kiban.kube.objects import POD, Key, Manifest
from kiban.primitives.instants import Instant, later
from kiban.reconcile.commands import Create, Delete

PODS = 6


class Chaos:
    """Answers asks badly now and then, and watches that no rule is broken."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.world = World()
        self.world.hand = self.answer
        self.attempts: dict[tuple[str, str], int] = {}
        self.started: set[str] = set()
        self.removed: list[str] = []

    def answer(self, ask: Ask, now: Instant) -> Answer | None:
        luck = self.random.random()
        if isinstance(ask, PullImage) and luck < 0.1:
            return [(now, ImageMissing(ask.pod_uid, ask.image, "gone"))]
        if isinstance(ask, RunProbe) and luck < 0.2:
            return [(now, ProbeAnswered(ask.id, ask.probe, False, "no", now))]
        if isinstance(ask, SignalContainer) and ask.signal == "TERM" and luck < 0.3:
            return []
        if isinstance(ask, StartContainer):
            self._watch_start(ask)
            if luck < 0.1:
                return [(now, ContainerExited(ask.id, 128, now, reason="StartError"))]
        if isinstance(ask, RemovePod):
            self.removed.append(ask.pod_uid)
        answers = self.world.model.answer(ask, now)
        if isinstance(ask, StartContainer) and luck < 0.3:
            end = later(now, self.random.uniform(0.3, 20))
            answers.append((end, ContainerExited(ask.id, self.random.choice([0, 1]), end)))
        return answers

    def _watch_start(self, ask: StartContainer) -> None:
        place = (ask.id.pod_uid, ask.id.container)
        before = self.attempts.get(place, -1)
        assert ask.id.attempt > before, f"attempt {ask.id.attempt} of {place} after {before}"
        self.attempts[place] = ask.id.attempt
        self.started.add(ask.id.pod_uid)

    def disturb(self) -> None:
        world, act = self.world, self.random.random()
        name = f"p{self.random.randrange(PODS)}"
        key = Key("", "Pod", "default", name)
        if world.cluster.store.get(key) is None:
            world.do(Create(self.pod(name)))
        elif act < 0.3:
            world.do(Delete(key, grace_seconds=self.random.choice([None, 0, 1, 5])))
        elif act < 0.36:
            self.restart()
        world.run(self.random.uniform(0, 15))

    def restart(self) -> None:
        """Kiban dies with every process, and starts again."""
        self.world.model = ModelledContainers()
        self.world._reports.clear()
        self.world.kubelet = self.world.cluster.kubelet = Kubelet(AddressPlan(3))
        self.started.clear()
        # A start that was asked for and not yet reported is asked for again under its number.
        self.attempts = {place: attempt - 1 for place, attempt in self.attempts.items()}
        self.world.cluster.resume(self.world.now)

    def pod(self, name: str) -> Manifest:
        probe = {"tcpSocket": {"port": 1}, "periodSeconds": 2, "failureThreshold": 2}
        fields: dict[str, Any] = {}
        for field in ("startupProbe", "readinessProbe", "livenessProbe"):
            if self.random.random() < 0.5:
                fields[field] = probe
        if self.random.random() < 0.3:
            fields["lifecycle"] = {"preStop": {"sleep": {"seconds": 3}}}
        inits = [container("one")] if self.random.random() < 0.3 else []
        if self.random.random() < 0.3:
            inits.append(container("proxy", restartPolicy="Always"))
        spec = {
            "nodeName": "web-1",
            "automountServiceAccountToken": False,
            "restartPolicy": self.random.choice(["Always", "Always", "OnFailure", "Never"]),
            "terminationGracePeriodSeconds": 5,
            "containers": [container(**fields), container("second")],
            "initContainers": inits,
        }
        return plain("v1", "Pod", name, spec=spec)


@pytest.mark.parametrize("seed", range(6))
def test_every_pod_goes_when_asked_and_leaves_nothing(seed: int) -> None:
    chaos = Chaos(seed)
    for _ in range(40):
        chaos.disturb()
    world = chaos.world
    for pod in world.cluster.store.list(POD):
        world.do(Delete(Key("", "Pod", "default", pod["metadata"]["name"])))
    world.run(120)
    assert world.cluster.store.list(POD) == []
    assert not world.kubelet.busy()
    assert chaos.started <= set(chaos.removed)
    assert len(chaos.removed) == len(set(chaos.removed))
    assert world.kubelet._addresses._taken == {}


def test_the_same_seed_gives_the_same_story() -> None:
    def story(seed: int) -> list[str]:
        chaos = Chaos(seed)
        for _ in range(20):
            chaos.disturb()
        return [f"{second} {ask!r}" for second, ask in chaos.world.asked]

    assert story(5) == story(5)
