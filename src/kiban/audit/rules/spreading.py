"""Spreading: whether the instances really end up apart, and stay so through a rollout."""

from collections.abc import Iterator, Mapping
from typing import Any

from kiban.audit.findings import Mend, Said, Severity, rule
from kiban.audit.view import REPLICATED, View, Workload, read_selector
from kiban.kube.objects import get_in

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
CAPACITY = ("eks.amazonaws.com/capacityType", "karpenter.sh/capacity-type")
_PREFIXES = ("topology.kubernetes.io/", "node.kubernetes.io/", "eks.amazonaws.com/",
             "karpenter.sh/", "failure-domain.beta.kubernetes.io/", "topology.ebs.csi.aws.com/",
             "kubernetes.io/", "capacity-spread")  # fmt: skip
_MAX_SKEW = 2
_API = "kind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n"


def _constraint(fields: str) -> str:
    return (
        f"{_API}      topologySpreadConstraints:\n      - $patch: replace\n"
        f"      - {{topologyKey: topology.kubernetes.io/zone, {fields}}}"
    )


_GOOD = (
    "maxSkew: 1, nodeTaintsPolicy: Honor, "
    "labelSelector: {matchLabels: {app.kubernetes.io/name: api}}"
)


def _constraints(view: View) -> Iterator[tuple[Workload, Mapping[str, Any], str, bool]]:
    """Each with its path, and whether it is hard."""
    for workload in view.workloads:
        for one in workload.pod.get("topologySpreadConstraints") or ():
            where = f"topologySpreadConstraints[{one.get('topologyKey')}]"
            hard = one.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule"
            yield workload, one, where, hard


def _topologies(workload: Workload) -> set[str]:
    """Over what its pods are kept apart, by constraints or by anti-affinity, preferred or not."""
    found = {
        one.get("topologyKey", "") for one in workload.pod.get("topologySpreadConstraints") or ()
    }
    for term in _apart(workload):
        # Anti-affinity to others does not keep its own pods from each other.
        if read_selector(term.get("labelSelector")).matches(workload.labels):
            found.add(term.get("topologyKey", ""))
    return found


def _apart(workload: Workload) -> Iterator[Mapping[str, Any]]:
    """The terms of its anti-affinity, preferred or not."""
    affinity = get_in(workload.pod, "affinity", "podAntiAffinity", default={})
    for terms in affinity.values():
        for term in terms or ():
            yield term.get("podAffinityTerm") or term


@rule(
    Severity.WARNING,
    why="one zone can take the whole service down",
    fix="spread it over hosts and zones (`availability: {zones: 2}` of a service)",
    example=f"{_API}      topologySpreadConstraints:\n      - $patch: replace\n"
    "      - {topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway,\n"
    f"         {_GOOD}}}",
)
def spread_zone(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        # Whoever chose anti-affinity, over whatever topology, has thought about it.
        if workload.kind in REPLICATED and workload.replicas > 1:
            found = _topologies(workload)
            if found and not any(_apart(workload)) and not any("zone" in key for key in found):
                yield workload.said("topologySpreadConstraints", "all may be in one zone")


@rule(
    Severity.WARNING,
    why="one node can take the whole service down",
    fix="spread it over hosts and zones (`availability: {zones: 2}` of a service)",
    example=f"{_API}      topologySpreadConstraints: null",
)
def spread_host(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        if workload.kind in REPLICATED and workload.replicas > 1 and not _topologies(workload):
            what = "all instances may be on one node or in one zone"
            if any(_apart(workload)):
                what = "its anti-affinity does not select its own pods: all may be on one node"
            yield workload.said("topologySpreadConstraints", what)


@rule(
    Severity.ERROR,
    why="the constraint has no effect on the pods it stands at",
    fix="select the pod's own labels",
    example=_constraint("maxSkew: 1, whenUnsatisfiable: ScheduleAnyway"),
)
def spread_selector(view: View) -> Iterator[Said]:
    for workload, one, where, _ in _constraints(view):
        selector = one.get("labelSelector")
        if not selector or not read_selector(selector).matches(workload.labels):
            what = "the constraint does not count the pod's own kind"
            yield workload.said(f"{where}.labelSelector", what)


@rule(
    Severity.WARNING,
    why="after a rollout the new pods are unevenly spread, or cannot be placed at all",
    fix="add matchLabelKeys: [pod-template-hash]",
    example=_constraint(f"whenUnsatisfiable: DoNotSchedule, minDomains: 3, {_GOOD}"),
    mend=Mend(),
)
def spread_during_rollout(view: View) -> Iterator[Said]:
    for workload, one, where, hard in _constraints(view):
        keys = one.get("matchLabelKeys") or ()
        if workload.kind == "Deployment" and hard and "pod-template-hash" not in keys:
            path = f"{workload.prefix}.{where}.matchLabelKeys"
            what = "old pods decide where new ones may go"
            yield Said(workload.key, path, what, value=[*keys, "pod-template-hash"])


@rule(
    Severity.WARNING,
    why="one place may hold nearly all of them and the constraint is content",
    fix="use maxSkew: 1",
    example=_constraint(
        "whenUnsatisfiable: ScheduleAnyway, maxSkew: 5, nodeTaintsPolicy: Honor, "
        "labelSelector: {matchLabels: {app.kubernetes.io/name: api}}"
    ),
    mend=Mend(1),
)
def spread_skew(view: View) -> Iterator[Said]:
    for workload, one, where, _ in _constraints(view):
        skew = int(one.get("maxSkew", 1))
        if skew > max(_MAX_SKEW, workload.replicas // 4):
            what = f"places may differ by {skew} of {workload.replicas} pods"
            yield workload.said(f"{where}.maxSkew", what)


@rule(
    Severity.ADVICE,
    why="while only one zone has nodes, all pods go there and stay there",
    fix="set minDomains to the number of zones",
    example=_constraint(
        f"whenUnsatisfiable: DoNotSchedule, matchLabelKeys: [pod-template-hash], {_GOOD}"
    ),
    optional=True,
)
def spread_min_domains(view: View) -> Iterator[Said]:
    for workload, one, where, hard in _constraints(view):
        if hard and "zone" in str(one.get("topologyKey")) and not one.get("minDomains"):
            what = "zones without a node are not counted"
            yield workload.said(f"{where}.minDomains", what)


@rule(
    Severity.ERROR,
    why="some pods stay pending for ever",
    fix="lower minDomains, or raise the number of instances",
    example=_constraint(f"whenUnsatisfiable: ScheduleAnyway, minDomains: 3, {_GOOD}"),
)
def spread_min_domains_soft(view: View) -> Iterator[Said]:
    for workload, one, where, hard in _constraints(view):
        if one.get("minDomains") and not hard:
            what = "minDomains needs whenUnsatisfiable: DoNotSchedule"
            yield workload.said(f"{where}.minDomains", what)


@rule(
    Severity.ADVICE,
    why="nodes that the pods cannot use are counted as empty, so hard constraints block and soft "
    "ones aim at nothing",
    fix="set nodeTaintsPolicy: Honor",
    example=_constraint(
        "whenUnsatisfiable: DoNotSchedule, maxSkew: 1, matchLabelKeys: [pod-template-hash], "
        "labelSelector: {matchLabels: {app.kubernetes.io/name: api}}"
    ),
    mend=Mend("Honor"),
)
def spread_taints_policy(view: View) -> Iterator[Said]:
    for workload, one, where, hard in _constraints(view):
        if hard and one.get("nodeTaintsPolicy") != "Honor":
            what = "nodes with taints that the pods do not tolerate are counted"
            yield workload.said(f"{where}.nodeTaintsPolicy", what)


@rule(
    Severity.WARNING,
    why="nodes without that label are left out, so pods stay pending or are not spread",
    fix="use topology.kubernetes.io/zone or kubernetes.io/hostname",
    example=f"{_API}      topologySpreadConstraints:\n"
    f"      - {{topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, {_GOOD}}}",
)
def spread_topology_key(view: View) -> Iterator[Said]:
    for workload, one, where, _ in _constraints(view):
        key = str(one.get("topologyKey", ""))
        if not key.startswith(_PREFIXES):
            yield workload.said(
                f"{where}.topologyKey", f"nodes have no label {key!r} by themselves"
            )


@rule(
    Severity.ERROR,
    why="with fewer pods than places, one place stays empty and hard constraints stay unmet",
    fix="raise the number of instances, or lower minDomains",
    example=_constraint(
        f"whenUnsatisfiable: DoNotSchedule, minDomains: 5, matchLabelKeys: [pod-template-hash], "
        f"{_GOOD}"
    ),
)
def spread_replicas(view: View) -> Iterator[Said]:
    for workload, one, where, hard in _constraints(view):
        domains = int(one.get("minDomains") or 0)
        if hard and workload.kind in REPLICATED and domains > max(1, workload.replicas):
            what = f"{workload.replicas} pods cannot be in {domains} places"
            yield workload.said(f"{where}.minDomains", what)


@rule(
    Severity.ERROR,
    why="the selector leaves one place, the constraint wants several: pods stay pending or are not "
    "spread",
    fix="remove one of the two",
    example=f"{_API}      nodeSelector: {{topology.kubernetes.io/zone: ap-northeast-1a}}",
)
def spread_contradicted(view: View) -> Iterator[Said]:
    for workload, one, _, _ in _constraints(view):
        key = str(one.get("topologyKey"))
        if key in (workload.pod.get("nodeSelector") or {}):
            what = f"nodeSelector names one {key}, over which the pods are to be spread"
            yield workload.said(f'nodeSelector["{key}"]', what)


@rule(
    Severity.WARNING,
    why="when spot capacity is taken back, all instances go within two minutes",
    fix="spread over the kinds of capacity instead (`spot: 50%` of a service)",
    example=f"{_API}      nodeSelector: {{eks.amazonaws.com/capacityType: SPOT}}",
)
def spread_capacity_type(view: View) -> Iterator[Said]:
    production = ("prod", "prd", "production")
    for workload in view.workloads:
        words = workload.key.namespace.replace("_", "-").split("-")
        selector = workload.pod.get("nodeSelector") or {}
        on_spot = any(str(selector.get(key, "")).lower() == "spot" for key in CAPACITY)
        if (
            on_spot
            and workload.kind in REPLICATED
            and (any(word in production for word in words) or workload.replicas > 1)
        ):
            yield workload.said("nodeSelector", "every instance must run on spot capacity")


@rule(
    Severity.WARNING,
    why="a rollout starts more pods than there are places for, and stops there",
    fix="prefer it instead, or use topologySpreadConstraints",
    example=f"{_API}      affinity: {{podAntiAffinity: "
    "{requiredDuringSchedulingIgnoredDuringExecution: [\n        {topologyKey: "
    "topology.kubernetes.io/zone, labelSelector: {matchLabels: {app.kubernetes.io/name: api}}}]}}",
)
def anti_affinity_required_too_strict(view: View) -> Iterator[Said]:
    nodes = view.around.settings.nodes
    for workload in view.long_running():
        terms = get_in(
            workload.pod,
            "affinity",
            "podAntiAffinity",
            "requiredDuringSchedulingIgnoredDuringExecution",
            default=[],
        )
        for term in terms:
            if not read_selector(term.get("labelSelector")).matches(workload.labels):
                continue
            zones = "zone" in str(term.get("topologyKey"))
            places = 3 if zones else nodes
            if places is not None and workload.most >= places:
                what = f"{workload.most} pods and a surge cannot each have a place of {places}"
                yield workload.said("affinity.podAntiAffinity", what)


RULES = (
    spread_zone,
    spread_host,
    spread_selector,
    spread_during_rollout,
    spread_skew,
    spread_min_domains,
    spread_min_domains_soft,
    spread_taints_policy,
    spread_topology_key,
    spread_replicas,
    spread_contradicted,
    spread_capacity_type,
    anti_affinity_required_too_strict,
)
