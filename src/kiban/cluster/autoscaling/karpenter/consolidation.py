"""Whether nodes can go, or be replaced by one that is cheaper: tried on the trial.

Several nodes at once are searched by halving, then each by itself. A replacement is at most one
node, strictly cheaper than what it replaces; spot is not replaced by spot unless that is switched
on and there are many cheaper types. Source: controllers/disruption/{consolidation,
multinodeconsolidation,singlenodeconsolidation}.go.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kiban.cluster.autoscaling.karpenter.candidates import Candidate
from kiban.cluster.autoscaling.karpenter.provider import Offering
from kiban.cluster.autoscaling.karpenter.settings import Settings
from kiban.cluster.autoscaling.karpenter.solving import Draft, Solution
from kiban.primitives.instants import Instant

Try = Callable[[Sequence[Candidate]], Solution]
DELETE, REPLACE = "delete", "replace"
BEGINNING = Instant(0)


@dataclass(frozen=True, slots=True)
class Decision:
    """Nodes to disrupt for a reason, and the machines to launch before."""

    reason: str
    candidates: tuple[Candidate, ...]
    drafts: tuple[Draft, ...] = ()
    at: Instant = BEGINNING

    @property
    def verb(self) -> str:
        return REPLACE if self.drafts else DELETE


def consolidated(
    chosen: Sequence[Candidate], attempt: Try, settings: Settings, now: Instant
) -> Decision | None:
    """The decision that these nodes go together; None when that saves nothing or does not fit."""
    solution = attempt(chosen)
    if solution.left or len(solution.drafts) > 1:
        return None
    if not solution.drafts:
        return Decision("Underutilized", tuple(chosen), (), now)
    draft = solution.drafts[0]
    options = cheaper(draft.options, chosen, settings)
    if not options:
        return None
    draft.options = options
    return Decision("Underutilized", tuple(chosen), (draft,), now)


def cheaper(
    options: Sequence[Offering], chosen: Sequence[Candidate], settings: Settings
) -> list[Offering]:
    """The offerings for which the replacement pays."""
    paid = sum(candidate.price for candidate in chosen)
    found = [offer for offer in options if offer.price < paid - 1e-9]
    if len(chosen) > 1:
        # One of the same type as a node that goes must be cheaper than that one: else that node
        # could simply have stayed.
        present = {candidate.instance: candidate.price for candidate in chosen}
        shared = [present[offer.instance] for offer in found if offer.instance in present]
        if shared:
            found = [offer for offer in found if offer.price < min(shared) - 1e-9]
    if all(candidate.capacity_type == "spot" for candidate in chosen):
        spot = [offer for offer in found if offer.capacity_type == "spot"]
        if spot and not _spot_may_follow(spot, len(chosen), settings):
            return []
    return found


def _spot_may_follow(spot: Sequence[Offering], count: int, settings: Settings) -> bool:
    if not settings.allows_spot_to_spot:
        return False
    types = dict.fromkeys(offer.instance for offer in spot)
    return count > 1 or len(types) >= settings.min_cheaper_spot_types


def multi_node(
    ordered: Sequence[Candidate], attempt: Try, settings: Settings, now: Instant
) -> Decision | None:
    """The largest number of the cheapest disruptions that can be one decision, by halving."""
    best: Decision | None = None
    low, high = 2, min(len(ordered), settings.max_multi_candidates)
    while low <= high:
        middle = (low + high) // 2
        found = consolidated(ordered[:middle], attempt, settings, now)
        if found is not None:
            best, low = found, middle + 1
        else:
            high = middle - 1
    return best


def single_node(
    ordered: Sequence[Candidate], attempt: Try, settings: Settings, now: Instant
) -> Decision | None:
    """The first node that can go or be replaced by itself."""
    for candidate in ordered:
        found = consolidated([candidate], attempt, settings, now)
        if found is not None:
            return found
    return None
