"""One short run of a small cluster under faults, with everybody watched.

The control plane is the real one on the virtual clock; its executor and its loop can be hindered,
and every command and every write is judged.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from kiban.cluster.controllers.catalog import controllers
from kiban.cluster.definitions import DefinitionController
from kiban.cluster.history import Write
from kiban.kube.objects import NODE, POD, Key, Manifest, key_of
from kiban.primitives.chance import Chance
from kiban.primitives.instants import Instant, later, seconds_between
from kiban.reconcile.commands import Command, Create, Evict
from kiban.reconcile.controller import Controller
from kiban.rehearsal.driver import Restless
from kiban.rehearsal.machines import ServiceModel
from kiban.rehearsal.safety.deeds import Deed, faults_of
from kiban.rehearsal.safety.faults import HinderedExecutor, LateLoop
from kiban.rehearsal.safety.lives import Lives
from kiban.rehearsal.safety.setup import (
    CRASHING_IMAGE,
    FAILING_IMAGE,
    GOOD_IMAGES,
    SHORT_IMAGE,
    UNREADY_IMAGE,
    setup_of,
)
from kiban.rehearsal.world import Settings, World

# One moment of a tick that accounts for traffic, of which there is none here.
NO_TICKS_SECONDS = 1e6
# From a node's registration to its being ready.
NODE_START_SECONDS = 1.0
# A run with more violations than this has been understood.
VIOLATIONS_LIMIT = 20
Assembly = Callable[[Iterable[Controller]], Iterable[Controller]]


@dataclass(frozen=True, slots=True)
class Violation:
    """What was wrong, when (seconds since the start), and by whom; nobody for a bad state."""

    at: float
    actor: str
    text: str

    def __str__(self) -> str:
        return f"{self.at:.1f} s: {self.actor + ': ' if self.actor else ''}{self.text}"


@dataclass
class _Watch:
    """Who sees everything, and what was found wrong."""

    found: list[Violation] = field(default_factory=list)
    lives: Lives = field(default_factory=Lives)


class Trial:
    """A world with its setup in it. `assembly` may replace controllers by worse ones."""

    def __init__(self, seed: int | str, assembly: Assembly = list) -> None:
        self.seed = seed
        self.chance = Chance(f"safety/{seed}")
        self._assembly = assembly
        self._watch = _Watch()
        settings = Settings(warm_up_seconds=0.0, tick_seconds=NO_TICKS_SECONDS, nodes=())
        self.world = World((), settings, seed=seed)
        self.zero = self.world.now
        self._populate_conduct()
        cluster = self.world.cluster
        self.executor = HinderedExecutor(cluster.registry, self.chance.stream("api"), self)
        self.executor.hear = cluster.executor.hear
        cluster.executor = self.executor
        self.loop = self.restart(self.zero)
        self.world.driver.watch(self._see)
        setup = setup_of(self.chance.stream("setup"))
        self.nodes = {node["metadata"]["name"]: node for node in setup.nodes}
        for manifest in setup.manifests:
            self.world.api.create(manifest, self.zero)
        for number, name in enumerate(self.nodes):
            self.after(number * setup.node_gap, partial(self.add_node, name))

    def add_node(self, name: str, now: Instant) -> None:
        """A machine registers, unless it is there or another one has taken its place."""
        if name in self.nodes and self.world.api.get(Key(*NODE, "", name)) is None:
            self.world.machines.add(self.nodes[name], now, ready_after=NODE_START_SECONDS)

    def _populate_conduct(self) -> None:
        dice = self.chance.stream("conduct")
        models = self.world.conduct.by_image
        for image in GOOD_IMAGES:
            start, stop = dice.choice((1.0, 3.0)), dice.choice((0.2, 1.5))
            models[image] = ServiceModel(start=start, stop=stop, image_bytes=0)
        models[CRASHING_IMAGE] = ServiceModel(start=1.0, crash_after=2.0, image_bytes=0)
        models[UNREADY_IMAGE] = ServiceModel(never_ready=True, image_bytes=0)
        models[SHORT_IMAGE] = ServiceModel(start=0.5, run=dice.choice((2.0, 8.0)), image_bytes=0)
        models[FAILING_IMAGE] = ServiceModel(start=0.5, crash_after=2.0, image_bytes=0)

    # The control plane

    def restart(self, now: Instant) -> LateLoop:
        """The controllers begin anew over the same store, remembering nothing."""
        cluster, world = self.world.cluster, self.world
        made = controllers(metrics=world.metering, heartbeats=world.machines.heartbeats)
        self.loop = LateLoop([DefinitionController(), *self._assembly(made)], self.executor)
        cluster.loop = self.loop
        cluster.resume(now)
        return self.loop

    def delay(self, controller: str, seconds: float, now: Instant) -> None:
        """A controller looks at what changes from now on only after some seconds."""
        self.loop.late_until[controller] = later(now, seconds)
        self.executor.hinder(controller, later(now, seconds))

    # Time

    @property
    def seconds(self) -> float:
        return seconds_between(self.zero, self.world.now)

    def after(self, seconds: float, act: Callable[[Instant], None]) -> None:
        """Plan something so many seconds from now."""
        self.world.at(later(self.world.now, seconds), act)

    def run_for(self, seconds: float) -> None:
        """Let so much time pass; controllers that never rest are a violation."""
        try:
            self.world.run_until(later(self.world.now, seconds))
        except Restless as restless:
            self.complain("", str(restless))

    # People

    def evict(self, pod: Manifest, now: Instant) -> None:
        """Ask for a pod's end as `kubectl drain` does. Raises `Failure` when refused."""
        command = Evict(key_of(pod))
        done = self.intends("kubectl", command, now)
        self.world.api.evict(command.pod, now)
        done()

    def renamed(self, name: str) -> str:
        """The name of the node that takes the place of one that is gone."""
        node = self.nodes.pop(name)
        base, _, number = name.partition("-")
        successor = f"{base}-{int(number or 0) + 1}"
        labels = {**node["metadata"]["labels"], "kubernetes.io/hostname": successor}
        self.nodes[successor] = {**node, "metadata": {"name": successor, "labels": labels}}
        return successor

    # Judging

    @property
    def violations(self) -> list[Violation]:
        return self._watch.found

    def complain(self, actor: str, text: str) -> None:
        """Note what is wrong."""
        if len(self._watch.found) < VIOLATIONS_LIMIT:
            self._watch.found.append(Violation(round(self.seconds, 3), actor, text))

    def intends(self, actor: str, command: Command, now: Instant) -> Callable[[], None]:
        behind = [name for name in self.loop.controllers if self.executor.is_behind(name, now)]
        state = self.world.cluster.store
        texts = faults_of(Deed(actor, command, state, frozenset(behind)))
        if isinstance(command, Create) and command.object["kind"] == POD.kind:
            texts += self._run_elsewhere(command.object)

        def done() -> None:
            for text in texts:
                self.complain(actor, text)

        return done

    def _run_elsewhere(self, pod: Manifest) -> list[str]:
        """A name is free only when no machine of a known node runs a pod of that name."""
        key, store = key_of(pod), self.world.cluster.store
        machines = self.world.machines
        return [
            f"pod {key.name} is made while {running.node} still runs one"
            for running in machines.pods.values()
            if running.key == key
            and running.node in machines.machines
            and store.get(Key(*NODE, "", running.node)) is not None
        ]

    def _see(self, write: Write, now: Instant) -> None:
        before = write.before.object if write.before else None
        after = write.after.object if write.after else None
        for text in self._watch.lives.faults_of(write.key, before, after):
            self.complain("", text)
