"""Which pods of lower priority have to go so that a pod finds room, and on which node.

On every node that could be helped, all pods of lower priority are taken away and put back, the
most important first, as long as the pod still fits. Budgets are broken only when no node can do
without. Source: pkg/scheduler/framework/preemption/preemption.go, plugins/defaultpreemption.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kiban.cluster.scheduler.messages import NO_VICTIMS, NOT_HELPFUL, summary
from kiban.cluster.scheduler.node_info import NodeInfo, PodInfo
from kiban.cluster.scheduler.placing import Attempt, verdict_on
from kiban.cluster.scheduler.verdict import Refusals
from kiban.cluster.scheduler.view import View
from kiban.kube.objects import POD_DISRUPTION_BUDGET, get_in
from kiban.kube.selectors import LabelSelector, selector_from_object
from kiban.reconcile.controller import Snapshot

# Candidates to weigh: a tenth of the nodes, at least a hundred.
FEWEST_CANDIDATES = 100
CANDIDATE_PERCENT = 10

NEVER = "not eligible due to preemptionPolicy=Never"
UNDER_WAY = "not eligible due to a terminating pod on the nominated node"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node and the pods that would have to go from it."""

    node: str
    victims: tuple[PodInfo, ...]
    violations: int


@dataclass(slots=True)
class Answer:
    """A node to make room on, or the words why there is none."""

    candidate: Candidate | None = None
    message: str = ""


@dataclass(slots=True)
class Budget:
    """How many more pods a disruption budget lets go."""

    namespace: str
    selector: LabelSelector
    allowed: int
    disrupted: Mapping[str, object] = field(default_factory=dict)


def preempt(attempt: Attempt, rejections: Refusals, view: View, snapshot: Snapshot) -> Answer:
    """The best node to make room on."""
    places = rejections.open_places
    limit = max(len(view.order) * CANDIDATE_PERCENT // 100, FEWEST_CANDIDATES)
    candidates: list[Candidate] = []
    tried = _from_anywhere(places, snapshot)
    if not view.has_pods_below(attempt.pod.priority):
        return Answer(message=rejections.without_victims)
    reasons = Counter({NOT_HELPFUL: len(rejections) - len(places)})
    attempt.board.refresh()
    budgets = _budgets(snapshot)
    for at in tried:
        found = _candidate(attempt, view, at, budgets)
        if isinstance(found, Candidate):
            candidates.append(found)
            if len(candidates) >= limit:
                break
        else:
            reasons.update(found)
    if candidates:
        return Answer(min(candidates, key=_cost))
    return Answer(message=summary(len(view.order), reasons))


def _from_anywhere(places: Sequence[int], snapshot: Snapshot) -> Sequence[int]:
    if len(places) <= FEWEST_CANDIDATES:
        return places
    start = snapshot.chance.stream("preemption").randrange(len(places))
    return [*places[start:], *places[:start]]


def _budgets(snapshot: Snapshot) -> list[Budget]:
    return [
        Budget(
            budget["metadata"].get("namespace", ""),
            selector_from_object(budget["spec"].get("selector")),
            get_in(budget, "status", "disruptionsAllowed", default=0),
            get_in(budget, "status", "disruptedPods", default={}),
        )
        for budget in snapshot.list(POD_DISRUPTION_BUDGET)
    ]


def _candidate(
    attempt: Attempt, view: View, at: int, budgets: Sequence[Budget]
) -> Candidate | tuple[str, ...]:
    """The pods to remove from one node, or the reasons why that would not help."""
    info = view.seats[at]
    lower = [pod for pod in info.pods.values() if pod.priority < attempt.pod.priority]
    if not lower:
        return (NO_VICTIMS,)
    lower.sort(key=_importance)
    tried = info.copy()
    for pod in lower:
        tried.remove(pod.key)
    for other in view.nominated.get(info.name, {}).values():
        if other.key != attempt.pod.key and other.priority >= attempt.pod.priority:
            tried.add(other)
    rejection = verdict_on(attempt, at, info, tried)
    if rejection is not None:
        return rejection.reasons
    protected, free = _by_budget(lower, budgets)
    broken = _unsaved(attempt, at, info, tried, protected)
    victims = [*broken, *_unsaved(attempt, at, info, tried, free)]
    return Candidate(info.name, tuple(sorted(victims, key=_importance)), len(broken))


def _unsaved(
    attempt: Attempt, at: int, info: NodeInfo, tried: NodeInfo, pods: Sequence[PodInfo]
) -> list[PodInfo]:
    """Put pods back as long as there is room; those for which there is none."""
    victims = []
    for pod in pods:
        tried.add(pod)
        if verdict_on(attempt, at, info, tried) is not None:
            tried.remove(pod.key)
            victims.append(pod)
    return victims


def _by_budget(
    pods: Sequence[PodInfo], budgets: Sequence[Budget]
) -> tuple[list[PodInfo], list[PodInfo]]:
    """The pods whose loss would break a budget, and the others."""
    left = [budget.allowed for budget in budgets]
    protected: list[PodInfo] = []
    free: list[PodInfo] = []
    for pod in pods:
        breaks = False
        for index, budget in enumerate(budgets):
            if budget.namespace != pod.shape.namespace or pod.key.name in budget.disrupted:
                continue
            if budget.selector.matches(pod.shape.labels):
                left[index] -= 1
                breaks = breaks or left[index] < 0
        (protected if breaks else free).append(pod)
    return protected, free


def _importance(pod: PodInfo) -> tuple[int, str, tuple[str, ...]]:
    """Sorts the most important first: higher priority, then longer running."""
    return (-pod.priority, pod.started, pod.key)


def _cost(candidate: Candidate) -> tuple[int, int, int, int, tuple[int, ...]]:
    """Sorts the cheapest first: whole budgets, unimportant victims, few, lately started."""
    victims = candidate.victims
    highest = max((pod.priority for pod in victims), default=-(2**31))
    earliest = min((pod.started for pod in victims if pod.priority == highest), default="")
    total = sum(pod.priority + 2**31 for pod in victims)
    latest_first = tuple(-ord(letter) for letter in earliest)
    return (candidate.violations, highest, total, len(victims), latest_first)
