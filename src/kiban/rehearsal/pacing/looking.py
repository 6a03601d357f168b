"""What an autoscaler's metric proposes now, by a look at its pods one by one.

For pods that are not settled: some start, some have no sample yet. The rules are the controller's
own; what is left out is the status that a run would write.
"""

from collections.abc import Sequence

from kiban.cluster.controllers.horizontal_pod_autoscaler.replicas import (
    Present,
    Tolerance,
    Uncountable,
    by_average,
    by_utilization,
    grouped,
    requests_of,
)
from kiban.kube.objects import POD, Manifest
from kiban.kube.selectors import selector_from_object
from kiban.primitives.instants import Instant
from kiban.reconcile.controller import Snapshot
from kiban.rehearsal.metering import Metering
from kiban.rehearsal.pacing.lanes import Terms


def proposed(
    terms: Terms, replicas: int, metering: Metering, snapshot: Snapshot, now: Instant
) -> int | None:
    """The replicas that the metric asks for; None when it cannot be told."""
    pods = _pods(terms, snapshot)
    resource = "cpu" if terms.is_cpu else "memory"
    groups = grouped(pods, metering.resource(resource, pods, now), resource, now)
    if not groups.used:
        return None
    present = Present(replicas, Tolerance(*terms.tolerance))
    try:
        if terms.is_share:
            requests = requests_of(pods, resource)
            return by_utilization(groups, requests, terms.target, present).replicas
        return by_average(groups, terms.target, present).replicas
    except Uncountable:
        return None


def _pods(terms: Terms, snapshot: Snapshot) -> Sequence[Manifest]:
    workload = snapshot.get(terms.workload)
    if workload is None:
        return ()
    selector = selector_from_object(workload["spec"].get("selector"))
    namespace = terms.workload.namespace
    pods = snapshot.selected(POD, namespace, selector.exact)
    return pods if selector.is_exact else [pod for pod in pods if selector.chooses(pod)]
