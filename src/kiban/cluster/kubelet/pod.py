"""One pod on one node: a state table that is looked at whenever something happened or is due.

Every look compares what should run with what runs and takes the next steps: init containers in
order, sidecars, main containers, probes, restarts, deadlines, termination. What the look leads to
is returned as effects; the pod's status is written only when it differs from the stored one.
"""

from contextlib import suppress
from typing import Any

from kiban.cluster.asks import (
    ContainerExited,
    ContainerId,
    ContainerStarted,
    HookFinished,
    ImageMissing,
    ImagePulled,
    ProbeAnswered,
    RemovePod,
    Report,
    WriteFiles,
)
from kiban.cluster.kubelet import starting, stopping
from kiban.cluster.kubelet.asking import ask_probes
from kiban.cluster.kubelet.comparing import says_the_same
from kiban.cluster.kubelet.container import Container, Stage
from kiban.cluster.kubelet.downward import PodPlace
from kiban.cluster.kubelet.effects import Effects
from kiban.cluster.kubelet.ending import (
    DEFAULT_GRACE_SECONDS,
    Leaving,
    grace_seconds,
    kill_all,
    shut_down,
    stop_in_order,
)
from kiban.cluster.kubelet.found import containers_of, ephemeral_containers
from kiban.cluster.kubelet.starting import PodView
from kiban.cluster.kubelet.status import OVER, PodFacts, Verdict, phase_of, status_of
from kiban.cluster.kubelet.volumes import VolumeFault, mounts_source, token_seconds, volumes_of
from kiban.kube.objects import Key, Manifest, get_in, is_deleting, key_of
from kiban.primitives.instants import Instant, later, parse_rfc3339
from kiban.reconcile.commands import Delete, Patch

# A status that was sent and has not shown up is sent again after this long.
SEND_AGAIN_SECONDS = 5.0
# The kubelet renews a token when four fifths of its life are over.
TOKEN_SHARE = 0.8
DEADLINE = Verdict(
    "Failed",
    "DeadlineExceeded",
    "Pod was active on the node longer than the specified deadline",
)
_PROBE_NAMES = {"startup": "Startup", "readiness": "Readiness", "liveness": "Liveness"}


class PodWorker:
    """The kubelet's knowledge of one pod."""

    def __init__(self, pod: Manifest, place: PodPlace, now: Instant) -> None:
        self.key: Key = key_of(pod)
        self.uid: str = pod["metadata"]["uid"]
        self.pod = pod
        self.place = place
        self.is_abandoned = False
        self.is_removed = False
        self.shutdown_until: Instant | None = None
        found = containers_of(pod, now)
        self.inits = [c for c in found if c.role in ("init", "sidecar")]
        self.mains = [c for c in found if c.role == "main"]
        self.ephemerals = [c for c in found if c.role == "ephemeral"]
        self._by_name = {c.name: c for c in found}
        start = get_in(pod, "status", "startTime")
        self._started_at = parse_rfc3339(start) if start else now
        self._verdict = _verdict_of(pod)
        self._grace_until: Instant | None = None
        self._sent: tuple[dict[str, Any], Instant] | None = None
        self._delete_sent_at: Instant | None = None
        self._reports: list[Report] = []
        self._stale_files = False
        self._tokens_until: Instant | None = None
        self._changed = True

    @property
    def containers(self) -> list[Container]:
        return [*self.inits, *self.mains, *self.ephemerals]

    @property
    def stops_last(self) -> bool:
        """Whether it keeps data, which those that use it may still want to write."""
        volumes = get_in(self.pod, "spec", "volumes", default=[])
        return any("persistentVolumeClaim" in volume for volume in volumes)

    @property
    def is_idle(self) -> bool:
        """No process of this pod is left."""
        return not any(c.is_alive for c in self.containers)

    def observed(self, pod: Manifest) -> None:
        """The stored pod changed."""
        self.pod = pod
        self._changed = True
        for container in ephemeral_containers(pod):
            if container.name not in self._by_name:
                self._by_name[container.name] = container
                self.ephemerals.append(container)

    def take(self, report: Report, now: Instant) -> bool:
        """Take in a report; whether the pod must be looked at because of it."""
        if isinstance(report, ProbeAnswered) and report.success:
            # The steady state of every pod: nothing to write, only the next beat to keep.
            container = self._current(report.id)
            probe = container.probes.get(report.probe) if container else None
            if probe is not None and probe.answered(True):
                self._changed = True
            return True
        self._reports.append(report)
        return True

    def advance(self, view: PodView, now: Instant) -> Effects:
        """Look at the pod: take the next steps that reports, changes and the time ask for."""
        effects = Effects()
        self.place = view.place
        reports, self._reports = self._reports, []
        for report in reports:
            self._changed = True
            self._apply(report, view, now, effects)
        if self.is_abandoned:
            self._kill_all(now, effects)
            return effects
        if self.shutdown_until is not None:
            shut_down(self._leaving, self.shutdown_until, now, effects)
            return effects
        if is_deleting(self.pod):
            self._terminate(now, effects)
        else:
            self._run(view, now, effects)
        self._refresh_tokens(view, now, effects)
        if self._stale_files:
            self._write_files(view, now, effects)
        for container in self.containers:
            ask_probes(container, self.place.address, now, effects)
            stopping.advance_stop(container, now, effects)
        self._write_status(now, effects)
        return effects

    def source_changed(self, source: Key, now: Instant) -> bool:
        """Something the pod may wait for, or have mounted, was written; whether to look at it."""
        if mounts_source(self.pod, source) and not self.is_idle:
            self._stale_files = True
            return True
        return self._retry_faults(now)

    def _retry_faults(self, now: Instant) -> bool:
        faulted = [
            c
            for c in self.containers
            if c.stage is Stage.WAITING
            and c.retry_at is not None
            and "Image" not in c.waiting_reason
        ]
        for container in faulted:
            container.retry_at = now
        return bool(faulted)

    # Reports

    def _apply(self, report: Report, view: PodView, now: Instant, effects: Effects) -> None:
        if isinstance(report, ImagePulled | ImageMissing):
            self._image(report, view, now, effects)
            return
        container = self._current(report.id)
        if container is None:
            return
        if isinstance(report, ContainerStarted):
            if container.stage is Stage.STARTING:
                starting.container_started(container, report, view, effects)
        elif isinstance(report, ContainerExited):
            if container.is_alive:
                container.exited(starting.ended_of(container, report))
        elif isinstance(report, ProbeAnswered):
            self._probe_answered(container, report, now, effects)
        else:
            self._hook_finished(container, report, now, effects)

    def _current(self, id: ContainerId) -> Container | None:
        """The container a report is about, unless it is about an earlier attempt."""
        container = self._by_name.get(id.container)
        return container if container is not None and container.attempt == id.attempt else None

    def _image(
        self, report: ImagePulled | ImageMissing, view: PodView, now: Instant, effects: Effects
    ) -> None:
        for container in self.containers:
            if container.stage is not Stage.PULLING or container.spec["image"] != report.image:
                continue
            if isinstance(report, ImageMissing):
                starting.image_missing(container, report.message, self.pod, now, effects)
            elif is_deleting(self.pod) or self.is_abandoned or self._verdict:
                container.stage = Stage.WAITING
            else:
                starting.image_pulled(container, report.image_id, view, now, effects)

    def _probe_answered(
        self, container: Container, report: ProbeAnswered, now: Instant, effects: Effects
    ) -> None:
        probe = container.probes.get(report.probe)
        if probe is None:
            return
        probe.answered(report.success)
        name = _PROBE_NAMES[report.probe]
        effects.event(self.pod, "Warning", "Unhealthy", f"{name} probe failed: {report.message}")
        if probe.kind == "readiness" or not probe.has_failed or container.stop is not None:
            return
        said = f"Container {container.name} failed {probe.kind} probe, will be restarted"
        effects.event(self.pod, "Normal", "Killing", said)
        grace = probe.spec.get("terminationGracePeriodSeconds")
        seconds = grace_seconds(self.pod) if grace is None else float(grace)
        stopping.begin_stop(container, seconds, self.place.address, now, effects)

    def _hook_finished(
        self, container: Container, report: HookFinished, now: Instant, effects: Effects
    ) -> None:
        if report.hook == "preStop":
            if container.stop is not None and not container.stop.hook_over:
                stopping.end_hook(container.stop, now)
            if not report.success:
                effects.event(self.pod, "Warning", "FailedPreStopHook", "PreStopHook failed")
            return
        container.post_start_over = True
        if not report.success:
            effects.event(self.pod, "Warning", "FailedPostStartHook", "PostStartHook failed")
            said = f"FailedPostStartHook: container {container.name} will be restarted"
            effects.event(self.pod, "Normal", "Killing", said)
            seconds = grace_seconds(self.pod)
            stopping.begin_stop(container, seconds, self.place.address, now, effects)

    # Running

    def _run(self, view: PodView, now: Instant, effects: Effects) -> None:
        if self._verdict is None:
            self._check_deadline(now, effects)
        if self._verdict is not None:
            stop_in_order(self._leaving, later(now, grace_seconds(self.pod)), now, effects)
            return
        facts = self._facts()
        if phase_of(facts) == "Failed" or self._mains_are_over():
            stop_in_order(self._leaving, later(now, grace_seconds(self.pod)), now, effects)
            return
        for container in self.inits:
            if container.role == "sidecar":
                self._changed |= starting.bring_up(container, view, now, effects)
                if not container.is_started:
                    return
            elif not container.has_succeeded:
                self._changed |= starting.bring_up(container, view, now, effects)
                return
        for container in self.mains:
            if self._should_run(container):
                self._changed |= starting.bring_up(container, view, now, effects)
        for container in self.ephemerals:
            if container.stage is not Stage.EXITED:
                self._changed |= starting.bring_up(container, view, now, effects)

    def _check_deadline(self, now: Instant, effects: Effects) -> None:
        seconds = get_in(self.pod, "spec", "activeDeadlineSeconds")
        if seconds is None or self._mains_are_over():
            return
        deadline = later(self._started_at, float(seconds))
        if now < deadline:
            effects.wake(deadline)
            return
        self._verdict, self._changed = DEADLINE, True
        effects.event(self.pod, "Normal", DEADLINE.reason, DEADLINE.message)

    def _should_run(self, container: Container) -> bool:
        policy = get_in(self.pod, "spec", "restartPolicy", default="Always")
        if container.stage is not Stage.EXITED or policy == "Always":
            return True
        return bool(policy == "OnFailure" and not container.has_succeeded)

    def _mains_are_over(self) -> bool:
        return not any(self._should_run(container) for container in self.mains)

    def _refresh_tokens(self, view: PodView, now: Instant, effects: Effects) -> None:
        """Have tokens written anew before they expire, while anything runs that reads them."""
        seconds = token_seconds(self.pod) if view.tokens is not None else None
        if seconds is None or self.is_idle:
            return
        if self._tokens_until is not None and now >= self._tokens_until:
            self._stale_files, self._tokens_until = True, None
        if self._tokens_until is None:
            self._tokens_until = later(now, seconds * TOKEN_SHARE)
        effects.wake(self._tokens_until)

    def _write_files(self, view: PodView, now: Instant, effects: Effects) -> None:
        """Bring mounted files up to date. What has gone missing stays as it was mounted."""
        self._stale_files = False
        with suppress(VolumeFault):
            volumes = volumes_of(self.pod, self.place, view.snapshot, view.tokens, now)
            files = {name: mount for name, mount in volumes.items() if mount.kind == "files"}
            effects.ask(WriteFiles(self.uid, files))

    # Stopping

    def _terminate(self, now: Instant, effects: Effects) -> None:
        grace = self.pod["metadata"].get("deletionGracePeriodSeconds")
        until = later(now, float(DEFAULT_GRACE_SECONDS if grace is None else grace))
        self._grace_until = until if self._grace_until is None else min(self._grace_until, until)
        stop_in_order(self._leaving, self._grace_until, now, effects)

    @property
    def _leaving(self) -> Leaving:
        return Leaving(self.pod, self.place.address, self.containers)

    def _kill_all(self, now: Instant, effects: Effects) -> None:
        kill_all(self._leaving, now, effects)
        self._remove_if_idle(effects)

    def _remove_if_idle(self, effects: Effects) -> None:
        if self.is_idle and not self.is_removed:
            self.is_removed = True
            effects.ask(RemovePod(self.uid))

    # Status

    def _facts(self) -> PodFacts:
        return PodFacts(
            self.pod,
            self.inits,
            self.mains,
            self.place.address,
            self.place.host_address,
            self._started_at,
            self._verdict,
            self.ephemerals,
        )

    def _write_status(self, now: Instant, effects: Effects) -> None:
        over = is_deleting(self.pod) and self.is_idle
        if self._sent is None and not self._changed and not over:
            return
        self._changed = False
        facts = self._facts()
        if over and self._verdict is None and phase_of(facts) not in OVER:
            failed = any(c.ended is not None and c.ended.exit_code for c in self.mains)
            self._verdict = Verdict("Failed" if failed else "Succeeded", "", "")
            facts = self._facts()
        self._send(status_of(facts, now), now, effects)
        if over:
            self._let_go(now, effects)

    def _send(self, status: dict[str, Any], now: Instant, effects: Effects) -> None:
        live = self.pod.get("status") or {}
        if all(says_the_same(live.get(name), wanted) for name, wanted in status.items()):
            self._sent = None
            return
        if self._sent is not None and self._sent[0] == status and now < self._sent[1]:
            effects.wake(self._sent[1])
            return
        again_at = later(now, SEND_AGAIN_SECONDS)
        self._sent = status, again_at
        effects.wake(again_at)
        effects.commands.append(Patch(self.key, {"status": status}, "status", self.uid))

    def _let_go(self, now: Instant, effects: Effects) -> None:
        """Every container is down: let the API server remove the pod."""
        if self._delete_sent_at is None or now >= self._delete_sent_at:
            self._delete_sent_at = later(now, SEND_AGAIN_SECONDS)
            effects.commands.append(Delete(self.key, self.uid, grace_seconds=0))
        self._remove_if_idle(effects)


def _verdict_of(pod: Manifest) -> Verdict | None:
    """A pod that was over before stays as it was."""
    status = pod.get("status") or {}
    if status.get("phase") not in OVER:
        return None
    return Verdict(status["phase"], status.get("reason") or "", status.get("message") or "")
