"""How the containers of a pod are brought to an end: in order, with the machine, or at once.

Source: killContainersWithSyncResult and the sidecars' order of termination in
pkg/kubelet/kuberuntime.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kiban.cluster.asks import SignalContainer
from kiban.cluster.kubelet import stopping
from kiban.cluster.kubelet.container import Container, Stage
from kiban.cluster.kubelet.effects import Effects
from kiban.kube.objects import Manifest, get_in
from kiban.primitives.instants import Instant, later, seconds_between

DEFAULT_GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Leaving:
    """A pod whose containers are to end; init containers come first."""

    pod: Manifest
    address: str
    containers: Sequence[Container]


def grace_seconds(pod: Manifest) -> float:
    """How long the pod's containers may take after TERM."""
    grace = get_in(pod, "spec", "terminationGracePeriodSeconds")
    return float(DEFAULT_GRACE_SECONDS if grace is None else grace)


def stop_in_order(leaving: Leaving, until: Instant, now: Instant, effects: Effects) -> None:
    """Main and init containers together, then the sidecars, the last one first."""
    sidecars = [c for c in leaving.containers if c.role == "sidecar"]
    first = [c for c in leaving.containers if c.role != "sidecar"]
    for container in first:
        _stop(leaving, container, until, now, effects)
    if any(c.is_alive for c in first):
        return
    for container in reversed(sidecars):
        _stop(leaving, container, until, now, effects)
        if container.is_alive:
            return


def _stop(
    leaving: Leaving, container: Container, until: Instant, now: Instant, effects: Effects
) -> None:
    if container.stage is Stage.PULLING:
        container.stage = Stage.WAITING
    if container.stage is not Stage.RUNNING:
        return
    if container.stop is None:
        said = f"Stopping container {container.name}"
        effects.event(leaving.pod, "Normal", "Killing", said)
    seconds = max(0.0, seconds_between(now, until))
    stopping.begin_stop(container, seconds, leaving.address, now, effects)


def shut_down(leaving: Leaving, until: Instant, now: Instant, effects: Effects) -> None:
    """The machine goes down: TERM and grace, but no hooks, because nobody sends requests any
    more, and no word to the API server, so that the pod runs again at the next start."""
    for container in leaving.containers:
        if container.stage is Stage.PULLING:
            container.stage = Stage.WAITING
        if container.stage is Stage.RUNNING:
            seconds = min(seconds_between(now, until), grace_seconds(leaving.pod))
            stopping.begin_plain_stop(container, max(0.0, seconds), now)
            assert container.stop is not None
            container.stop.hook_over = True
            stopping.advance_stop(container, now, effects)


def kill_all(leaving: Leaving, now: Instant, effects: Effects) -> None:
    """The pod or its node is gone: nothing is owed to anybody."""
    for container in leaving.containers:
        if container.stage is Stage.PULLING:
            container.stage = Stage.WAITING
        if container.stage is not Stage.RUNNING:
            continue
        if container.stop is None or not container.stop.killed:
            stopping.begin_stop(container, 0.0, leaving.address, now, effects)
            assert container.stop is not None
            container.stop.killed = container.stop.hook_over = True
            effects.ask(SignalContainer(container.id, "KILL"))
        effects.wake(later(now, stopping.KILL_AGAIN_SECONDS))
