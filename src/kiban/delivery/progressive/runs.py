"""Carries the rollouts of one plan: makes wanted what each step says, answers their gates, and
when one fails gives everything back to the old pods at once, whatever else is going on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kiban.delivery.changes import Wanted
from kiban.delivery.judgement import GIVEN_UP, Judge
from kiban.delivery.messages import (
    Answer,
    Apply,
    Measure,
    Measured,
    ObjectAnswer,
    ObjectAsk,
    Refused,
)
from kiban.delivery.progressive.chain import Staging
from kiban.delivery.progressive.objects import given_up, pods_at
from kiban.delivery.progressive.progress import Progress
from kiban.kube.objects import HORIZONTAL_POD_AUTOSCALER, INGRESS, Key, Manifest
from kiban.plans.plan import Gate, Step
from kiban.plans.records import Event
from kiban.plans.run import PlanRun, Result
from kiban.primitives.instants import Instant, later, rfc3339

ABORTED = "rollout/aborted"
# The steps and gates whose failure ends a rollout; later ones have a good release already.
STAGE_NODES = frozenset({"open", "pods", "share", "gate"})
# How often figures are asked for.
FIGURES_SECONDS = 5.0
# The pause before what was refused on the way back is asked again.
AGAIN_SECONDS = 2.0


@dataclass(slots=True)
class _Return:
    """What is still to be applied, in order, until it is: mostly the way back of a service."""

    groups: list[dict[Key, Manifest]]
    # Not to be asked before.
    at: Instant
    open: dict[Key, Manifest] = field(default_factory=dict)

    def is_over(self, answer: ObjectAnswer, now: Instant) -> bool:
        """Take in an answer that may be about it; whether that was the last one."""
        manifest = self.open.pop(answer.key, None)
        if manifest is None:
            return False
        if isinstance(answer, Refused):
            self.groups.insert(0, {answer.key: manifest})
            self.at = later(now, AGAIN_SECONDS)
        return not self.open and not self.groups


class RolloutRuns:
    """The rollouts of one plan. `stagings` is what each step makes wanted when it begins."""

    def __init__(
        self,
        progresses: Iterable[Progress],
        stagings: Mapping[str, Staging],
        wanted: Wanted,
        judge: Judge,
    ) -> None:
        self._progresses = {one.service: one for one in progresses}
        self._stagings, self._wanted, self._judge = stagings, wanted, judge
        self._returns: dict[str, _Return] = {}
        self._given_up: dict[str, None] = {}
        # Notes on the new pods' Deployment that are still to be written.
        self._marking: dict[Key, _Return] = {}
        # Figures by gate: the last answer, and whether one is being waited for.
        self._figures: dict[str, Measured] = {}
        self._asked: set[str] = set()
        self._asked_at: dict[str, Instant] = {}
        self._asks: list[ObjectAsk | Measure] = []
        self._events: list[Event] = []

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is on its way back."""
        return not (self._returns or self._marking)

    @property
    def is_asking(self) -> bool:
        """Whether an ask is unanswered."""
        return any(way.open for way in (*self._marking.values(), *self._returns.values()))

    def begin(self, step: str) -> None:
        """A step begins: from now on its objects are wanted as it has them."""
        if step in self._stagings:
            self._wanted.stage(self._stagings[step])

    def take_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def owns(self, key: Key) -> bool:
        """Whether an ask about an object is unanswered."""
        return key in self._marking or any(key in one.open for one in self._returns.values())

    # Gates

    def measure(self, run: PlanRun, gate: Gate, now: Instant) -> Result:
        """Whether a stage has gone well for long enough."""
        progress, stage = self._progresses[gate.subject], int(gate.measure["stage"])
        began = run.measured_of(gate.id).get("since")
        if began is None and stage == progress.stage and progress.since is not None:
            began = int(progress.since)
        if began is None:
            began = int(now)
            self._mark(progress, stage, began)
        seen = {"since": began}
        verdict = self._judge(progress.canary)
        if verdict.reason in GIVEN_UP:
            return Result("fail", verdict.message or verdict.reason, final=True, measured=seen)
        end = later(Instant(began), float(gate.measure["pause"]))
        figures = self._figures.get(gate.id)
        if gate.measure["gates"]:
            self._ask_for_figures(gate, progress, Instant(began), now, end)
        if figures is not None and figures.answer == "fail":
            found = {**seen, **figures.measured}
            return Result("fail", figures.words, final=True, measured=found)
        if now < end:
            return Result("unknown", f"goes on until {rfc3339(end)}", measured=seen)
        if self._judge.holds_up(progress.canary):
            return Result("unknown", verdict.message or verdict.reason, measured=seen)
        if not gate.measure["gates"]:
            return Result("pass", measured=seen)
        if figures is None or figures.until < end:
            return Result("unknown", "its figures are not there yet", measured=seen)
        return Result(figures.answer, figures.words, measured={**seen, **figures.measured})

    def _mark(self, progress: Progress, stage: int, began: int) -> None:
        """Write on the new pods' Deployment since when its stage goes on: a pause survives us."""
        objects = pods_at(progress, self._wanted.scope, stage, began)
        mark = {progress.canary: objects[progress.canary]}
        self._wanted.stage(mark)
        self._marking[progress.canary] = _Return([mark], Instant(began))

    def _ask_for_figures(
        self, gate: Gate, progress: Progress, since: Instant, now: Instant, end: Instant
    ) -> None:
        """Now and then, and once more when the pause is over."""
        last = self._asked_at.get(gate.id)
        is_last = last is not None and last < end <= now
        is_due = last is None or is_last or now >= later(last, FIGURES_SECONDS)
        if is_due and gate.id not in self._asked:
            self._asked.add(gate.id)
            self._asked_at[gate.id] = now
            name = progress.canary.name if progress.policy.by_weight else ""
            self._asks.append(Measure(gate.id, progress.service, name, since, now))

    # The way back

    def watch(self, run: PlanRun, now: Instant) -> None:
        """Look whether a stage of any rollout has failed."""
        for service, progress in self._progresses.items():
            if service in self._given_up:
                continue
            for node in run.plan.nodes:
                if _is_stage_of(node, service) and run.state_of(node.id) == "failed":
                    self._given_up[service] = None
                    why = run.message_of(node.id) or _words(node)
                    self._give_up(progress, run.plan.id, f"{_words(node)} {why}", now)
                    break

    def _give_up(self, progress: Progress, plan: str, why: str, now: Instant) -> None:
        """Lead everything to the old pods, then end the new ones."""
        scope, service = self._wanted.scope, progress.service
        left = given_up(progress, scope, why)
        back: Staging = {
            key: None
            for key in progress.related
            if key.group_kind in (INGRESS, HORIZONTAL_POD_AUTOSCALER)
        }
        self._marking.pop(progress.canary, None)
        self._wanted.stage({**back, **left})
        first = {key: self._wanted.manifests[key] for key in back}
        first |= {key: one for key, one in left.items() if key != progress.canary}
        groups = [first] if first else []
        groups.append({progress.canary: left[progress.canary]})
        self._returns[service] = _Return(groups, now)
        message = f"{service} goes back to its old pods: {why}"
        data = {"service": service, "image": progress.image, "why": why}
        self._events.append(Event(ABORTED, scope.subject, message, plan, data))

    def asks(self, now: Instant) -> list[ObjectAsk | Measure]:
        """What is to be asked now."""
        for way in (*self._marking.values(), *self._returns.values()):
            if not way.open and way.groups and way.at <= now:
                way.open = way.groups.pop(0)
                self._asks += [Apply(key, one, force=True) for key, one in way.open.items()]
        asks, self._asks = self._asks, []
        return asks

    def next_due(self) -> Instant | None:
        """When something is asked again if nothing happens before, or None."""
        ways = (*self._marking.values(), *self._returns.values())
        return min((way.at for way in ways if not way.open), default=None)

    def post(self, answer: Answer, now: Instant) -> None:
        """Take an answer to one of our asks; what is refused on the way back is asked again."""
        if isinstance(answer, Measured):
            self._asked.discard(answer.gate)
            self._figures[answer.gate] = answer
            return
        for key in [key for key, way in self._marking.items() if way.is_over(answer, now)]:
            del self._marking[key]
        for service in [one for one, way in self._returns.items() if way.is_over(answer, now)]:
            del self._returns[service]


def _is_stage_of(node: Step | Gate, service: str) -> bool:
    return node.subject == service and node.id.partition(":")[0] in STAGE_NODES


def _words(node: Step | Gate) -> str:
    if isinstance(node, Gate):
        return f"with {node.measure['share']}% on its new pods:"
    return f"{node.words}:"
