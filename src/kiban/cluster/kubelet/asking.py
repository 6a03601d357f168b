"""Which probes of a container are asked now."""

from kiban.cluster.asks import RunProbe
from kiban.cluster.kubelet.container import Container, Stage
from kiban.cluster.kubelet.effects import Effects
from kiban.cluster.kubelet.probing import handler_of
from kiban.primitives.instants import Instant


def ask_probes(container: Container, address: str, now: Instant, effects: Effects) -> None:
    """Ask the probes of a running container that are due. The start-up probe holds the others
    back; while the container ends only its readiness still matters."""
    if container.stage is not Stage.RUNNING:
        return
    startup = container.probes.get("startup")
    for probe in container.probes.values():
        if probe.kind == "startup":
            if probe.passed:
                continue
        elif startup is not None and not startup.passed:
            continue
        if container.stop is not None and probe.kind != "readiness":
            continue
        if probe.under_way:
            continue
        if now < probe.next_at:
            effects.wake(probe.next_at)
            continue
        probe.asked(now)
        handler = handler_of(probe.spec, container.spec)
        effects.ask(RunProbe(container.id, probe.kind, handler, address, probe.timeout_seconds))
