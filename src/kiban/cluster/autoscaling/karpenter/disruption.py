"""Which nodes are disrupted now: empty ones, drifted ones, then those that cost too much.

One decision at a time: it is validated after fifteen seconds, its replacements are launched, and
when they serve, the nodes' claims are deleted. Source: controllers/disruption/controller.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kiban.cluster.autoscaling.cluster_autoscaler.registry import has_taint
from kiban.cluster.autoscaling.karpenter.budgets import allowed
from kiban.cluster.autoscaling.karpenter.candidates import Candidate
from kiban.cluster.autoscaling.karpenter.claims import is_initialized
from kiban.cluster.autoscaling.karpenter.consolidation import (
    Decision,
    Try,
    multi_node,
    single_node,
)
from kiban.cluster.autoscaling.karpenter.objects import DISRUPTED_TAINT, claim_key
from kiban.cluster.autoscaling.karpenter.settings import Settings
from kiban.cluster.controllers.writing import change, event, warning
from kiban.kube.objects import NODE, Key, Manifest, get_in, uid_of
from kiban.primitives.instants import Instant, later, parse_span, seconds_between
from kiban.reconcile.commands import Command, Delete
from kiban.reconcile.controller import Snapshot


@dataclass(frozen=True, slots=True)
class Replacing:
    """A decision under way: the claims that must serve before the old ones go."""

    decision: Decision
    replacements: tuple[str, ...]
    started: Instant


@dataclass(slots=True)
class Disruption:
    """Kept from one poll to the next. `quiet_since` tells since when nothing happened on a
    node."""

    settings: Settings
    pending: Decision | None = None
    replacing: list[Replacing] = field(default_factory=list)
    quiet_since: dict[str, Instant] = field(default_factory=dict)

    def busy(self) -> dict[str, None]:
        """Claims of nodes that are being disrupted."""
        return {
            candidate.name: None
            for entry in self.replacing
            for candidate in entry.decision.candidates
        }

    # Deciding

    def decide(
        self,
        found: Sequence[Candidate],
        attempt: Try,
        nodes: dict[str, int],
        going: dict[str, int],
        now: Instant,
    ) -> Decision | None:
        """The first method that finds something. `nodes` and `going` count by pool."""

        def within(reason: str, wanted: Sequence[Candidate]) -> list[Candidate]:
            taken = dict(going)
            kept = []
            for candidate in wanted:
                pool = candidate.pool
                gone = taken.get(pool.name, 0)
                if allowed(pool, reason, nodes.get(pool.name, 0), gone, now) > 0:
                    taken[pool.name] = gone + 1
                    kept.append(candidate)
            return kept

        quiet = [candidate for candidate in found if self._is_quiet(candidate, now)]
        empty = within("Empty", [candidate for candidate in quiet if not candidate.pods])
        if empty:
            return Decision("Empty", tuple(empty), (), now)
        for candidate in within("Drifted", [c for c in found if c.is_drifted]):
            solution = attempt([candidate])
            if not solution.left:
                return Decision("Drifted", (candidate,), tuple(solution.drafts), now)
        used = within(
            "Underutilized",
            [c for c in quiet if c.pods and c.pool.policy != "WhenEmpty"],
        )
        return multi_node(used, attempt, self.settings, now) or single_node(
            used, attempt, self.settings, now
        )

    def _is_quiet(self, candidate: Candidate, now: Instant) -> bool:
        """Whether nothing has happened on the node for as long as its pool wants."""
        after = candidate.pool.consolidate_after
        if after == "Never":
            return False
        since = self.quiet_since.get(candidate.node)
        return since is None or seconds_between(since, now) >= parse_span(after)

    def next_quiet(self, found: Sequence[Candidate], now: Instant) -> Instant | None:
        """When the next node has been quiet for long enough."""
        dues = [
            later(self.quiet_since[c.node], parse_span(c.pool.consolidate_after))
            for c in found
            if c.node in self.quiet_since and c.pool.consolidate_after != "Never"
        ]
        return min((due for due in dues if due > now), default=None)

    # Acting

    def begin(
        self,
        decision: Decision,
        replacements: Sequence[str],
        snapshot: Snapshot,
        now: Instant,
    ) -> list[Command]:
        """Taint the nodes; the claims go when their replacements serve, at once without any."""
        commands: list[Command] = []
        for candidate in decision.candidates:
            node = snapshot.get(Key(*NODE, "", candidate.node))
            if node is None:
                continue
            commands += _tainted(node)
            text = f"Disrupting Node: {decision.reason}/{decision.verb}"
            commands.append(event(node, "DisruptionTerminating", text))
        self.replacing.append(Replacing(decision, tuple(replacements), now))
        return commands

    def advance(self, snapshot: Snapshot, now: Instant) -> list[Command]:
        """Finish the decisions whose replacements serve; give up those whose never will."""
        commands: list[Command] = []
        kept = []
        for entry in self.replacing:
            claims = [snapshot.get(claim_key(name)) for name in entry.replacements]
            waited = seconds_between(entry.started, now)
            if any(claim is None for claim in claims) or waited > self.settings.replacement_timeout:
                commands += _given_up(entry.decision, snapshot)
            elif all(claim is not None and is_initialized(claim) for claim in claims):
                for candidate in entry.decision.candidates:
                    if snapshot.get(claim_key(candidate.name)) is not None:
                        commands.append(Delete(claim_key(candidate.name), uid_of(candidate.claim)))
            else:
                kept.append(entry)
        self.replacing = kept
        return commands


def still_holds(decision: Decision, found: Sequence[Candidate], attempt: Try) -> bool:
    """Whether a decision would be made again: its nodes are candidates, empty ones still empty,
    and the pods still fit with as few new machines."""
    now_there = {candidate.name: candidate for candidate in found}
    current = [now_there.get(candidate.name) for candidate in decision.candidates]
    chosen = [candidate for candidate in current if candidate is not None]
    if len(chosen) < len(decision.candidates):
        return False
    if decision.reason == "Empty":
        return not any(candidate.pods for candidate in chosen)
    solution = attempt(chosen)
    if solution.left or len(solution.drafts) > len(decision.drafts):
        return False
    wanted = {offer.instance: None for draft in decision.drafts for offer in draft.options}
    return all(
        any(offer.instance in wanted for offer in draft.options) for draft in solution.drafts
    )


def _tainted(node: Manifest) -> list[Command]:
    if has_taint(node, DISRUPTED_TAINT["key"]):
        return []
    taints = [*get_in(node, "spec", "taints", default=[]), DISRUPTED_TAINT]
    return [change(node, {"spec": {"taints": taints}})]


def _given_up(decision: Decision, snapshot: Snapshot) -> list[Command]:
    commands: list[Command] = []
    for candidate in decision.candidates:
        node = snapshot.get(Key(*NODE, "", candidate.node))
        if node is None:
            continue
        taints = [
            taint
            for taint in get_in(node, "spec", "taints", default=[])
            if taint["key"] != DISRUPTED_TAINT["key"]
        ]
        commands.append(change(node, {"spec": {"taints": taints or None}}))
        text = "a replacement could not be launched"
        commands.append(warning(node, "DisruptionBlocked", text))
    return commands
