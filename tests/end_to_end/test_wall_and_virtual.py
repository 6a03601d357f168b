"""One story, told twice: by the embedded cluster with real processes on the wall clock, and by the
rehearsal with modelled machines on the virtual one. The controllers ask for the same things.

What the outside world's timing decides is left out: which of several equal pods it was, on which
node, and in which order things happened that have nothing to do with each other.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kiban.cluster.cluster import Cluster
from kiban.cluster.nodes import NodeGroup
from kiban.kube.objects import (
    DEPLOYMENT,
    JOB,
    POD,
    POD_DISRUPTION_BUDGET,
    Key,
    Manifest,
    controller_of,
    get_in,
    key_of,
)
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import (
    Bind,
    Command,
    Create,
    Delete,
    Evict,
    Patch,
    Record,
    Refusal,
    Update,
)
from kiban.rehearsal import ServiceModel, Settings, World
from kiban.rehearsal.requests import Requests
from kiban.wiring.local_cluster import start_cluster
from kiban.wiring.places import State

# Bare sockets: a dozen of these start within the time that one web framework takes.
PROGRAM = """
import os, signal, socket, sys

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = socket.create_server((os.environ["HOST"], int(os.environ["PORT"])))
while True:
    connection, _ = server.accept()
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
    connection.close()
"""
SPACE = "default"
NODES = (NodeGroup("base", "m5.xlarge", ("a", "b", "c"), count=3),)
SETTLED_SECONDS = 60.0
PATIENCE_SECONDS = 60.0
Asked = tuple[object, ...]
Act = Callable[[Requests, Instant], None]


# The story


def deployment(name: str, replicas: int, **rolling: Any) -> Manifest:
    program = {
        "name": "app",
        "image": "registry.example/contents:1",
        "command": ["python", "main.py"],
        "ports": [{"containerPort": 8080}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
        "readinessProbe": {
            "httpGet": {"path": "/healthz", "port": 8080},
            "periodSeconds": 1,
            # A busy machine must not look like one that fails.
            "failureThreshold": 60,
        },
    }
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [program]}}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1, **rolling}},
        "template": template,
    }
    return of("apps/v1", "Deployment", name, spec)


def of(version: str, kind: str, name: str, spec: dict[str, Any]) -> Manifest:
    metadata = {"name": name, "namespace": SPACE}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def furniture() -> list[Manifest]:
    selector = {"matchLabels": {"app": "contents"}}
    once = {"name": "app", "image": "registry.example/contents:1", "command": ["true"]}
    budget = {"maxUnavailable": 1, "selector": selector}
    ports = [{"port": 80, "targetPort": 8080}]
    return [
        deployment("contents", 3),
        deployment("auth", 2, maxUnavailable=1, maxSurge=0),
        of("v1", "Service", "contents", {"selector": {"app": "contents"}, "ports": ports}),
        of("policy/v1", "PodDisruptionBudget", "contents", budget),
        of(
            "batch/v1",
            "Job",
            "ranking",
            {"template": {"spec": {"restartPolicy": "Never", "containers": [once]}}},
        ),
    ]


def created(api: Requests, now: Instant) -> None:
    for manifest in furniture():
        api.create(manifest, now)


def scaled(api: Requests, now: Instant) -> None:
    api.scale(Key(*DEPLOYMENT, SPACE, "contents"), 4, now)


def rolled_out(api: Requests, now: Instant) -> None:
    for name in ("contents", "auth"):
        key = Key(*DEPLOYMENT, SPACE, name)
        live = api.get(key)
        assert live is not None, "it was created"
        program = live["spec"]["template"]["spec"]["containers"][0]
        changed = {**program, "image": "registry.example/contents:2"}
        api.patch(key, {"spec": {"template": {"spec": {"containers": [changed]}}}}, now)


def pod_deleted(api: Requests, now: Instant) -> None:
    api.delete(_pod_of(api, "auth"), now)


def pod_evicted(api: Requests, now: Instant) -> None:
    api.evict(_pod_of(api, "contents"), now)


def scaled_down(api: Requests, now: Instant) -> None:
    api.scale(Key(*DEPLOYMENT, SPACE, "contents"), 1, now)


STORY: tuple[Act, ...] = (created, scaled, rolled_out, pod_deleted, pod_evicted, scaled_down)


def _pod_of(api: Requests, name: str) -> Key:
    pods = [p for p in api.list(POD, SPACE) if p["metadata"]["labels"].get("app") == name]
    return key_of(pods[0])


def is_quiet(api: Requests) -> bool:
    """Whether everything is as it is wanted, and nothing on its way."""
    pods = api.list(POD, SPACE)
    jobs = [get_in(job, "status", "succeeded", default=0) for job in api.list(JOB, SPACE)]
    wanted = sum(each["spec"]["replicas"] for each in api.list(DEPLOYMENT, SPACE))
    return (
        all("deletionTimestamp" not in pod["metadata"] for pod in pods)
        and len(pods) == wanted + len(jobs)
        and jobs == [1]
        and all(_is_complete(each) for each in api.list(DEPLOYMENT, SPACE))
        and all(
            get_in(each, "status", "currentHealthy") == get_in(each, "status", "expectedPods")
            for each in api.list(POD_DISRUPTION_BUDGET, SPACE)
        )
    )


def _is_complete(manifest: Manifest) -> bool:
    status, wanted = manifest.get("status", {}), manifest["spec"]["replicas"]
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    return status.get("observedGeneration") == manifest["metadata"]["generation"] and all(
        status.get(name, 0) == wanted for name in counts
    )


# What is written down


@dataclass
class Recording:
    """What was carried out for controllers, by the object that it is about."""

    cluster: Cluster
    asked: dict[str, list[Asked]] = field(default_factory=dict)
    _said: dict[tuple[str, str], Asked] = field(default_factory=dict)

    def __post_init__(self) -> None:
        execute = self.cluster.executor.execute

        def recorded(
            controller: str, commands: Sequence[Command], now: Instant
        ) -> tuple[Refusal, ...] | None:
            # Before: what is deleted has no owner afterwards.
            subjects = [self._subject(command) for command in commands]
            refusals = execute(controller, commands, now)
            refused = [id(refusal.command) for refusal in refusals or ()]
            failed = False
            for command, subject in zip(commands, subjects, strict=True):
                if isinstance(command, Record) and command.after_success and failed:
                    continue
                failed = id(command) in refused
                if not failed and controller != "kubelet":
                    place = self.asked.setdefault(f"{controller}: {subject}", [])
                    place.extend(self._asked(command, subject))
            return refusals

        self.cluster.executor.execute = recorded  # type: ignore[method-assign]

    def _subject(self, command: Command) -> str:
        """The object, or of a pod the set that it is of: equal pods have no names here."""
        match command:
            case Create(object=manifest) | Update(object=manifest) | Record(about=manifest):
                return self._named(manifest)
            case Patch(key=key) | Delete(key=key):
                return self._named_key(key)
            case Bind(pod=key) | Evict(pod=key):
                return self._named_key(key)

    def _named_key(self, key: Key) -> str:
        live = self.cluster.store.get(key)
        return self._named(live) if live is not None else f"{key.kind} {key.name}"

    def _named(self, manifest: Manifest) -> str:
        kind, metadata = manifest["kind"], manifest["metadata"]
        owner = controller_of(manifest)
        if owner is not None and kind != "ReplicaSet":
            return f"{kind} of {owner['name']}"
        return f"{kind} {metadata.get('name', '')}"

    def _asked(self, command: Command, subject: str) -> Iterable[Asked]:
        match command:
            case Create():
                yield ("create",)
            case Delete(propagation=propagation):
                yield "delete", propagation
            case Bind():
                yield ("bind",)
            case Evict():
                yield ("evict",)
            case Record(type=type_, reason=reason):
                yield type_, reason
            case Patch(patch=patch):
                if "replicas" in patch.get("spec", {}):
                    yield "resize", patch["spec"]["replicas"]
                yield from self._conditions(patch, subject)
            case Update(object=manifest):
                yield from self._conditions(manifest, subject)

    def _conditions(self, manifest: Manifest, subject: str) -> Iterable[Asked]:
        """Conditions that turn. A pod's are its machine's and its own, not a controller's."""
        if subject.startswith("Pod "):
            return
        for each in get_in(manifest, "status", "conditions", default=[]):
            said = (each["type"], each["status"], each.get("reason", ""))
            if self._said.get((subject, each["type"])) != said:
                self._said[subject, each["type"]] = said
                yield said


def on_virtual_clock() -> dict[str, list[Asked]]:
    quick = ServiceModel(start=0.5, stop=0.2, run=0.2)
    world = World([], Settings(nodes=NODES, default_service=quick))
    record = Recording(world.cluster)
    for number, act in enumerate(STORY):
        world.after(number * SETTLED_SECONDS, partial(act, world.api))
        world.run_for((number + 1) * SETTLED_SECONDS - 1)
        assert is_quiet(world.api), act.__name__
    return record.asked


async def on_wall_clock(directory: Path) -> dict[str, list[Asked]]:
    cluster = await start_cluster(State(directory), gateway_port=None)
    source = directory / "source"
    (source / "app").mkdir(parents=True)
    (source / "app/main.py").write_text(PROGRAM)
    try:
        for tag in ("1", "2"):
            cluster.images.build(source, "app", image="registry.example/contents", tag=tag)
        cluster.add_nodes(NODES)
        record = Recording(cluster.cluster)
        api = Requests(cluster.cluster.registry)
        for act in STORY:
            act(api, cluster.driver.clock())
            cluster.driver.wake()
            await _quiet(api, act.__name__)
        return record.asked
    finally:
        await cluster.stop()


async def _quiet(api: Requests, after: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_quiet(api):
        assert time.monotonic() < deadline, f"no rest after {after}"
        await asyncio.sleep(0.05)


@pytest.mark.timeout(120)
def test_controllers_ask_for_the_same_on_the_wall_clock_and_in_a_rehearsal(tmp_path: Path) -> None:
    wall = asyncio.run(on_wall_clock(tmp_path))
    virtual = on_virtual_clock()

    for subject in sorted(wall.keys() | virtual.keys()):
        assert wall.get(subject) == virtual.get(subject), subject
    kinds = {asked for each in virtual.values() for asked in each}
    assert {("create",), ("delete", ""), ("bind",), ("resize", 0)} <= kinds
    assert ("Progressing", "True", "NewReplicaSetAvailable") in kinds
