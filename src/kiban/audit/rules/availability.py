"""Availability: replicas, spreading, disruption budgets, and whether they agree."""

from collections.abc import Iterator
from math import ceil

from kiban.audit.findings import Rule, Said, Severity
from kiban.audit.view import REPLICATED, View
from kiban.kube.objects import Key, get_in
from kiban.kube.selectors import selector_from_object

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"


def _single(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        recreated = get_in(workload.manifest, "spec", "strategy", "type") == "Recreate"
        if workload.kind == "Deployment" and workload.replicas == 1 and not recreated:
            yield Said(workload.key, "spec.replicas", "there is only one instance")


def _budget_missing(view: View) -> Iterator[Said]:
    covered = {one.key for _, _, workloads in view.budgets() for one in workloads}
    for workload in view.workloads:
        if workload.kind in REPLICATED and workload.replicas > 1 and workload.key not in covered:
            yield Said(workload.key, "", "no disruption budget covers its pods")


def _blocks_drain(view: View) -> Iterator[Said]:
    for key, budget, workloads in view.budgets():
        most, least = (
            get_in(budget, "spec", f"{one}") for one in ("maxUnavailable", "minAvailable")
        )
        pods = sum(workload.replicas for workload in workloads)
        if most is not None and _count(most, pods or 1) == 0:
            yield Said(key, "spec.maxUnavailable", "the budget never lets a pod go")
        elif least is not None and workloads and _count(least, pods) >= pods:
            what = f"the budget wants {_count(least, pods)} of {pods} pods, so none may go"
            yield Said(key, "spec.minAvailable", what)


def _count(value: object, pods: int) -> int:
    """A number or percentage of pods; the disruption controller rounds both up."""
    text = str(value)
    return ceil(int(text[:-1]) * pods / 100) if text.endswith("%") else int(text)


def _overlap(view: View) -> Iterator[Said]:
    first: dict[Key, Key] = {}
    for key, _, workloads in view.budgets():
        for workload in workloads:
            other = first.setdefault(workload.key, key)
            if other != key:
                what = f"the pods of {workload.key.name} are covered by {other.name}, too"
                yield Said(key, "spec.selector", what)


def _budget_dangling(view: View) -> Iterator[Said]:
    for key, _, workloads in view.budgets():
        if not workloads:
            yield Said(key, "spec.selector", "the budget covers no pods")


def _spread_missing(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        if workload.kind not in REPLICATED or workload.replicas < 2:
            continue
        keys = {
            one.get("topologyKey") for one in workload.pod.get("topologySpreadConstraints") or ()
        }
        affinity = get_in(workload.pod, "affinity", "podAntiAffinity", default={})
        if not keys & {ZONE, HOST} and not affinity:
            what = "all instances may be on one node or in one zone"
            yield Said(workload.key, "topologySpreadConstraints", what)


def _spread_wrong(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        for one in workload.pod.get("topologySpreadConstraints") or ():
            selector = one.get("labelSelector")
            where = f"topologySpreadConstraints[{one.get('topologyKey')}]"
            if not selector or not selector_from_object(selector).matches(workload.labels):
                yield Said(workload.key, where, "the constraint does not count the pod's own kind")


def _spread_rollout(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        for one in workload.pod.get("topologySpreadConstraints") or ():
            per_revision = "pod-template-hash" in (one.get("matchLabelKeys") or ())
            hard = one.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule"
            if workload.kind == "Deployment" and hard and not per_revision:
                where = f"topologySpreadConstraints[{one.get('topologyKey')}]"
                yield Said(workload.key, where, "old pods decide where new ones may go")


RULES = (
    Rule(
        "single-replica",
        Severity.ADVICE,
        "every node drain and every crash is an outage",
        "say `scale: 2` or more",
        _single,
    ),
    Rule(
        "pdb-missing",
        Severity.WARNING,
        "a node upgrade may stop all instances at once",
        "add a PodDisruptionBudget",
        _budget_missing,
    ),
    Rule(
        "pdb-blocks-drain",
        Severity.ERROR,
        "no node under these pods can be drained: upgrades stop after 15 minutes and fail",
        "use maxUnavailable: 1",
        _blocks_drain,
    ),
    Rule(
        "pdb-overlap",
        Severity.ERROR,
        "a pod under two budgets can never be evicted",
        "delete one of the budgets",
        _overlap,
    ),
    Rule(
        "pdb-dangling",
        Severity.WARNING,
        "what it was written for is not protected",
        "correct its selector, or delete it",
        _budget_dangling,
    ),
    Rule(
        "spread-missing",
        Severity.WARNING,
        "one node or one zone can take the whole service down",
        "say `availability: {zones: 2}`",
        _spread_missing,
    ),
    Rule(
        "spread-selector",
        Severity.ERROR,
        "the constraint has no effect on the pods it stands at",
        "select the pod's own labels",
        _spread_wrong,
    ),
    Rule(
        "spread-during-rollout",
        Severity.WARNING,
        "after a rollout the new pods are unevenly spread, or cannot be placed at all",
        "add matchLabelKeys: [pod-template-hash]",
        _spread_rollout,
    ),
)
