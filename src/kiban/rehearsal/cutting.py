"""Requests that end with their instance: what a pod was still answering when it stopped, crashed,
or went silent with its machine.

A program that ends gracefully has, from the moment at which nobody sends to it any more, the rest
of its `preStop` and of its grace period to finish what it has begun.
"""

from typing import Protocol, runtime_checkable

from kiban.kube.objects import Manifest, get_in
from kiban.primitives.instants import Instant, parse_rfc3339, seconds_between
from kiban.rehearsal.fleet import Fleet, PodView
from kiban.rehearsal.machines.machine import Machine
from kiban.rehearsal.machines.pods import ModelledPod
from kiban.rehearsal.observations import Observations
from kiban.rehearsal.requests import Requests
from kiban.rehearsal.steps import PodSteps


@runtime_checkable
class Cuts(Protocol):
    """Traffic that wants to know which instances end."""

    def ends_gracefully(self, service: str) -> bool: ...

    def cut(self, service: str, pods: int, cause: str, after: float = 0.0) -> float: ...


def cuts_of(traffic: object) -> Cuts | None:
    """The traffic, when it wants to know."""
    return traffic if isinstance(traffic, Cuts) else None


class CuttingSteps(PodSteps):
    """The steps of pods, with what they take with them. `api` is told when the world has one."""

    def __init__(
        self,
        fleet: Fleet,
        observations: Observations,
        unrouted: frozenset[str],
        cuts: Cuts,
        propagation: float,
    ) -> None:
        super().__init__(fleet, observations, unrouted)
        self._cuts = cuts
        self._propagation = propagation
        self.api: Requests | None = None

    def ended(self, pod: ModelledPod, why: str, now: Instant) -> None:
        view = self._serving(pod.uid)
        if view is not None:
            self._cuts.cut(view.service, 1, "crashed")
        super().ended(pod, why, now)

    def stopped_serving(self, pod: ModelledPod, now: Instant) -> None:
        view = self._serving(pod.uid)
        if view is not None:
            self._cuts.cut(view.service, 1, "killed", self._time_to_finish(pod, view, now))
        super().stopped_serving(pod, now)

    def silenced(self, machine: Machine, now: Instant) -> None:
        for uid in machine.pods:
            view = self._serving(uid)
            if view is not None:
                self._cuts.cut(view.service, 1, "silent")
        super().silenced(machine, now)

    def _serving(self, uid: str) -> PodView | None:
        view = self._fleet.pod(uid)
        return view if view is not None and view.is_serving else None

    def _time_to_finish(self, pod: ModelledPod, view: PodView, now: Instant) -> float:
        """Seconds from when nobody sends any more until the program is gone."""
        live = self.api.get(pod.key) if self.api is not None else None
        if live is None:
            return 0.0
        asked, end = _leave(live, now)
        idle = 0.0 if view.is_routed else seconds_between(asked, now) - self._propagation
        left = max(seconds_between(now, end), 0.0)
        graceful = self._cuts.ends_gracefully(view.service)
        return max(idle, 0.0) + (left if graceful else 0.0)


def _leave(pod: Manifest, now: Instant) -> tuple[Instant, Instant]:
    """When a pod was asked to go, and when it must be gone."""
    deadline = get_in(pod, "metadata", "deletionTimestamp")
    if deadline is None:
        return now, now
    end = parse_rfc3339(deadline)
    grace = float(get_in(pod, "metadata", "deletionGracePeriodSeconds") or 0)
    return Instant(end - round(grace * 1_000_000)), end
