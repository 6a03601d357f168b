"""Keeps the status of disruption budgets: how many pods may go right now.

Source of the rules and texts: pkg/controller/disruption/disruption.go.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kiban.cluster.controllers.conditions import condition_in, without
from kiban.cluster.controllers.pod_changes import is_more_than_waiting
from kiban.cluster.controllers.pod_state import PodState, state_of
from kiban.cluster.controllers.selecting import SelectorIndex
from kiban.cluster.controllers.writing import event, is_own_report, status_update, warning
from kiban.kube.objects import (
    DEPLOYMENT,
    POD,
    POD_DISRUPTION_BUDGET,
    REPLICA_SET,
    STATEFUL_SET,
    GroupKind,
    Key,
    Manifest,
    controller_of,
    get_in,
    group_of,
    is_deleting,
    labels_of,
    owners_of,
)
from kiban.kube.selectors import selector_from_object
from kiban.primitives.instants import (
    Instant,
    later,
    parse_rfc3339,
    rfc3339,
    seconds_between,
)
from kiban.reconcile.commands import Command
from kiban.reconcile.controller import NOTHING, Change, Only, Outcome, Snapshot, Watched

# An evicted pod that is not deleted within this time counts again.
DELETION_TIMEOUT_SECONDS = 120.0
REPLICATION_CONTROLLER = GroupKind("", "ReplicationController")
# Those whose size says how many pods there should be.
SIZED = (REPLICA_SET, DEPLOYMENT, STATEFUL_SET, REPLICATION_CONTROLLER)


class DisruptionController:
    """The controller of kind PodDisruptionBudget."""

    name = "disruption-controller"
    watches: Watched = frozenset({POD_DISRUPTION_BUDGET, Only(POD, is_more_than_waiting), *SIZED})

    def __init__(self) -> None:
        self._selectors = SelectorIndex()
        # What each budget was last told of its pods.
        self._told: dict[Key, Manifest] = {}

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        if change.key.group_kind == POD_DISRUPTION_BUDGET:
            if change.after is None:
                self._selectors.drop(change.key)
            else:
                selector = selector_from_object(change.after["spec"].get("selector"))
                self._selectors.put(change.key, selector)
            told = self._told.pop(change.key, None)
            return () if is_own_report(change, told) else [change.key]
        if change.key.group_kind in SIZED:
            return self._counting(change)
        if _shows_the_same(change.before, change.after):
            return ()
        pods = [pod for pod in (change.before, change.after) if pod is not None]
        found: dict[Key, None] = {}
        for pod in pods:
            for key in self._selectors.choosing(change.key.namespace, labels_of(pod)):
                found[key] = None
        return list(found)

    def _counting(self, change: Change) -> Iterable[Key]:
        """The budgets that count a workload whose size has changed. The real controller waits for
        its pods to change, which they do not when a quota holds them back."""
        before, after = change.before, change.after
        if before is None or after is None or before["spec"] is after["spec"]:
            return ()
        if get_in(before, "spec", "replicas") == get_in(after, "spec", "replicas"):
            return ()
        labels = get_in(after, "spec", "template", "metadata", "labels", default={})
        return self._selectors.choosing(change.key.namespace, labels)

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        budget = snapshot.get(key)
        if budget is None or is_deleting(budget):
            return NOTHING
        selector = selector_from_object(budget["spec"].get("selector"))
        pods = snapshot.selected(POD, key.namespace, selector.exact)
        if not selector.is_exact:
            pods = [pod for pod in pods if selector.chooses(pod)]
        reports: list[Command] = []
        if not pods:
            reports.append(event(budget, "NoPods", "No matching pods found"))
        expected = _expected(budget, pods, snapshot)
        if expected.unmanaged:
            reports.append(warning(budget, "UnmanagedPods", _unmanaged(budget)))
        if expected.fault:
            text = f"Failed to calculate the number of expected pods: {expected.fault}"
            reports.append(warning(budget, "CalculateExpectedPodCountFailed", text))
            status = _failed_status(budget, expected.fault, now)
            return Outcome((*reports, *status_update(budget, status)))
        disrupted = _still_disrupted(budget, pods, now)
        healthy = sum(_is_healthy(state_of(pod), disrupted) for pod in pods)
        status = self._told[key] = _status(budget, expected, healthy, disrupted, now)
        ends = (later(parse_rfc3339(at), DELETION_TIMEOUT_SECONDS) for at in disrupted.values())
        return Outcome(
            (*reports, *status_update(budget, status)),
            wake_after=min((seconds_between(now, end) for end in ends), default=None),
        )


def _is_healthy(pod: PodState, disrupted: Mapping[str, str]) -> bool:
    return pod.is_ready and not pod.is_deleting and pod.name not in disrupted


def _shows_the_same(before: Manifest | None, after: Manifest | None) -> bool:
    """Whether budgets see the same of a pod."""
    if before is None or after is None:
        return before is after
    was, is_ = state_of(before), state_of(after)
    return (
        was.is_ready == is_.is_ready
        and was.is_deleting == is_.is_deleting
        and was.labels == is_.labels
        and owners_of(before) == owners_of(after)
    )


@dataclass(frozen=True, slots=True)
class _Expected:
    """How many pods there should be, and how many of them must be healthy."""

    pods: int = 0
    healthy: int = 0
    unmanaged: bool = False
    fault: str = ""


def _expected(budget: Manifest, pods: Sequence[Manifest], snapshot: Snapshot) -> _Expected:
    spec = budget["spec"]
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    if most is None and isinstance(least, int):
        return _Expected(len(pods), least)
    if most is None and least is None:
        return _Expected(len(pods), 0)
    scales: dict[str, int] = {}
    seen: dict[str, None] = {}
    unmanaged = False
    for pod in pods:
        owner = state_of(pod).controller
        if owner is None:
            unmanaged = True
            continue
        if owner["uid"] in seen:
            continue
        seen[owner["uid"]] = None
        scale = _scale(owner, pod["metadata"].get("namespace", ""), snapshot)
        if isinstance(scale, str):
            return _Expected(fault=scale, unmanaged=unmanaged)
        if scale is None:
            name = pod["metadata"]["name"]
            return _Expected(fault=f'found no controllers for pod "{name}"')
        scales[scale[0]] = scale[1]
    total = sum(scales.values())
    if most is not None:
        return _Expected(total, max(total - _scaled(most, total), 0), unmanaged)
    assert least is not None, "one of the two is set"
    return _Expected(total, _scaled(least, total), unmanaged)


def _scaled(value: int | str, total: int) -> int:
    """A number, or a share of the total, rounded up."""
    if isinstance(value, int):
        return value
    return -(-int(value.rstrip("%")) * total // 100)


def _scale(
    owner: Mapping[str, Any], namespace: str, snapshot: Snapshot
) -> tuple[str, int] | str | None:
    """The uid and size of what in the end decides how many pods there are; the words for it when
    that has no size, None when it is not there."""
    kind = GroupKind(group_of(owner["apiVersion"]), owner["kind"])
    found = snapshot.get(Key(*kind, namespace, owner["name"]))
    if found is None or found["metadata"].get("uid") != owner["uid"]:
        return None
    if kind == REPLICA_SET:
        above = controller_of(found)
        if above is not None and above["kind"] == DEPLOYMENT.kind:
            return _scale(above, namespace, snapshot)
    if kind in SIZED:
        return owner["uid"], get_in(found, "spec", "replicas", default=1)
    replicas = get_in(found, "spec", "replicas")
    if isinstance(replicas, int):
        return owner["uid"], replicas
    return f"{kind.kind.lower()}s.{kind.group} does not implement the scale subresource"


def _still_disrupted(budget: Manifest, pods: Sequence[Manifest], now: Instant) -> dict[str, str]:
    """The evicted pods whose deletion is yet to be seen."""
    noted = get_in(budget, "status", "disruptedPods")
    found: dict[str, str] = {}
    if not noted:
        return found
    for pod in pods:
        name = pod["metadata"]["name"]
        if is_deleting(pod) or name not in noted:
            continue
        if later(parse_rfc3339(noted[name]), DELETION_TIMEOUT_SECONDS) > now:
            found[name] = noted[name]
    return found


def _status(
    budget: Manifest, expected: _Expected, healthy: int, disrupted: dict[str, str], now: Instant
) -> Manifest:
    allowed = max(healthy - expected.healthy, 0) if expected.pods > 0 else 0
    reason = "SufficientPods" if allowed else "InsufficientPods"
    generation = budget["metadata"].get("generation", 1)
    status = {
        "conditions": _conditions(budget, (str(allowed > 0), reason, ""), generation, now),
        "currentHealthy": healthy,
        "desiredHealthy": expected.healthy,
        "disruptionsAllowed": allowed,
        "expectedPods": expected.pods,
        "observedGeneration": generation,
    }
    return {**status, "disruptedPods": disrupted} if disrupted else status


def _failed_status(budget: Manifest, fault: str, now: Instant) -> Manifest:
    status = dict(budget.get("status") or {})
    generation = status.get("observedGeneration", 0)
    said = ("False", "SyncFailed", fault)
    conditions = _conditions(budget, said, generation, now)
    return {**status, "disruptionsAllowed": 0, "conditions": conditions}


def _conditions(
    budget: Manifest, said: tuple[str, str, str], generation: int, now: Instant
) -> list[Manifest]:
    status, reason, message = said
    conditions = get_in(budget, "status", "conditions", default=[])
    present = condition_in(conditions, "DisruptionAllowed")
    since = rfc3339(now)
    if present is not None and present["status"] == status:
        since = present["lastTransitionTime"]
    condition = {
        "type": "DisruptionAllowed",
        "status": status,
        "observedGeneration": generation,
        "lastTransitionTime": since,
        "reason": reason,
        "message": message,
    }
    return [*without(conditions, "DisruptionAllowed"), condition]


def _unmanaged(budget: Manifest) -> str:
    return (
        f"Pods selected by this PodDisruptionBudget (selector: {_go_text(budget)}) were found to "
        "be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which "
        "may result in undefined behavior. To account for these pods please set "
        '".spec.minAvailable" field of the PDB to an integer value.'
    )


def _go_text(budget: Manifest) -> str:
    """The selector as the real controller's event prints it."""
    selector = budget["spec"].get("selector") or {}
    labels = selector.get("matchLabels") or {}
    pairs = "".join(f"{name}: {labels[name]}," for name in sorted(labels))
    expressions = "".join(
        f"LabelSelectorRequirement{{Key:{entry['key']},Operator:{entry['operator']},"
        f"Values:[{' '.join(entry.get('values') or ())}],}},"
        for entry in selector.get("matchExpressions") or ()
    )
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{pairs}}},"
        f"MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )
