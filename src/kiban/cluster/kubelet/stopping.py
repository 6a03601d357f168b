"""How a container is stopped: preStop within the grace, then TERM, then KILL when grace is over.

At least two seconds are left after the hook (kubernetes pkg/kubelet/kuberuntime
minimumGracePeriodInSeconds), however long it took.
"""

from kiban.cluster.asks import RunHook, SignalContainer
from kiban.cluster.kubelet.container import Container, Stage, Stop
from kiban.cluster.kubelet.effects import Effects
from kiban.cluster.kubelet.probing import handler_of
from kiban.kube.objects import get_in
from kiban.primitives.instants import Instant, later

LEAST_SECONDS_AFTER_HOOK = 2.0
# Once KILL is sent, ask again after this long: the first one may have met a process being born.
KILL_AGAIN_SECONDS = 5.0


def begin_plain_stop(container: Container, grace_seconds: float, now: Instant) -> None:
    """Start to stop a running container without its hook, or shorten the grace it was given."""
    kill_at = later(now, grace_seconds)
    if container.stop is None:
        container.stop = Stop(kill_at)
    elif not container.stop.killed:
        container.stop.kill_at = min(container.stop.kill_at, kill_at)


def begin_stop(
    container: Container, grace_seconds: float, address: str, now: Instant, effects: Effects
) -> None:
    """Start to stop a running container, or shorten the grace it was given before."""
    had_begun = container.stop is not None
    begin_plain_stop(container, grace_seconds, now)
    if had_begun or container.stop is None:
        return
    kill_at = container.stop.kill_at
    action = get_in(container.spec, "lifecycle", "preStop")
    if not action or grace_seconds <= 0:
        return
    handler = handler_of(action, container.spec)
    container.stop.hook_over = not handler
    if "sleep" in handler:
        container.stop.hook_until = later(now, float(handler["sleep"].get("seconds") or 0))
    elif handler:
        container.stop.hook_until = kill_at
        effects.ask(RunHook(container.id, "preStop", handler, address, grace_seconds))


def advance_stop(container: Container, now: Instant, effects: Effects) -> None:
    """Do what the time asks for: end the hook, send TERM, send KILL."""
    stop = container.stop
    if stop is None or container.stage is not Stage.RUNNING:
        return
    if not stop.hook_over:
        until = min(stop.hook_until or now, stop.kill_at)
        if now < until:
            effects.wake(until)
            return
        end_hook(stop, now)
    if not stop.terminated and stop.kill_at > now:
        stop.terminated = True
        effects.ask(SignalContainer(container.id, "TERM"))
    if now >= stop.kill_at:
        stop.killed = stop.terminated = True
        stop.kill_at = later(now, KILL_AGAIN_SECONDS)
        effects.ask(SignalContainer(container.id, "KILL"))
    effects.wake(stop.kill_at)


def end_hook(stop: Stop, now: Instant) -> None:
    """The preStop hook is over, or its time is."""
    stop.hook_over = True
    stop.kill_at = max(stop.kill_at, later(now, LEAST_SECONDS_AFTER_HOOK))
