"""Sizes workloads every 15 seconds by their metrics, within bounds and at a limited speed.

Like the real controller it keeps the latest recommendations and changes in memory, so a restart
begins without them. Source: reconcileAutoscaler in pkg/controller/podautoscaler/horizontal.go.
"""

from collections.abc import Iterable
from typing import Any

from kiban.cluster.controllers.conditions import (
    Claim,
    Condition,
    condition_from,
    condition_in,
)
from kiban.cluster.controllers.horizontal_pod_autoscaler.limits import (
    Bounds,
    Memory,
    decided,
)
from kiban.cluster.controllers.horizontal_pod_autoscaler.metrics import NO_METRICS, Metrics
from kiban.cluster.controllers.horizontal_pod_autoscaler.proposals import (
    Target,
    proposals,
    tolerance_of,
)
from kiban.cluster.controllers.horizontal_pod_autoscaler.rivals import rivals_for
from kiban.cluster.controllers.horizontal_pod_autoscaler.scales import (
    no_such_target,
    refusal_of_scale,
)
from kiban.cluster.controllers.selecting import SelectorIndex
from kiban.cluster.controllers.writing import change, event, status_update, warning
from kiban.kube.objects import (
    HORIZONTAL_POD_AUTOSCALER,
    POD,
    Key,
    Manifest,
    get_in,
    group_of,
    key_of,
    uid_of,
)
from kiban.kube.selectors import selector_from_object
from kiban.primitives.instants import Instant, rfc3339
from kiban.reconcile.commands import Command
from kiban.reconcile.controller import NOTHING, Change, Delayed, Outcome, Snapshot

# horizontal-pod-autoscaler-sync-period: from one run to the next, and from creation to the first.
PERIOD_SECONDS = 15.0
_DEFAULT_METRIC = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}


class HorizontalPodAutoscalerController:
    """The controller of kind HorizontalPodAutoscaler."""

    name = "horizontal-pod-autoscaler"
    watches = frozenset({HORIZONTAL_POD_AUTOSCALER})

    def __init__(self, metrics: Metrics = NO_METRICS) -> None:
        self._metrics = metrics
        self._memories: dict[str, Memory] = {}
        self._selectors = SelectorIndex()

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Delayed]:
        if change.after is None:
            self._memories.pop(uid_of(change.object), None)
            self._selectors.drop(change.key)
            return []
        return [Delayed(change.key, PERIOD_SECONDS)]

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        autoscaler = snapshot.get(key)
        if autoscaler is None:
            return NOTHING
        memory = self.memory(uid_of(autoscaler))
        run = _Run(autoscaler, snapshot, memory, now)
        run.scale(self._metrics, self._selectors)
        return Outcome(tuple(run.commands), wake_after=PERIOD_SECONDS)

    def memory(self, uid: str) -> Memory:
        """What is remembered of an autoscaler."""
        return self._memories.setdefault(uid, Memory())


class _Run:
    """One run of one autoscaler: its conditions, its status, its commands."""

    def __init__(
        self, autoscaler: Manifest, snapshot: Snapshot, memory: Memory, now: Instant
    ) -> None:
        self._autoscaler = autoscaler
        self._snapshot = snapshot
        self._memory = memory
        self._now = now
        self._spec: dict[str, Any] = autoscaler["spec"]
        self._status: dict[str, Any] = autoscaler.get("status") or {}
        self._conditions: list[Condition] = list(self._status.get("conditions") or [])
        self.commands: list[Command] = []

    def scale(self, metrics: Metrics, selectors: SelectorIndex) -> None:
        """Read the target, decide, write."""
        workload = self._workload()
        if workload is None:
            return
        text = "the HPA controller was able to get the target's current scale"
        self._set("AbleToScale", "True", "SucceededGetScale", text)
        target = self._target(workload)
        self._memory.forget(self._now)
        if not self._memory.recommendations:
            self._memory.recommendations.append((self._now, target.spec_replicas))
        current, smallest = target.spec_replicas, self._smallest
        if current == 0 and smallest != 0:
            text = "scaling is disabled since the replica count of the target is zero"
            self._set("ScalingActive", "False", "ScalingDisabled", text)
            self._write(0, 0, [])
        elif current > self._spec["maxReplicas"]:
            reason = "Current number of replicas above Spec.MaxReplicas"
            self._resize(workload, current, self._spec["maxReplicas"], reason, [])
        elif current < smallest:
            reason = "Current number of replicas below Spec.MinReplicas"
            self._resize(workload, current, smallest, reason, [])
        elif not self._is_contested(target, selectors):
            self._follow(metrics, workload, target)

    def _is_contested(self, target: Target, selectors: SelectorIndex) -> bool:
        """Whether another autoscaler has pods of the same target; then neither follows."""
        selectors.put(key_of(self._autoscaler), target.selector)
        rivals = rivals_for(target, selectors)
        if len(rivals) < 2:
            return False
        names = " ".join(f"{{{key.name} {key.namespace}}}" for key in rivals)
        text = f"pods by selector {target.selector} are controlled by multiple HPAs: [{names}]"
        self._set("ScalingActive", "False", "AmbiguousSelector", text)
        self.commands.append(warning(self._autoscaler, "AmbiguousSelector", text))
        self._write(target.spec_replicas, self._status.get("desiredReplicas", 0), [])
        self.commands.append(warning(self._autoscaler, "FailedComputeMetricsReplicas", text))
        return True

    @property
    def _smallest(self) -> int:
        smallest = self._spec.get("minReplicas")
        return 1 if smallest is None else int(smallest)

    def _workload(self) -> Manifest | None:
        reference = self._spec["scaleTargetRef"]
        namespace = self._autoscaler["metadata"]["namespace"]
        group = group_of(reference.get("apiVersion", ""))
        key = Key(group, reference["kind"], namespace, reference["name"])
        found = self._snapshot.get(key)
        why = refusal_of_scale(key, self._snapshot)
        if found is None or why:
            text = why or no_such_target(key, self._snapshot)
            self.commands.append(warning(self._autoscaler, "FailedGetScale", text))
            said = f"the HPA controller was unable to get the target's current scale: {text}"
            self._set("AbleToScale", "False", "FailedGetScale", said)
            self._save(dict(self._status))
            return None
        return found

    def _target(self, workload: Manifest) -> Target:
        namespace = workload["metadata"]["namespace"]
        selector = selector_from_object(workload["spec"].get("selector"))
        pods = self._snapshot.selected(POD, namespace, selector.exact)
        if not selector.is_exact:
            pods = [pod for pod in pods if selector.chooses(pod)]
        return Target(
            namespace,
            workload["spec"].get("replicas", 1),
            get_in(workload, "status", "replicas", default=0),
            pods,
            selector,
            tolerance_of(self._spec.get("behavior") or {}),
        )

    def _follow(self, metrics: Metrics, workload: Manifest, target: Target) -> None:
        """Do what the metrics propose, as far and as fast as allowed."""
        specs = self._spec.get("metrics") or [_DEFAULT_METRIC]
        found = proposals(specs, target, metrics, self._now)
        for failure in found.failures:
            self.commands.append(warning(self._autoscaler, failure.reason, failure.detail))
        current = target.spec_replicas
        if found.is_unusable(target):
            first = found.failures[0]
            text = f"the HPA was unable to compute the replica count: {first.detail}"
            self._set("ScalingActive", "False", first.reason, text)
            desired = self._status.get("desiredReplicas", 0)
            self._write(current, desired, found.statuses)
            text = found.error
            self.commands.append(warning(self._autoscaler, "FailedComputeMetricsReplicas", text))
            return
        text = f"the HPA was able to successfully calculate a replica count from {found.metric}"
        self._set("ScalingActive", "True", "ValidMetricFound", text)
        reason = ""
        if found.replicas > current:
            reason = f"{found.metric} above target"
        elif found.replicas < current:
            reason = "All metrics below target"
        bounds = Bounds(current, self._smallest, self._spec["maxReplicas"])
        behavior = self._spec.get("behavior")
        decision = decided(found.replicas, bounds, behavior, self._memory, self._now)
        self._set("AbleToScale", "True", *decision.able)
        self._set("ScalingLimited", str(decision.limited), *decision.limit)
        if decision.replicas == current:
            self._write(current, current, found.statuses)
        else:
            self._resize(workload, current, decision.replicas, reason, found.statuses)

    def _resize(
        self,
        workload: Manifest,
        current: int,
        desired: int,
        reason: str,
        statuses: list[dict[str, Any]],
    ) -> None:
        self.commands.append(change(workload, {"spec": {"replicas": desired}}))
        text = f"New size: {desired}; reason: {reason}"
        self.commands.append(event(self._autoscaler, "SuccessfulRescale", text, after_success=True))
        text = f"the HPA controller was able to update the target scale to {desired}"
        self._set("AbleToScale", "True", "SucceededRescale", text)
        self._memory.changes.append((self._now, desired - current))
        self._write(current, desired, statuses, scaled=True)

    def _set(self, type_: str, status: str, reason: str, message: str) -> None:
        """Set a condition; unlike elsewhere its reason and message change freely."""
        claim = Claim(type_, status, reason, message)
        added = condition_from(claim, self._now, ["lastTransitionTime"])
        present = condition_in(self._conditions, type_)
        if present is None:
            self._conditions.append(added)
            return
        if present["status"] == status:
            added["lastTransitionTime"] = present["lastTransitionTime"]
        self._conditions = [
            added if entry["type"] == type_ else entry for entry in self._conditions
        ]

    def _write(
        self,
        current: int,
        desired: int,
        statuses: list[dict[str, Any]],
        *,
        scaled: bool = False,
    ) -> None:
        status: dict[str, Any] = {"desiredReplicas": desired, "currentMetrics": statuses or None}
        if current:
            status["currentReplicas"] = current
        if scaled:
            status["lastScaleTime"] = rfc3339(self._now)
        elif "lastScaleTime" in self._status:
            status["lastScaleTime"] = self._status["lastScaleTime"]
        self._save(status)

    def _save(self, status: dict[str, Any]) -> None:
        status["conditions"] = self._conditions
        # What is null in the status is absent for a merge patch.
        present = {key: value for key, value in self._status.items() if value is not None}
        wanted = {key: value for key, value in status.items() if value is not None}
        before = {**self._autoscaler, "status": present}
        self.commands += status_update(before, wanted)
