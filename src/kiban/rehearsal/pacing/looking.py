"""What an autoscaler's metric proposes now, by a look at its pods one by one.

For pods that are not settled: some start, some have no sample yet. The rules are the controller's
own; what is left out is the status that a run would write.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kiban.cluster.controllers.horizontal_pod_autoscaler.replicas import (
    CPU_INITIALIZATION_SECONDS,
    Groups,
    Present,
    Tolerance,
    Uncountable,
    by_average,
    by_utilization,
    grouped,
    requests_of,
)
from kiban.cluster.controllers.pod_state import PodState, state_of
from kiban.kube.objects import POD, Key, Manifest
from kiban.kube.selectors import selector_from_object
from kiban.primitives.instants import MICROSECONDS, Instant
from kiban.reconcile.controller import Snapshot
from kiban.rehearsal.fleet import Fleet, PodView
from kiban.rehearsal.metering import SCRAPE_WINDOW, Metering
from kiban.rehearsal.pacing.lanes import Terms

# Until a pod has run for so long, what its sample is worth changes with time alone.
_YOUNG = round(CPU_INITIALIZATION_SECONDS * MICROSECONDS)
# Later than any rehearsal.
_ENDLESS = 1 << 62
_NOTHING: Mapping[str, int] = {}


class _Kept(NamedTuple):
    """A look at pods: as long as they are the same and it is not `until`, only what they use
    changes. `used` tells of each pod that counts whether it does as one that is ready."""

    pods: Sequence[Manifest]
    resource: str
    unready: Sequence[str]
    missing: Sequence[str]
    used: Mapping[str, PodView]
    requests: Mapping[str, int]
    until: int


class Looks:
    """Looks at the pods of workloads, of which most are as they were the last time."""

    def __init__(self, metering: Metering, fleet: Fleet) -> None:
        self._metering = metering
        self._fleet = fleet
        self._kept: dict[Key, _Kept] = {}

    def proposed(self, terms: Terms, replicas: int, snapshot: Snapshot, now: Instant) -> int | None:
        """The replicas that the metric asks for; None when it cannot be told."""
        pods = _pods(terms, snapshot)
        try:
            groups, requests = self._again(terms, pods, now) or self._anew(terms, pods, now)
            return _replicas(terms, groups, requests, replicas) if groups.used else None
        except Uncountable:
            return None

    def _again(
        self, terms: Terms, pods: Sequence[Manifest], now: Instant
    ) -> tuple[Groups, Mapping[str, int]] | None:
        """The pods by how their samples count, from the last look; None where it is no good."""
        kept = self._kept.get(terms.workload)
        resource = _resource(terms)
        if kept is None or now >= kept.until or kept.resource != resource or kept.pods != pods:
            return None
        ready, starting = self._metering.each(resource, terms.service)
        used = {name: ready if view.is_ready else starting for name, view in kept.used.items()}
        return Groups(len(used), kept.unready, kept.missing, used), kept.requests

    def _anew(
        self, terms: Terms, pods: Sequence[Manifest], now: Instant
    ) -> tuple[Groups, Mapping[str, int]]:
        """The same by looking at each. Raises `Uncountable`."""
        resource = _resource(terms)
        groups = grouped(pods, self._metering.resource(resource, pods, now), resource, now)
        requests = requests_of(pods, resource) if terms.is_share else _NOTHING
        self._keep(terms, pods, groups, requests, now)
        return groups, requests

    def _keep(
        self,
        terms: Terms,
        pods: Sequence[Manifest],
        groups: Groups,
        requests: Mapping[str, int],
        now: Instant,
    ) -> None:
        """Remember a look, for as long as time alone does not make it another one."""
        self._kept.pop(terms.workload, None)
        used: dict[str, PodView] = {}
        until = _ENDLESS
        for state in map(state_of, pods):
            if state.is_deleting or state.phase in ("Pending", "Failed"):
                continue
            view = self._fleet.known.get(state.uid)
            if view is None or self._fleet.index[view.service] != terms.service:
                return
            until = min(until, _changes_at(state, view, self._metering.at, now))
            if state.name in groups.used:
                used[state.name] = view
        if until > now:
            self._kept[terms.workload] = _Kept(
                pods,
                _resource(terms),
                groups.unready,
                groups.missing,
                used,
                requests,
                until,
            )


def _changes_at(pod: PodState, view: PodView, seen: Instant, now: Instant) -> int:
    """When time alone may change what a running pod's sample is worth, the latest being `seen`:
    when there is a first one, when it is of a ready pod alone, when the pod is young no more."""
    if view.started_at is None:
        return now
    turns = [view.started_at + SCRAPE_WINDOW]
    if pod.ready_changed is not None:
        turns.append(pod.ready_changed + SCRAPE_WINDOW)
    found = min((turn for turn in turns if turn > seen), default=_ENDLESS)
    if pod.started is not None and pod.started + _YOUNG > now:
        found = min(found, pod.started + _YOUNG)
    return found


def _resource(terms: Terms) -> str:
    return "cpu" if terms.is_cpu else "memory"


def _replicas(terms: Terms, groups: Groups, requests: Mapping[str, int], replicas: int) -> int:
    present = Present(replicas, Tolerance(*terms.tolerance))
    if terms.is_share:
        return by_utilization(groups, requests, terms.target, present).replicas
    return by_average(groups, terms.target, present).replicas


def _pods(terms: Terms, snapshot: Snapshot) -> Sequence[Manifest]:
    workload = snapshot.get(terms.workload)
    if workload is None:
        return ()
    selector = selector_from_object(workload["spec"].get("selector"))
    namespace = terms.workload.namespace
    pods = snapshot.selected(POD, namespace, selector.exact)
    return pods if selector.is_exact else [pod for pod in pods if selector.chooses(pod)]
