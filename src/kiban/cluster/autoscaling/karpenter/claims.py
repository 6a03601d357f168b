"""A NodeClaim from its creation to a Node that serves, and back: launch, registration, eviction.

Source: controllers/nodeclaim/lifecycle, controllers/node/termination of kubernetes-sigs/karpenter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kiban.cluster.autoscaling.cluster_autoscaler.registry import has_taint, is_ready
from kiban.cluster.autoscaling.karpenter.objects import (
    API_VERSION,
    CAPACITY_LABEL,
    DISRUPTED_TAINT,
    HASH,
    INITIALIZED_LABEL,
    NODE_POOL,
    POOL_LABEL,
    TERMINATION,
    TYPE_LABEL,
    UNREGISTERED,
    ZONE_LABEL,
    Pool,
    condition,
    pool_of,
)
from kiban.cluster.autoscaling.karpenter.provider import LaunchProvider, Offering
from kiban.cluster.autoscaling.karpenter.settings import Settings
from kiban.cluster.autoscaling.karpenter.solving import Draft, labels_of_offer, offers_for
from kiban.cluster.autoscaling.provider import ProviderRefusal
from kiban.cluster.controllers.pods import created_at, instant_in
from kiban.cluster.controllers.writing import change, event, warning
from kiban.cluster.scheduler.taints import is_borne
from kiban.cluster.scheduler.terms import node_term
from kiban.kube.objects import (
    NODE,
    Key,
    Manifest,
    annotations_of,
    condition_of,
    controller_of,
    get_in,
    is_deleting,
    is_true,
    key_of,
    labels_of,
    uid_of,
)
from kiban.primitives.instants import Instant, later, seconds_between
from kiban.reconcile.commands import Command, Create, Delete, Evict, Patch
from kiban.reconcile.controller import NOTHING, Outcome, Snapshot

_CRITICAL = frozenset({"system-cluster-critical", "system-node-critical"})


def claim_for(draft: Draft, name: str, settings: Settings) -> Create:
    """The NodeClaim of a machine to launch."""
    pool, options = draft.pool, draft.options[: settings.max_instance_types]
    requirements = [
        {"key": key, "operator": "In", "values": sorted(dict.fromkeys(values))}
        for key, values in (
            (TYPE_LABEL, [offer.instance for offer in options]),
            (ZONE_LABEL, [offer.zone for offer in options]),
            (CAPACITY_LABEL, [offer.capacity_type for offer in options]),
        )
    ]
    return Create(
        {
            "apiVersion": API_VERSION,
            "kind": "NodeClaim",
            "metadata": {
                "name": name,
                "labels": {**pool.labels, POOL_LABEL: pool.name},
                "annotations": {HASH: pool.hash},
                "finalizers": [TERMINATION],
            },
            "spec": {
                "requirements": requirements,
                "taints": [dict(taint) for taint in pool.taints],
                "expireAfter": pool.expire_after,
            },
        }
    )


def node_of(claim: Manifest, snapshot: Snapshot) -> Manifest | None:
    """The Node of a claim, once it has registered."""
    name = get_in(claim, "status", "nodeName")
    return snapshot.get(Key(*NODE, "", name)) if name else None


def pool_of_claim(claim: Manifest, snapshot: Snapshot) -> Pool | None:
    name = labels_of(claim).get(POOL_LABEL, "")
    found = snapshot.get(Key(*NODE_POOL, "", name))
    return pool_of(found) if found is not None else None


def is_initialized(claim: Manifest) -> bool:
    return is_true(claim, "Initialized")


@dataclass(slots=True)
class _Try:
    """Evictions of one pod that were refused so far, and when to ask again."""

    count: int
    again: Instant


@dataclass(slots=True)
class Lifecycle:
    """All claims. `terminated` are machines that were ended; `tries` the evictions under way."""

    provider: LaunchProvider
    settings: Settings
    tries: dict[str, dict[str, _Try]] = field(default_factory=dict)
    # Claims whose machines the cloud is about to take.
    taken: dict[str, None] = field(default_factory=dict)

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        claim = snapshot.get(key)
        if claim is None:
            self.tries.pop(key.name, None)
            return NOTHING
        if self.taken.pop(key.name, self) is None and not is_deleting(claim):
            text = "the machine is about to be taken back"
            told = warning(claim, "SpotInterrupted", text)
            return Outcome((told, Delete(key, uid_of(claim))))
        if is_deleting(claim):
            return self._leave(claim, snapshot, now)
        if not get_in(claim, "status", "providerID"):
            return self._launch(claim, snapshot, now)
        return self._come(claim, snapshot, now)

    # Coming

    def _launch(self, claim: Manifest, snapshot: Snapshot, now: Instant) -> Outcome:
        pool = pool_of_claim(claim, snapshot)
        if pool is None or seconds_between(created_at(claim), now) > self.settings.launch_timeout:
            return Outcome((Delete(key_of(claim), uid_of(claim)),))
        choices = self._choices(claim, pool, now)
        startup = {"key": UNREGISTERED, "effect": "NoExecute"}
        node: Manifest = {
            "metadata": {"labels": {**pool.labels, POOL_LABEL: pool.name}},
            "spec": {"taints": [*(dict(taint) for taint in pool.taints), startup]},
        }
        try:
            launched = self.provider.launch(pool.name, choices, node, now)
        except ProviderRefusal as refusal:
            text = f"NodeClaim {claim['metadata']['name']} event: {refusal}"
            told = warning(claim, "InsufficientCapacityError", text)
            return Outcome((told, Delete(key_of(claim), uid_of(claim))))
        offer = launched.offering
        status = {
            "providerID": launched.provider_id,
            "nodeName": launched.node,
            "capacity": dict(offer.capacity),
            "allocatable": dict(offer.allocatable),
            "conditions": [condition("Launched", now)],
        }
        labels = labels_of_offer(pool, offer)
        return Outcome(
            (
                change(claim, {"metadata": {"labels": labels}}),
                Patch(key_of(claim), {"status": status}, "status", uid_of(claim)),
                event(claim, "Launched", "Status condition transitioned, Type: Launched"),
            ),
            self.settings.registration_timeout,
        )

    def _choices(self, claim: Manifest, pool: Pool, now: Instant) -> Sequence[Offering]:
        term = node_term({"matchExpressions": claim["spec"]["requirements"]})
        return [
            offer
            for offer in offers_for(pool, self.provider.offerings(now))
            if term.matches("", labels_of_offer(pool, offer))
        ]

    def _come(self, claim: Manifest, snapshot: Snapshot, now: Instant) -> Outcome:
        """Registered and initialized are written as they come true; what never comes true, or is
        gone, is given up."""
        node = node_of(claim, snapshot)
        registered = is_true(claim, "Registered")
        if node is None:
            launched = instant_in(condition_of(claim, "Launched") or {}, "lastTransitionTime")
            waited = seconds_between(launched or created_at(claim), now)
            if registered or waited >= self.settings.registration_timeout:
                return Outcome((Delete(key_of(claim), uid_of(claim)),))
            return Outcome(wake_after=self.settings.registration_timeout - waited + 0.001)
        commands: list[Command] = []
        added: list[Manifest] = []
        if not registered:
            taints = [
                t for t in get_in(node, "spec", "taints", default=[]) if t["key"] != UNREGISTERED
            ]
            labels = {**labels_of(claim), "karpenter.sh/registered": "true"}
            commands.append(
                change(node, {"metadata": {"labels": labels}, "spec": {"taints": taints or None}})
            )
            added.append(condition("Registered", now))
        elif not is_initialized(claim) and is_ready(node):
            commands.append(change(node, {"metadata": {"labels": {INITIALIZED_LABEL: "true"}}}))
            added += [condition("Initialized", now), condition("Ready", now)]
        if added:
            kept = get_in(claim, "status", "conditions", default=[])
            status = {"status": {"conditions": [*kept, *added]}}
            commands.append(Patch(key_of(claim), status, "status", uid_of(claim)))
        return Outcome(tuple(commands))

    # Leaving

    def _leave(self, claim: Manifest, snapshot: Snapshot, now: Instant) -> Outcome:
        """Taint, evict, end the machine, let the claim go."""
        provider_id = get_in(claim, "status", "providerID", default="")
        node = node_of(claim, snapshot)
        if node is not None and provider_id and self.provider.exists(provider_id):
            drained = self._drained(claim, node, snapshot, now)
            if drained is not None:
                return drained
        if provider_id:
            self.provider.terminate(provider_id, now)
        self.tries.pop(claim["metadata"]["name"], None)
        kept = [name for name in claim["metadata"].get("finalizers", []) if name != TERMINATION]
        commands: list[Command] = [change(claim, {"metadata": {"finalizers": kept or None}})]
        if node is not None:
            commands.insert(0, Delete(key_of(node), uid_of(node)))
        return Outcome(tuple(commands))

    def _drained(
        self, claim: Manifest, node: Manifest, snapshot: Snapshot, now: Instant
    ) -> Outcome | None:
        """The next step of emptying the node; None when it is empty."""
        commands: list[Command] = []
        if not has_taint(node, DISRUPTED_TAINT["key"]):
            taints = [*get_in(node, "spec", "taints", default=[]), DISRUPTED_TAINT]
            commands.append(change(node, {"spec": {"taints": taints}}))
        waves = _waves(snapshot.on_node(node["metadata"]["name"]))
        if not waves:
            return None
        tries = self.tries.setdefault(claim["metadata"]["name"], {})
        wake = self.settings.eviction_longest
        for pod in waves[0]:
            if is_deleting(pod):
                continue
            tried = tries.get(uid_of(pod))
            if tried is None or tried.again <= now:
                count = tried.count + 1 if tried else 0
                delay = min(
                    self.settings.eviction_first * 2.0 ** min(count, 10),
                    self.settings.eviction_longest,
                )
                tried = tries[uid_of(pod)] = _Try(count, later(now, delay))
                commands.append(Evict(key_of(pod)))
            wake = min(wake, max(seconds_between(now, tried.again), 0.001))
        return Outcome(tuple(commands), wake)


def _waves(pods: Sequence[Manifest]) -> list[list[Manifest]]:
    """The pods that must leave, in the order in which they are asked to: ordinary ones first,
    then daemons, then critical ones, then critical daemons."""
    waves: dict[tuple[bool, bool], list[Manifest]] = {}
    for pod in pods:
        if get_in(pod, "status", "phase") in ("Succeeded", "Failed"):
            continue
        if "kubernetes.io/config.mirror" in annotations_of(pod):
            continue
        if is_borne(DISRUPTED_TAINT, pod["spec"].get("tolerations") or ()):
            continue
        owner = controller_of(pod)
        is_daemon = owner is not None and owner["kind"] == "DaemonSet"
        is_critical = pod["spec"].get("priorityClassName") in _CRITICAL
        waves.setdefault((is_critical, is_daemon), []).append(pod)
    return [waves[kind] for kind in sorted(waves)]
