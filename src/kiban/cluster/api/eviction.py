"""Deleting a pod within its disruption budgets.

Source: kubernetes/pkg/registry/core/pod/storage/eviction.go; B9 of the reference.
"""

from collections.abc import Sequence

from kiban.cluster.api.calls import Call, DeleteOptions
from kiban.cluster.api.deleting import check_preconditions, delete
from kiban.cluster.api.failures import Failure, not_found, too_many_requests
from kiban.cluster.api.registry import Registry
from kiban.kube.objects import (
    POD_DISRUPTION_BUDGET,
    Key,
    Manifest,
    condition_of,
    get_in,
    is_deleting,
    is_true,
    key_of,
    labels_of,
)
from kiban.kube.selectors import selector_from_object
from kiban.primitives.instants import rfc3339

# More pods than this on their way out, and the controller is behind: wait for it.
MOST_DISRUPTED_PODS = 2000
_ALLOWED = "DisruptionAllowed"


def evict(registry: Registry, pod_key: Key, options: DeleteOptions, call: Call) -> None:
    """Delete a pod unless a budget forbids it. Raises `Failure` 429 when one does."""
    info = registry.info_of(pod_key)
    pod = registry.store.get(pod_key)
    if pod is None:
        raise not_found(info, pod_key.name)
    if not _needs_no_budget(pod):
        budgets = budgets_of(registry, pod)
        if len(budgets) > 1:
            message = (
                "This pod has more than one PodDisruptionBudget, which the eviction subresource "
                "does not support."
            )
            raise Failure(500, "InternalError", f"Internal error occurred: {message}")
        if budgets and not _may_go_unready(pod, budgets[0]):
            _spend(registry, pod, budgets[0], call)
    check_preconditions(info, pod_key, options, pod)
    if not call.dry_run:
        _note_target(registry, pod_key, call)
    delete(registry, info, pod_key, options, call)


def _note_target(registry: Registry, key: Key, call: Call) -> None:
    """Say in the pod's status why it goes."""
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": rfc3339(call.now),
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
    }

    def noted(live: Manifest) -> Manifest:
        status = live.get("status") or {}
        others = [c for c in status.get("conditions") or () if c["type"] != "DisruptionTarget"]
        return {**live, "status": {**status, "conditions": [*others, condition]}}

    registry.update(registry.info_of(key), key, noted, call, "status")


def _needs_no_budget(pod: Manifest) -> bool:
    finished = get_in(pod, "status", "phase") in ("Succeeded", "Failed", "Pending")
    return finished or is_deleting(pod)


def budgets_of(registry: Registry, pod: Manifest) -> Sequence[Manifest]:
    """The disruption budgets that count this pod."""
    budgets = registry.store.list(POD_DISRUPTION_BUDGET, pod["metadata"].get("namespace", ""))
    labels = labels_of(pod)
    return [
        budget
        for budget in budgets
        if selector_from_object(budget["spec"].get("selector")).matches(labels)
    ]


def _may_go_unready(pod: Manifest, budget: Manifest) -> bool:
    """A pod that is not ready may go when the rest meets the budget, or always if it says so."""
    if is_true(pod, "Ready"):
        return False
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    healthy, wanted = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    return bool(healthy >= wanted and wanted > 0)


def _why_spent(name: str, status: Manifest) -> str:
    """Nothing is left because nobody knows how many should be healthy, or because too few are."""
    refused = f"The disruption budget {name} does not allow evicting pods currently"
    condition = condition_of({"status": status}, _ALLOWED)
    if condition is not None and condition.get("reason") == "SyncFailed":
        return f"{refused} because it failed sync: {condition.get('message', '')}"
    wanted, healthy = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
    if healthy > wanted:
        return refused
    return f"The disruption budget {name} needs {wanted} healthy pods and has {healthy} currently"


def _spend(registry: Registry, pod: Manifest, budget: Manifest, call: Call) -> None:
    """Take one disruption from the budget and note whose it was."""
    status = budget.get("status") or {}
    name = budget["metadata"]["name"]
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        raise _refused(
            name, f"The disruption budget {name} is still being processed by the server.", 10
        )
    if len(status.get("disruptedPods") or {}) > MOST_DISRUPTED_PODS:
        raise _refused(
            name,
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
            0,
        )
    if status.get("disruptionsAllowed", 0) <= 0:
        raise _refused(name, _why_spent(name, status), 0)
    disrupted = {
        **(status.get("disruptedPods") or {}),
        pod["metadata"]["name"]: rfc3339(call.now),
    }
    left = status["disruptionsAllowed"] - 1
    spent = {**status, "disruptionsAllowed": left, "disruptedPods": disrupted}
    if not left:
        spent["conditions"] = _with_nothing_left(status.get("conditions") or [], rfc3339(call.now))
    key = key_of(budget)
    registry.update(
        registry.info_of(key), key, lambda live: {**live, "status": spent}, call, "status"
    )


def _with_nothing_left(conditions: Sequence[Manifest], now: str) -> list[Manifest]:
    """The conditions of a budget whose last disruption was just spent."""
    spent = {"status": "False", "reason": "InsufficientPods", "lastTransitionTime": now}
    return [{**entry, **spent} if entry["type"] == _ALLOWED else entry for entry in conditions]


def _refused(name: str, why: str, retry_seconds: int) -> Failure:
    return too_many_requests(
        "Cannot evict pod as it would violate the pod's disruption budget.",
        retry_seconds=retry_seconds,
        causes=[{"reason": "DisruptionBudget", "message": why}],
    )
