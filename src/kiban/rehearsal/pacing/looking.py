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
from kiban.cluster.controllers.pod_state import state_of
from kiban.kube.objects import POD, Key, Manifest
from kiban.kube.selectors import selector_from_object
from kiban.primitives.instants import MICROSECONDS, Instant
from kiban.reconcile.controller import Snapshot
from kiban.rehearsal.fleet import Fleet, PodView
from kiban.rehearsal.metering import Metering
from kiban.rehearsal.pacing.lanes import Terms

# Until a pod has run for so long, what its sample is worth changes with time alone.
_YOUNG = round(CPU_INITIALIZATION_SECONDS * MICROSECONDS)


class _Kept(NamedTuple):
    """A look at pods none of which is young: as long as they are the same, only what they use
    changes. `used` tells of each pod that counts whether it does as one that is ready."""

    pods: Sequence[Manifest]
    resource: str
    unready: Sequence[str]
    used: Mapping[str, PodView]
    requests: Mapping[str, int]


class Looks:
    """Looks at the pods of workloads, of which most are as they were the last time."""

    def __init__(self, metering: Metering, fleet: Fleet) -> None:
        self._metering = metering
        self._fleet = fleet
        self._kept: dict[Key, _Kept] = {}

    def proposed(self, terms: Terms, replicas: int, snapshot: Snapshot, now: Instant) -> int | None:
        """The replicas that the metric asks for; None when it cannot be told."""
        pods = _pods(terms, snapshot)
        resource = "cpu" if terms.is_cpu else "memory"
        kept = self._kept.get(terms.workload)
        try:
            if kept is None or kept.resource != resource or kept.pods != pods:
                samples = self._metering.resource(resource, pods, now)
                groups = grouped(pods, samples, resource, now)
                requests: Mapping[str, int] = {}
                if terms.is_share:
                    requests = requests_of(pods, resource)
                self._keep(terms, _Kept(pods, resource, groups.unready, {}, requests), groups, now)
            else:
                ready, starting = self._metering.each(resource, terms.service)
                used = {
                    name: ready if view.is_ready else starting for name, view in kept.used.items()
                }
                groups, requests = Groups(len(used), kept.unready, (), used), kept.requests
            return _replicas(terms, groups, requests, replicas) if groups.used else None
        except Uncountable:
            return None

    def _keep(self, terms: Terms, kept: _Kept, groups: Groups, now: Instant) -> None:
        """Remember a look, if time alone does not make it another one."""
        self._kept.pop(terms.workload, None)
        if groups.missing:
            return
        used: dict[str, PodView] = {}
        for state in map(state_of, kept.pods):
            if state.name not in groups.used and state.phase in ("Pending", "Failed"):
                continue
            view = self._fleet.known.get(state.uid)
            if state.is_deleting:
                continue
            if view is None or state.started is None or state.started + _YOUNG > now:
                return
            if self._fleet.index[view.service] != terms.service:
                return
            if state.name in groups.used:
                used[state.name] = view
        self._kept[terms.workload] = kept._replace(used=used)


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
