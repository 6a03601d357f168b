"""How a container comes to run: its image, its configuration, its process; and what is said when
one of them is missing.

The waiting reasons, messages and events are the kubelet's (pkg/kubelet/images, kuberuntime).
"""

from dataclasses import dataclass

from kiban.cluster.asks import ContainerExited, ContainerStarted, PullImage, RunHook, StartContainer
from kiban.cluster.kubelet.container import Container, Ended, Stage
from kiban.cluster.kubelet.downward import PodPlace
from kiban.cluster.kubelet.effects import Effects
from kiban.cluster.kubelet.environment import ConfigFault, environment_of, words_of
from kiban.cluster.kubelet.probing import handler_of, probes_of
from kiban.cluster.kubelet.volumes import TokenSource, VolumeFault, mounts_of, volumes_of
from kiban.kube.objects import Manifest, get_in
from kiban.primitives.instants import Instant, later
from kiban.reconcile.controller import Snapshot

# How long ErrImagePull is shown before it becomes ImagePullBackOff.
SHOW_ERROR_SECONDS = 1.0
# The kubelet looks at a pod with a fault again after about this long.
LOOK_AGAIN_SECONDS = 10.0
POST_START_TIMEOUT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class PodView:
    """What starting a container needs to know about its pod."""

    pod: Manifest
    place: PodPlace
    snapshot: Snapshot
    tokens: TokenSource | None


def bring_up(container: Container, view: PodView, now: Instant, effects: Effects) -> bool:
    """Take the next step towards a running container; whether something changed."""
    if container.stage is Stage.EXITED:
        container.plan_restart(now)
        if not _is_time(container, now, effects):
            return _say_backing_off(container, view.pod, effects)
        container.next_attempt()
    if container.stage is not Stage.WAITING:
        return False
    if not _is_time(container, now, effects):
        return _show_pull_backoff(container, view.pod, now, effects)
    container.retry_at = None
    container.stage = Stage.PULLING
    effects.ask(PullImage(container.pod_uid, container.spec["image"]))
    return True


def image_pulled(
    container: Container, image_id: str, view: PodView, now: Instant, effects: Effects
) -> None:
    """The image is there: make the configuration and start the process."""
    image = container.spec["image"]
    first = container.image_id != image_id
    container.image_id = image_id
    container.pulls.failures = 0
    try:
        ask = _start_ask(container, view, now)
    except ConfigFault as fault:
        _wait(container, "CreateContainerConfigError", str(fault), now)
        effects.event(view.pod, "Warning", "Failed", f"Error: {fault}")
    except VolumeFault as fault:
        _wait(container, "ContainerCreating", "", now)
        effects.event(view.pod, "Warning", "FailedMount", str(fault))
    else:
        if first:
            present = f'Container image "{image}" already present on machine'
            effects.event(view.pod, "Normal", "Pulled", present)
        container.stage = Stage.STARTING
        effects.ask(ask)


def image_missing(
    container: Container, message: str, pod: Manifest, now: Instant, effects: Effects
) -> None:
    """The image is not there: try again later, and say so."""
    image = container.spec["image"]
    never = container.spec.get("imagePullPolicy") == "Never"
    reason = "ErrImageNeverPull" if never else "ErrImagePull"
    text = f'Container image "{image}" is not present with pull policy of Never'
    container.stage = Stage.WAITING
    container.waiting_reason = reason
    container.waiting_message = text if never else message
    container.delay_seconds = container.pulls.next_delay(now)
    container.retry_at = later(now, container.delay_seconds)
    if not never:
        effects.event(pod, "Warning", "Failed", f'Failed to pull image "{image}": {message}')
    effects.event(pod, "Warning", reason if never else "Failed", f"Error: {reason}")


def container_started(
    container: Container, report: ContainerStarted, view: PodView, effects: Effects
) -> None:
    """The process runs: its probes begin, and its postStart hook."""
    container.stage = Stage.RUNNING
    container.started_at = report.at
    container.waiting_reason, container.waiting_message = "ContainerCreating", ""
    container.probes = probes_of(container.spec, report.at)
    effects.event(view.pod, "Normal", "Created", f"Created container: {container.name}")
    effects.event(view.pod, "Normal", "Started", f"Started container {container.name}")
    action = get_in(container.spec, "lifecycle", "postStart")
    if not action:
        return
    container.post_start_over = False
    handler = handler_of(action, container.spec)
    seconds = POST_START_TIMEOUT_SECONDS
    effects.ask(RunHook(container.id, "postStart", handler, view.place.address, seconds))


def ended_of(container: Container, report: ContainerExited) -> Ended:
    """How an attempt ended, with the reason that clients read."""
    default = "Completed" if report.exit_code == 0 else "Error"
    return Ended(
        attempt=report.id.attempt,
        exit_code=report.exit_code,
        started_at=container.started_at,
        finished_at=report.at,
        signal=report.signal,
        reason=report.reason or default,
        message=report.message,
    )


def go_span(seconds: float) -> str:
    """Seconds as Go prints a duration: `10s`, `1m20s`, `5m0s`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _start_ask(container: Container, view: PodView, now: Instant) -> StartContainer:
    pod, spec = view.pod, container.spec
    env = environment_of(pod, spec, view.place, view.snapshot)
    volumes = volumes_of(pod, view.place, view.snapshot, view.tokens, now)
    return StartContainer(
        id=container.id,
        namespace=pod["metadata"].get("namespace", ""),
        pod_name=pod["metadata"]["name"],
        image=spec["image"],
        command=words_of(spec.get("command"), env, view.place, view.snapshot),
        args=words_of(spec.get("args"), env, view.place, view.snapshot),
        env=env,
        working_dir=spec.get("workingDir") or "",
        address=view.place.address,
        mounts=mounts_of(pod, spec, env, volumes),
        image_id=container.image_id,
        read_only_root=bool(get_in(spec, "securityContext", "readOnlyRootFilesystem")),
        runs_to_completion=_ends_by_itself(container, pod),
        stdin=bool(spec.get("stdin")),
        stdin_once=bool(spec.get("stdinOnce")),
        tty=bool(spec.get("tty")),
    )


def _ends_by_itself(container: Container, pod: Manifest) -> bool:
    if container.role != "main":
        return container.role == "init"
    return bool(get_in(pod, "spec", "restartPolicy", default="Always") != "Always")


def _is_time(container: Container, now: Instant, effects: Effects) -> bool:
    if container.retry_at is None or container.retry_at <= now:
        return True
    effects.wake(container.retry_at)
    return False


def _wait(container: Container, reason: str, message: str, now: Instant) -> None:
    container.stage = Stage.WAITING
    container.waiting_reason, container.waiting_message = reason, message
    container.retry_at = later(now, LOOK_AGAIN_SECONDS)


def _say_backing_off(container: Container, pod: Manifest, effects: Effects) -> bool:
    if container.delay_seconds == 0 or container.waiting_reason == "CrashLoopBackOff":
        return False
    metadata = pod["metadata"]
    name = f"{metadata['name']}_{metadata.get('namespace', '')}({metadata['uid']})"
    container.waiting_reason = "CrashLoopBackOff"
    container.waiting_message = (
        f"back-off {go_span(container.delay_seconds)} restarting failed "
        f"container={container.name} pod={name}"
    )
    said = f"Back-off restarting failed container {container.name} in pod {name}"
    effects.event(pod, "Warning", "BackOff", said)
    return True


def _show_pull_backoff(container: Container, pod: Manifest, now: Instant, effects: Effects) -> bool:
    if container.waiting_reason != "ErrImagePull":
        return False
    assert container.retry_at is not None
    shown_until = later(container.retry_at, SHOW_ERROR_SECONDS - container.delay_seconds)
    if now < shown_until:
        effects.wake(shown_until)
        return False
    said = f'Back-off pulling image "{container.spec["image"]}"'
    container.waiting_reason = "ImagePullBackOff"
    container.waiting_message = f"{said}: ErrImagePull: {container.waiting_message}"
    effects.event(pod, "Normal", "BackOff", said)
    effects.event(pod, "Warning", "Failed", "Error: ImagePullBackOff")
    return True
