"""Where pods would go, and which machines would have to be launched for the rest.

Nodes that are there come first, then machines asked for already, then new ones: those of this
round with the fewest pods first, then another one from the pools by weight. A new machine keeps
every offering that suits all its pods, and is launched as the cheapest. Source:
provisioning/scheduling/scheduler.go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kiban.cluster.autoscaling.karpenter.objects import (
    CAPACITY_LABEL,
    POOL_LABEL,
    TYPE_LABEL,
    ZONE_LABEL,
    Pool,
)
from kiban.cluster.autoscaling.karpenter.preferences import forms
from kiban.cluster.autoscaling.karpenter.provider import Offering
from kiban.cluster.autoscaling.simulation import Fitting
from kiban.cluster.autoscaling.templates import put_template
from kiban.cluster.scheduler.node_info import HOSTNAME_LABEL, PodInfo, pod_info
from kiban.cluster.scheduler.terms import node_term
from kiban.kube.objects import Manifest
from kiban.reconcile.controller import Snapshot


@dataclass(slots=True)
class Draft:
    """A machine to launch: its pool, what it may be, and the pods that go there."""

    node: str
    pool: Pool
    options: list[Offering]
    pods: list[PodInfo] = field(default_factory=list)

    @property
    def price(self) -> float:
        return self.options[0].price


@dataclass(slots=True)
class Solution:
    """Machines to launch, the nodes on which other pods found room, and the pods for which there
    is no help."""

    drafts: list[Draft] = field(default_factory=list)
    placed: dict[str, str] = field(default_factory=dict)
    left: list[Manifest] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Supply:
    """What new machines may be: pools by weight, offerings by price, and room under limits."""

    pools: Sequence[Pool]
    offerings: Mapping[str, Sequence[Offering]]
    room: Mapping[str, Mapping[str, int]]


class Solver:
    """Solves on a trial that the caller has forked; what it places stays there."""

    def __init__(self, fitting: Fitting, supply: Supply, snapshot: Snapshot) -> None:
        self._fitting, self._trial = fitting, fitting.trial
        self._supply, self._snapshot = supply, snapshot
        self._used: dict[str, dict[str, int]] = {}
        self.solution = Solution()

    def solve(self, pods: Sequence[Manifest], *, respects: bool = True) -> Solution:
        """Place the largest pods first, each as strictly as it goes."""
        for pool in self._supply.pools:
            self._put_domains(pool)
        for pod in sorted(pods, key=_order):
            if not any(self._place(form) for form in forms(pod, respects=respects)):
                self.solution.left.append(pod)
        return self.solution

    def _put_domains(self, pool: Pool) -> None:
        """Where a pool could have machines, there is a domain of every topology though nobody is
        there yet; a node of no size stands for it. That holds for hosts too: there can always be
        another one."""
        shown: dict[tuple[str, str], None] = {}
        for offer in self._supply.offerings.get(pool.name, ()):
            where = (offer.zone, offer.capacity_type)
            if where not in shown:
                shown[where] = None
                name = f"domain-{pool.name}-{offer.zone}-{offer.capacity_type}"
                template = template_of(pool, offer, name)
                self._trial.put_node({**template, "status": {}})

    def _place(self, form: Manifest) -> bool:
        pod = pod_info(form)
        drafted = {draft.node: None for draft in self.solution.drafts}
        order = self._trial.seats
        places = [
            at
            for at, info in enumerate(order)
            if info.node is not None and info.name not in drafted
        ]
        at = self._fitting.first(pod, places)
        if at is not None:
            self._trial.put_pod(pod, order[at].name)
            self.solution.placed[pod.uid] = order[at].name
            return True
        for draft in sorted(self.solution.drafts, key=lambda draft: (len(draft.pods), draft.node)):
            if self._join(draft, pod):
                return True
        return any(self._draft(pool, pod) for pool in self._supply.pools)

    def _join(self, draft: Draft, pod: PodInfo) -> bool:
        """Put the pod on a machine of this round, if some offering still suits them all."""
        if self._fitting.rejection(pod, draft.node) is not None:
            return False
        info = self._trial.info(draft.node)
        assert info is not None
        self._trial.put_pod(pod, draft.node)
        options = [
            offer for offer in draft.options if _suits(offer, draft.pool, pod, info.requested)
        ]
        pinned = _pinned(pod)
        if pinned:
            zone = info.labels.get(ZONE_LABEL)
            options = [offer for offer in options if offer.zone == zone]
        if not options:
            self._trial.drop_pod(pod.key)
            return False
        draft.options = options
        draft.pods.append(pod)
        return True

    def _draft(self, pool: Pool, pod: PodInfo) -> bool:
        """Another machine from a pool; zones are tried in turn where they matter."""
        offers = self._within_limits(pool, self._supply.offerings.get(pool.name, ()))
        fitting = [offer for offer in offers if _suits(offer, pool, pod, dict(pod.shape.requests))]
        zones = list(dict.fromkeys(offer.zone for offer in fitting))
        for zone in zones:
            number = len(self.solution.drafts)
            name = f"new-{pool.name}-{number}"
            largest = max(
                (offer for offer in fitting if offer.zone == zone),
                key=lambda offer: (_size(offer), -offer.price),
            )
            put_template(self._trial, template_of(pool, largest, name), name, self._snapshot)
            draft = Draft(name, pool, list(fitting))
            if self._join(draft, pod):
                self.solution.drafts.append(draft)
                self._charge(draft)
                return True
            for key in list(self._trial.seats[self._trial.index[name]].pods):
                self._trial.drop_pod(key)
            self._trial.drop_node(name)
        return False

    def _within_limits(self, pool: Pool, offers: Sequence[Offering]) -> list[Offering]:
        room = self._supply.room.get(pool.name)
        if room is None:
            return list(offers)
        used = self._used.get(pool.name, {})
        return [
            offer
            for offer in offers
            if all(
                offer.size.get(name, 0) + used.get(name, 0) <= most for name, most in room.items()
            )
        ]

    def _charge(self, draft: Draft) -> None:
        """Count a machine against its pool's limits, as the largest that it may become."""
        used = self._used.setdefault(draft.pool.name, {})
        for name in self._supply.room.get(draft.pool.name, ()):
            used[name] = used.get(name, 0) + max(o.size.get(name, 0) for o in draft.options)


def template_of(pool: Pool, offer: Offering, name: str) -> Manifest:
    """The Node that such a machine would register."""
    labels = {**labels_of_offer(pool, offer), HOSTNAME_LABEL: name}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"taints": [dict(taint) for taint in pool.taints]},
        "status": {"capacity": dict(offer.capacity), "allocatable": dict(offer.allocatable)},
    }


def labels_of_offer(pool: Pool, offer: Offering) -> dict[str, str]:
    return {
        **offer.labels,
        **pool.labels,
        POOL_LABEL: pool.name,
        TYPE_LABEL: offer.instance,
        ZONE_LABEL: offer.zone,
        CAPACITY_LABEL: offer.capacity_type,
    }


def offers_for(pool: Pool, offerings: Sequence[Offering]) -> list[Offering]:
    """The offerings that a pool's requirements allow, cheapest first."""
    term = node_term({"matchExpressions": list(pool.requirements)})
    return [
        offer
        for offer in offerings
        if not pool.requirements or term.matches("", labels_of_offer(pool, offer))
    ]


def _suits(offer: Offering, pool: Pool, pod: PodInfo, requested: Mapping[str, int]) -> bool:
    """Whether the pod may run on such a machine, and all that is asked for fits on it."""
    room, choice = offer.room, pod.shape.node_choice
    if any(amount > room.get(name, 0) for name, amount in requested.items() if amount):
        return False
    if not choice.selector and choice.terms is None:
        return True
    return pod.shape.node_choice.matches("", labels_of_offer(pool, offer))


def _pinned(pod: PodInfo) -> bool:
    """Whether it matters to the pod in which zone it is, beyond its own choice of nodes."""
    shape = pod.shape
    keys = [spread.topology_key for spread in shape.hard_spreads]
    keys += [term.topology_key for term in (*shape.attracted, *shape.repelled)]
    return any(key != HOSTNAME_LABEL for key in keys) or bool(shape.claims)


def _size(offer: Offering) -> tuple[int, int]:
    return offer.room.get("cpu", 0), offer.room.get("memory", 0)


def _order(pod: Manifest) -> tuple[int, int, str, str]:
    asked = dict(pod_info(pod).shape.requests)
    metadata = pod["metadata"]
    return (
        -asked.get("cpu", 0),
        -asked.get("memory", 0),
        metadata.get("creationTimestamp") or "",
        metadata.get("uid", ""),
    )
