"""Nodes that could be disrupted: what they cost, what runs on them, and why they may not be.

Source: controllers/disruption/{types,helpers}.go, utils/disruption.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kiban.cluster.autoscaling.cluster_autoscaler.drainability import Budgets
from kiban.cluster.autoscaling.karpenter.claims import is_initialized, node_of, pool_of_claim
from kiban.cluster.autoscaling.karpenter.objects import (
    CAPACITY_LABEL,
    DO_NOT_DISRUPT,
    HASH,
    NODE_CLAIM,
    TYPE_LABEL,
    ZONE_LABEL,
    Pool,
)
from kiban.cluster.autoscaling.karpenter.provider import Offering
from kiban.cluster.controllers.pods import created_at
from kiban.kube.objects import (
    Manifest,
    annotations_of,
    controller_of,
    get_in,
    is_deleting,
    labels_of,
)
from kiban.primitives.instants import Instant, parse_span, seconds_between
from kiban.reconcile.controller import Snapshot

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that may be disrupted. `pods` would have to go elsewhere."""

    claim: Manifest
    node: str
    pool: Pool
    price: float
    instance: str
    capacity_type: str
    pods: tuple[Manifest, ...]
    cost: float
    is_drifted: bool

    @property
    def name(self) -> str:
        name: str = self.claim["metadata"]["name"]
        return name


def candidates(
    snapshot: Snapshot,
    busy: Mapping[str, object],
    offerings: Sequence[Offering],
    now: Instant,
) -> list[Candidate]:
    """All nodes that may be disrupted, the cheapest disruption first. `busy` are claims that are
    being disrupted already."""
    prices = {(offer.instance, offer.zone, offer.capacity_type): offer.price for offer in offerings}
    budgets = Budgets.of(snapshot)
    found = []
    for claim in snapshot.list(NODE_CLAIM):
        if claim["metadata"]["name"] in busy or is_deleting(claim) or not is_initialized(claim):
            continue
        node, pool = node_of(claim, snapshot), pool_of_claim(claim, snapshot)
        if node is None or pool is None or annotations_of(node).get(DO_NOT_DISRUPT) == "true":
            continue
        pods = reschedulable(snapshot.on_node(node["metadata"]["name"]))
        if _is_blocked(pods, budgets):
            continue
        found.append(_candidate(claim, node, pool, pods, prices, now))
    return sorted(found, key=lambda candidate: (candidate.cost, candidate.name))


def _candidate(
    claim: Manifest,
    node: Manifest,
    pool: Pool,
    pods: Sequence[Manifest],
    prices: Mapping[tuple[str, str, str], float],
    now: Instant,
) -> Candidate:
    labels = labels_of(node)
    instance, zone = labels.get(TYPE_LABEL, ""), labels.get(ZONE_LABEL, "")
    capacity_type = labels.get(CAPACITY_LABEL, "on-demand")
    cost = sum(eviction_cost(pod) for pod in pods) * _life_left(claim, pool, now)
    return Candidate(
        claim,
        node["metadata"]["name"],
        pool,
        prices.get((instance, zone, capacity_type), 0.0),
        instance,
        capacity_type,
        tuple(pods),
        round(cost, 9),
        annotations_of(claim).get(HASH) != pool.hash,
    )


def reschedulable(pods: Sequence[Manifest]) -> list[Manifest]:
    """The pods that need another node when theirs goes."""
    found = []
    for pod in pods:
        owner = controller_of(pod)
        is_daemon = owner is not None and owner["kind"] in ("DaemonSet", "Node")
        is_over = get_in(pod, "status", "phase") in ("Succeeded", "Failed")
        if not is_daemon and not is_over and not is_deleting(pod):
            found.append(pod)
    return found


def _is_blocked(pods: Sequence[Manifest], budgets: Budgets) -> bool:
    """A pod that must not be disturbed, or whose budget allows nothing, keeps its node."""
    if not all(budgets.allow([pod]) for pod in pods):
        return True
    return any(annotations_of(pod).get(DO_NOT_DISRUPT) == "true" for pod in pods)


def eviction_cost(pod: Manifest) -> float:
    """How much it hurts to evict a pod: one, more or less by deletion cost and priority."""
    deletion = annotations_of(pod).get(DELETION_COST)
    cost = 1.0
    if deletion is not None and deletion.lstrip("-").isdigit():
        cost += int(deletion) / 2**27
    cost += (pod["spec"].get("priority") or 0) / 2**25
    return min(max(cost, -10.0), 10.0)


def _life_left(claim: Manifest, pool: Pool, now: Instant) -> float:
    """The part of its life that a node still has: one near its expiry costs nothing."""
    if pool.expire_after == "Never":
        return 1.0
    whole = parse_span(pool.expire_after)
    age = seconds_between(created_at(claim), now)
    return min(max((whole - age) / whole, 0.0), 1.0) if whole else 1.0
