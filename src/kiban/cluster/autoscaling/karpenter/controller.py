"""Karpenter as a controller: it provisions for pods that wait, and disrupts nodes that cost too
much.

Keys: one for provisioning, which waits until a batch of pods is complete; one for disruption,
polled every ten seconds while something has changed; one for each NodeClaim.
"""

from collections.abc import Iterable, Mapping, Sequence

from kiban.cluster.autoscaling.karpenter.candidates import Candidate, candidates, reschedulable
from kiban.cluster.autoscaling.karpenter.claims import (
    Lifecycle,
    claim_for,
    is_initialized,
    node_of,
)
from kiban.cluster.autoscaling.karpenter.consolidation import Decision
from kiban.cluster.autoscaling.karpenter.disruption import Disruption, still_holds
from kiban.cluster.autoscaling.karpenter.objects import (
    NODE_CLAIM,
    NODE_POOL,
    POOL_LABEL,
    claim_key,
    pool_of,
)
from kiban.cluster.autoscaling.karpenter.provider import LaunchProvider
from kiban.cluster.autoscaling.karpenter.settings import Settings
from kiban.cluster.autoscaling.karpenter.solving import (
    Draft,
    Solution,
    Solver,
    Supply,
    offers_for,
)
from kiban.cluster.autoscaling.picture import WATCHED, Picture, Relevance
from kiban.cluster.autoscaling.templates import put_template
from kiban.cluster.controllers.pods import created_at
from kiban.cluster.controllers.writing import event, warning
from kiban.cluster.scheduler.requests import amounts
from kiban.kube.objects import (
    NODE,
    POD,
    Key,
    Manifest,
    get_in,
    is_deleting,
    key_of,
    labels_of,
    uid_of,
)
from kiban.primitives.instants import Instant, later, parse_span, seconds_between
from kiban.reconcile.commands import Command, Delete
from kiban.reconcile.controller import NOTHING, Change, Outcome, Snapshot

NAME = "karpenter"
PROVISION = Key("", "Karpenter", "", "provisioning")
DISRUPT = Key("", "Karpenter", "", "disruption")
_DEFAULTS = Settings()


class Karpenter:
    """Launches and ends machines one by one, through a provider."""

    name = NAME
    watches = WATCHED | {NODE_POOL, NODE_CLAIM}

    def __init__(self, provider: LaunchProvider, settings: Settings = _DEFAULTS) -> None:
        self.provider, self.settings = provider, settings
        self.picture = Picture()
        self.lifecycle = Lifecycle(provider, settings)
        self.disruption = Disruption(settings)
        self._batch_began: Instant | None = None
        self._last_pod: Instant | None = None
        self._has_new_pods = False
        self._is_watching = False
        self._changed = True
        self._names: dict[str, str] = {}

    # Being told

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        kind = change.key.group_kind
        keys: list[Key] = []
        if kind == NODE_CLAIM:
            keys += self._claim_changed(change)
            relevance = Relevance.SOON
        elif kind == NODE_POOL:
            relevance = Relevance.SOON
        else:
            relevance = self.picture.observe(change)
            keys += self._claims_of(change)
        if relevance == Relevance.AT_ONCE:
            self._has_new_pods = True
            keys.append(PROVISION)
        if relevance:
            self._changed = True
            if not self._is_watching:
                self._is_watching = True
                keys.append(DISRUPT)
        return keys

    def _claim_changed(self, change: Change) -> list[Key]:
        node = get_in(change.object, "status", "nodeName")
        if node and change.after is not None:
            self._names[node] = change.key.name
        elif node:
            self._names.pop(node, None)
        goes = change.after is None or is_deleting(change.after)
        if goes:
            self._has_new_pods = True
        return [change.key, *([PROVISION] if goes else [])]

    def _claims_of(self, change: Change) -> list[Key]:
        """The claim of the node that changed, or on which a pod did."""
        if change.key.group_kind == NODE:
            name = self._names.get(change.key.name)
        elif change.key.group_kind == POD and (change.after is None or is_deleting(change.after)):
            name = self._names.get(get_in(change.object, "spec", "nodeName", default=""))
            if name is not None and name not in self.lifecycle.tries:
                return []
        else:
            return []
        return [claim_key(name)] if name is not None else []

    def interrupted(self, claim: str) -> Key:
        """The machine of a claim is about to be taken: the key to wake, which deletes it."""
        self._taken[claim] = None
        return claim_key(claim)

    @property
    def _taken(self) -> dict[str, None]:
        return self.lifecycle.taken

    def claim_of(self, node: str) -> str | None:
        """The claim that a node belongs to."""
        return self._names.get(node)

    # Working

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        if key == PROVISION:
            return self._provision(snapshot, now)
        if key == DISRUPT:
            return self._disrupt(snapshot, now)
        return self.lifecycle.reconcile(key, snapshot, now)

    def _settle(self, snapshot: Snapshot, now: Instant) -> None:
        self.picture.settle(snapshot)
        touched, self.picture.touched = self.picture.touched, {}
        for node in touched:
            self.disruption.quiet_since[node] = now

    # Provisioning

    def _provision(self, snapshot: Snapshot, now: Instant) -> Outcome:
        """Wait until no pod has come for a second, ten at most; then solve for all of them."""
        if self._has_new_pods:
            self._has_new_pods = False
            self._last_pod = now
            self._batch_began = self._batch_began or now
        if self._batch_began is None or self._last_pod is None:
            return NOTHING
        idle = later(self._last_pod, self.settings.batch_idle)
        due = min(idle, later(self._batch_began, self.settings.batch_max))
        if now < due:
            return Outcome(wake_after=seconds_between(now, due))
        self._batch_began = self._last_pod = None
        self._settle(snapshot, now)
        pods = self._waiting(snapshot)
        if not pods:
            return NOTHING
        trial = self.picture.trial
        trial.fork()
        solution = self._solve(pods, (), snapshot, now)
        trial.revert()
        commands, _ = self._claims(solution.drafts, snapshot)
        for pod in solution.left:
            text = "no node pool has a machine for the pod"
            commands.append(warning(pod, "FailedScheduling", text))
        self._has_new_pods = bool(solution.left)
        retry = self.settings.unhelped_retry if solution.left else None
        return Outcome(tuple(commands), retry)

    def _waiting(self, snapshot: Snapshot) -> list[Manifest]:
        """Pods without a node, and those whose node is going."""
        pods = [pod for key in sorted(self.picture.pending) if (pod := snapshot.get(key))]
        for claim in snapshot.list(NODE_CLAIM):
            if is_deleting(claim) and (node := get_in(claim, "status", "nodeName")):
                pods += reschedulable(snapshot.on_node(node))
        return pods

    def _solve(
        self,
        pods: Sequence[Manifest],
        without: Sequence[Candidate],
        snapshot: Snapshot,
        now: Instant,
    ) -> Solution:
        """Place pods on the trial as it will be: with machines on their way, without those that
        go."""
        trial = self.picture.trial
        gone = {candidate.node: None for candidate in without}
        for claim in snapshot.list(NODE_CLAIM):
            node = get_in(claim, "status", "nodeName")
            if node is None:
                continue
            if is_deleting(claim) or node in gone:
                trial.drop_node(node)
            elif not is_initialized(claim):
                _put_coming(self.picture, claim, snapshot)
        for pod in pods:
            trial.drop_pod(key_of(pod))
        solver = Solver(self.picture.fitting, self._supply(snapshot, now), snapshot)
        return solver.solve(pods, respects=self.settings.respects_preferences)

    def _supply(self, snapshot: Snapshot, now: Instant) -> Supply:
        pools = [pool_of(manifest) for manifest in snapshot.list(NODE_POOL)]
        pools.sort(key=lambda pool: (-pool.weight, pool.name))
        offerings = self.provider.offerings(now)
        room: dict[str, Mapping[str, int]] = {}
        for pool in pools:
            if pool.limits:
                room[pool.name] = _room(pool.name, amounts(pool.limits), snapshot)
        return Supply(pools, {pool.name: offers_for(pool, offerings) for pool in pools}, room)

    def _claims(
        self, drafts: Sequence[Draft], snapshot: Snapshot
    ) -> tuple[list[Command], list[str]]:
        commands: list[Command] = []
        names: list[str] = []
        for draft in drafts:
            name = f"{draft.pool.name}-{snapshot.chance.suffix()}"
            names.append(name)
            commands.append(claim_for(draft, name, self.settings))
            for info in draft.pods:
                pod = snapshot.get(info.key)
                if pod is not None:
                    text = f"Pod should schedule on: nodeclaim/{name}"
                    commands.append(event(pod, "Nominated", text))
        return commands, names

    # Disruption

    def _disrupt(self, snapshot: Snapshot, now: Instant) -> Outcome:
        """One poll: expire, finish what is under way, validate or decide."""
        self._settle(snapshot, now)
        commands = _expired(snapshot, now)
        commands += self.disruption.advance(snapshot, now)
        pending = self.disruption.pending
        if pending is not None:
            due = later(pending.at, self.settings.validation_delay)
            if now < due:
                return Outcome(tuple(commands), seconds_between(now, due))
        elif self.disruption.replacing:
            return Outcome(tuple(commands), self.settings.disruption_poll)
        found = candidates(snapshot, self.disruption.busy(), self.provider.offerings(now), now)
        more, wake = self._judge(found, snapshot, now)
        return Outcome((*commands, *more), wake)

    def _judge(
        self, found: Sequence[Candidate], snapshot: Snapshot, now: Instant
    ) -> tuple[list[Command], float | None]:
        """Carry out what was decided if it still holds, or decide anew; and when to poll again."""
        changed, self._changed = self._changed, False
        pending, self.disruption.pending = self.disruption.pending, None
        if pending is not None:
            changed = True
            if still_holds(pending, found, lambda chosen: self._try(chosen, snapshot, now)):
                acts = self._carry_out(pending, snapshot, now)
                return acts, self.settings.disruption_poll
        elif changed or self._has_quieted(found, now):
            decision = self._decide(found, snapshot, now)
            if decision is not None:
                self.disruption.pending = decision
                return [], self.settings.validation_delay
        return [], self._next_poll(found, snapshot, now, changed=changed)

    def _has_quieted(self, found: Sequence[Candidate], now: Instant) -> bool:
        since = later(now, -self.settings.disruption_poll)
        due = self.disruption.next_quiet(found, since)
        return due is not None and due <= now

    def _next_poll(
        self, found: Sequence[Candidate], snapshot: Snapshot, now: Instant, *, changed: bool
    ) -> float | None:
        """Poll again while something goes on; else when time alone may change the answer."""
        if changed:
            return self.settings.disruption_poll
        dues = [self.disruption.next_quiet(found, now), _next_expiry(snapshot, now)]
        due = min((at for at in dues if at is not None), default=None)
        if due is None:
            self._is_watching = False
            return None
        self._is_watching = False
        return seconds_between(now, due) + 0.001

    def _decide(
        self, found: Sequence[Candidate], snapshot: Snapshot, now: Instant
    ) -> Decision | None:
        nodes: dict[str, int] = {}
        going: dict[str, int] = {}
        busy = self.disruption.busy()
        for claim in snapshot.list(NODE_CLAIM):
            pool = labels_of(claim).get(POOL_LABEL, "")
            nodes[pool] = nodes.get(pool, 0) + 1
            goes = is_deleting(claim) or claim["metadata"]["name"] in busy
            going[pool] = going.get(pool, 0) + goes
        attempt = lambda chosen: self._try(chosen, snapshot, now)  # noqa: E731
        return self.disruption.decide(found, attempt, nodes, going, now)

    def _try(self, chosen: Sequence[Candidate], snapshot: Snapshot, now: Instant) -> Solution:
        """Where the pods of these nodes would go without them."""
        trial = self.picture.trial
        pods = [pod for candidate in chosen for pod in candidate.pods]
        trial.fork()
        try:
            solution = self._solve([*self._waiting(snapshot), *pods], chosen, snapshot, now)
        finally:
            trial.revert()
        unhelped = {uid_of(pod): None for pod in solution.left}
        coming = _coming(snapshot)
        # A node must not go for the sake of one that does not serve yet.
        solution.left = [
            pod
            for pod in pods
            if uid_of(pod) in unhelped or solution.placed.get(uid_of(pod)) in coming
        ]
        return solution

    def _carry_out(self, decision: Decision, snapshot: Snapshot, now: Instant) -> list[Command]:
        commands, names = self._claims(decision.drafts, snapshot)
        commands += self.disruption.begin(decision, names, snapshot, now)
        if not names:
            commands += self.disruption.advance(snapshot, now)
        return commands


def _coming(snapshot: Snapshot) -> dict[str, None]:
    """The nodes of claims that do not serve yet."""
    return {
        name: None
        for claim in snapshot.list(NODE_CLAIM)
        if not is_initialized(claim) and (name := get_in(claim, "status", "nodeName"))
    }


def _put_coming(picture: Picture, claim: Manifest, snapshot: Snapshot) -> None:
    """Have a machine that is on its way on the trial as it will be."""
    name = claim["status"]["nodeName"]
    template: Manifest = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels_of(claim)},
        "spec": {"taints": get_in(claim, "spec", "taints", default=[])},
        "status": {name: claim["status"][name] for name in ("capacity", "allocatable")},
    }
    if node_of(claim, snapshot) is None:
        put_template(picture.trial, template, name, snapshot)
    else:
        picture.trial.put_node(template)


def _room(pool: str, limits: Mapping[str, int], snapshot: Snapshot) -> dict[str, int]:
    """What a pool may still grow by."""
    left = dict(limits)
    for claim in snapshot.list(NODE_CLAIM):
        if labels_of(claim).get(POOL_LABEL) == pool:
            size = amounts(get_in(claim, "status", "capacity", default={}))
            left = {name: amount - size.get(name, 0) for name, amount in left.items()}
    return left


def _expiry(claim: Manifest) -> Instant | None:
    wanted = get_in(claim, "spec", "expireAfter", default="Never")
    return None if wanted == "Never" else later(created_at(claim), parse_span(wanted))


def _expired(snapshot: Snapshot, now: Instant) -> list[Command]:
    """Claims that have lived for long enough go, whatever runs on them."""
    return [
        Delete(key_of(claim), uid_of(claim))
        for claim in snapshot.list(NODE_CLAIM)
        if not is_deleting(claim) and (at := _expiry(claim)) is not None and at <= now
    ]


def _next_expiry(snapshot: Snapshot, now: Instant) -> Instant | None:
    dues = [_expiry(claim) for claim in snapshot.list(NODE_CLAIM)]
    return min((due for due in dues if due is not None and due > now), default=None)
