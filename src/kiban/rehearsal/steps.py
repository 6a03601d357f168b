"""From what machines say of pods to the fleet that traffic sees and to the log of what happened."""

from collections.abc import Callable
from typing import Any

from kiban.kube.objects import Manifest, get_in, is_deleting, labels_of
from kiban.primitives.instants import Instant, parse_rfc3339
from kiban.primitives.quantities import milli, whole
from kiban.rehearsal.fleet import Fleet, PodView
from kiban.rehearsal.machines.machine import Machine
from kiban.rehearsal.machines.pods import ModelledPod
from kiban.rehearsal.naming import service_of
from kiban.rehearsal.observations import Observations


class PodSteps:
    """The `Hearer` of a world. Services in `unrouted` are those without a Service object."""

    def __init__(
        self, fleet: Fleet, observations: Observations, unrouted: frozenset[str] = frozenset()
    ) -> None:
        self._fleet = fleet
        self._observations = observations
        self._unrouted = unrouted

    def accepted(self, pod: Manifest, zone: str, now: Instant) -> None:
        view = view_of(pod, zone)
        self._fleet.add(view, now)
        self._note(now, "pod.accepted", view.uid, view.name, zone=zone)

    def started(self, pod: ModelledPod, now: Instant) -> None:
        view = self._fleet.pod(pod.uid)
        if view is not None and view.started_at is None:
            view.started_at = now
        self._note(now, "pod.started", pod.uid, pod.key.name)

    def turned_ready(self, pod: ModelledPod, now: Instant) -> None:
        view = self._fleet.change(pod.uid, now, is_ready=True, is_serving=True, is_starting=False)
        if view is not None:
            view.ready_at = now
            if view.service in self._unrouted:
                self._fleet.change(pod.uid, now, is_routed=True)
        self._note(now, "pod.ready", pod.uid, pod.key.name)

    def ended(self, pod: ModelledPod, why: str, now: Instant) -> None:
        life = pod.life
        view = self._fleet.change(pod.uid, now, is_ready=False, is_serving=False, is_starting=True)
        if view is not None:
            view.restarts = pod.restarts + 1
        code = life.exit_code if life is not None else 0
        self._note(now, "pod.ended", pod.uid, pod.key.name, why=why, code=code)

    def asked_to_go(self, pod: ModelledPod, now: Instant) -> None:
        view = self._fleet.change(pod.uid, now, is_draining=True)
        if view is not None and view.service in self._unrouted:
            self._fleet.change(pod.uid, now, is_routed=False)
        self._note(now, "pod.leaving", pod.uid, pod.key.name)

    def stopped_serving(self, pod: ModelledPod, now: Instant) -> None:
        self._fleet.change(pod.uid, now, is_serving=False)

    def left(self, pod: ModelledPod, now: Instant) -> None:
        self._note(now, "pod.gone", pod.uid, pod.key.name)
        self._fleet.remove(pod.uid, now)

    def silenced(self, machine: Machine, now: Instant) -> None:
        for uid in machine.pods:
            self._fleet.change(uid, now, is_serving=False)
        self._observations.note(now, "machine.silent", node=machine.name, zone=machine.zone)

    def heard_again(self, machine: Machine, now: Instant) -> None:
        for uid in machine.pods:
            view = self._fleet.pod(uid)
            if view is not None and view.is_ready:
                self._fleet.change(uid, now, is_serving=True)
        self._observations.note(now, "machine.back", node=machine.name, zone=machine.zone)

    def routed(self, uid: str, is_routed: bool, now: Instant) -> None:
        """The gateway begins or ends to send requests to a pod."""
        self._fleet.change(uid, now, is_routed=is_routed)

    def _note(self, now: Instant, what: str, uid: str, name: str, **fields: Any) -> None:
        view = self._fleet.pod(uid)
        if view is None:
            self._observations.note(now, what, name=name, **fields)
        else:
            self._observations.note(
                now, what, name=name, service=view.service, node=view.node, **fields
            )


def view_of(pod: Manifest, zone: str) -> PodView:
    """A pod as its machine accepts it."""
    metadata = pod["metadata"]
    labels = labels_of(pod)
    revision = labels.get("pod-template-hash") or labels.get("controller-revision-hash", "")
    return PodView(
        uid=metadata["uid"],
        name=metadata["name"],
        service=service_of(pod),
        node=pod["spec"]["nodeName"],
        zone=zone,
        request_cpu_m=_asked(pod, "requests", "cpu", milli) or 0,
        limit_cpu_m=_asked(pod, "limits", "cpu", milli),
        request_memory=_asked(pod, "requests", "memory", whole) or 0,
        limit_memory=_asked(pod, "limits", "memory", whole),
        created_at=parse_rfc3339(metadata["creationTimestamp"]),
        revision=revision,
        is_draining=is_deleting(pod),
    )


def _asked(pod: Manifest, what: str, resource: str, read: Callable[[str], int]) -> int | None:
    """The sum over the main containers; None when none of them says."""
    values = [
        read(value)
        for container in pod["spec"]["containers"]
        if (value := get_in(container, "resources", what, resource)) is not None
    ]
    return sum(values) if values else None
