"""Carries out one sync plan: turns its steps into asks, and what comes back into answers.

Within a step, objects go out in groups by kind, each group when the one before is answered. The
checks of steps are made on the live state that delivery sees anyway, so waiting for health costs
no request.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from kiban.delivery.autoscaled import at_live_scale
from kiban.delivery.changes import Item
from kiban.delivery.goal import Goal
from kiban.delivery.hook_runs import HookRuns
from kiban.delivery.in_place import in_live_order
from kiban.delivery.judgement import GIVEN_UP, Judge
from kiban.delivery.messages import (
    Answer,
    Apply,
    Ask,
    DryRun,
    MakeSecret,
    Measured,
    ObjectAsk,
    Refused,
    Release,
    Remove,
)
from kiban.delivery.order import in_ranks
from kiban.delivery.progressive.runs import RolloutRuns
from kiban.delivery.secret_values import is_met
from kiban.delivery.steps import SHARED
from kiban.delivery.sync import SyncPlan, secret_key
from kiban.delivery.validating import dry_runs, fault_text, is_acceptable
from kiban.delivery.yielding import Yields
from kiban.kube.kinds import standard_kinds
from kiban.kube.objects import JOB, Key, Manifest, is_deleting, uid_of
from kiban.plans.plan import Gate, Step
from kiban.plans.records import Event, Record
from kiban.plans.run import PASS, PlanRun, Result
from kiban.plans.run import Ask as PlanAsk
from kiban.primitives.instants import Instant

NOT_FOUND = 404
CONFLICT = 409
INVALID = 422
# Answers that the same request will get again.
_FINAL_CODES = frozenset({400, 401, 403, 404, 405, 415, 422})


@dataclass(slots=True)
class _Act:
    """A step that is being carried out: the groups to come, and what is open or went wrong."""

    step: str
    groups: list[tuple[ObjectAsk, ...]]
    open: dict[Key, ObjectAsk] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)


class Execution:
    """One sync plan of a goal on its way."""

    def __init__(self, plan: SyncPlan, goal: Goal, judge: Judge, yields: Yields) -> None:
        self.plan = plan
        self.run = PlanRun(plan.plan)
        self.hooks = HookRuns(plan.hooks, goal, judge.live, judge)
        self.rollouts = RolloutRuns(plan.rolling.going, plan.stagings, goal.wanted, judge)
        self._goal, self._judge, self._live, self._yields = goal, judge, judge.live, yields
        self._acts: dict[str, _Act] = {}
        self._step_of: dict[Key, str] = {}
        self._events: list[Event] = []

    @property
    def is_quiet(self) -> bool:
        """Whether no ask is unanswered."""
        # What is only waiting to be asked, the next commit finds on the objects.
        is_back = not self.rollouts.is_asking if self._is_superseded else self.rollouts.is_quiet
        return not self._step_of and is_back

    @property
    def _is_superseded(self) -> bool:
        return self.run.ending == "superseded"

    def next_due(self) -> Instant | None:
        """When to step if nothing happens before, or None."""
        times = (self.run.next_due(), self.rollouts.next_due())
        return min((time for time in times if time is not None), default=None)

    def step(self, now: Instant) -> list[Ask]:
        """The asks that are due. Append `take_records()` before carrying them out."""
        asks: list[Ask] = []
        if self.run.ending:
            return [] if self._is_superseded else [*self.rollouts.asks(now)]
        for act in list(self._acts.values()):
            asks += self._advance(act, now)
        while due := self.run.due(now):
            for ask in due:
                asks += self._carry_out(ask, now)
        self.rollouts.watch(self.run, now)
        return [*asks, *self.hooks.asks(), *self.rollouts.asks(now)]

    def post(self, answer: Answer, now: Instant) -> None:
        """Take an answer to an ask of this execution."""
        self.rollouts.post(answer, now)
        if isinstance(answer, Measured):
            return
        self.hooks.post(answer)
        step = self._step_of.pop(answer.key, None)
        act = self._acts.get(step) if step else None
        if act is None:
            return
        asked = act.open.pop(answer.key)
        if not isinstance(answer, Refused):
            return
        if again := self._second_try(asked, answer):
            act.groups[:0] = [(ask,) for ask in again]
        elif not _is_harmless(asked, answer):
            act.refused.append(answer)

    def owns(self, key: Key) -> bool:
        """Whether an ask about this object is unanswered."""
        return key in self._step_of or self.rollouts.owns(key)

    def take_records(self) -> tuple[Record, ...]:
        events, self._events = self._events, []
        return (*self.run.take_records(), *events, *self.rollouts.take_events())

    # Acting

    def _carry_out(self, ask: PlanAsk, now: Instant) -> list[Ask]:
        step = ask.node
        if isinstance(step, Gate):
            self.run.answer(step.id, self.rollouts.measure(self.run, step, now), now)
            return []
        if ask.kind == "check":
            self.run.answer(step.id, self._check(step), now)
            return []
        if step.kind == "validate" and (fault := fault_text(self.plan.items[step.id], self._live)):
            self.run.answer(step.id, Result("fail", fault, final=True), now)
            return []
        if step.kind == "held":
            why = Result("fail", str(step.action["why"]), final=True)
            self.run.answer(step.id, why, now)
            return []
        if step.kind == "hook" and (obstacle := self.hooks.obstacle(step.id)):
            self.run.answer(step.id, Result("unknown", obstacle), now)
            return []
        self.rollouts.begin(step.id)
        act = self._acts[step.id] = _Act(step.id, self._groups(step))
        return self._advance(act, now)

    def _groups(self, step: Step) -> list[tuple[ObjectAsk, ...]]:
        match step.kind:
            case "apply":
                return self._applications(self.plan.items.get(step.id, ()))
            case "validate":
                return [dry_runs(self.plan.items[step.id], self._live)]
            case "hook":
                return self.hooks.groups(step.id)
            case "tidy":
                return self.hooks.letting_go()
            case "prune":
                keys = [item.key for item in self.plan.items.get(step.id, ())]
                return [self._removals(rank) for rank in reversed(in_ranks(keys))]
            case "hand-over":
                keys = [item.key for item in self.plan.items.get(step.id, ())]
                removals = self._removals(keys)
                return [tuple(replace(one, orphans=True) for one in removals)]
            case "make-secret":
                need = self.plan.secrets[step.id]
                key = secret_key(need)
                return [(MakeSecret(key, need, self._live.get(key)),)]
            case "record":
                record = self._goal.record(self._live)
                return [(Apply(self._goal.scope.record_key, record, force=True),)]
            case "await-secret":
                return []
            case other:
                raise AssertionError(f"delivery has no step of kind {other}")

    def _applications(self, items: Sequence[Item]) -> list[tuple[ObjectAsk, ...]]:
        """As they are wanted now: since the plan was made, fields may have been left to others."""
        wanted = self._goal.wanted.manifests
        keys = [item.key for item in items]
        return [
            tuple(Apply(key, self._in_place(wanted[key], key)) for key in rank)
            for rank in in_ranks(keys)
        ]

    def _in_place(self, wanted: Manifest, key: Key) -> Manifest:
        """With named entries in the order of what runs, which would restart for another one, and
        as many replicas as an autoscaler wants."""
        live = self._live.get(key)
        if live is None:
            return wanted
        found = in_live_order(wanted, live)
        return at_live_scale(found, live) if key in self._goal.wanted.autoscaled else found

    def _removals(self, keys: Sequence[Key]) -> tuple[Remove, ...]:
        """Only what is still there and still ours: ownership may have moved since the plan."""
        found = [(key, self._live.get(key)) for key in keys]
        return tuple(
            Remove(key, uid_of(live))
            for key, live in found
            if live is not None and self._goal.scope.owns(live) and not is_deleting(live)
        )

    def _advance(self, act: _Act, now: Instant) -> list[Ask]:
        """The next group, when the last one is answered; the step's answer after the last."""
        if self.run.state_of(act.step) != "acting":
            if not act.open:
                self._acts.pop(act.step, None)
            return []
        while not act.open and not act.refused and act.groups:
            group = act.groups.pop(0)
            # An object of which an ask is open already is not asked about twice.
            act.open = {ask.key: ask for ask in group if ask.key not in self._step_of}
            self._step_of |= dict.fromkeys(act.open, act.step)
            if act.open:
                return list(act.open.values())
        if not act.open:
            del self._acts[act.step]
            self.run.answer(act.step, _result(act.refused), now)
        return []

    def _second_try(self, asked: ObjectAsk, answer: Refused) -> tuple[ObjectAsk, ...]:
        """Take over fields that others own; make anew what cannot be changed and may be lost.

        One after the other, so that the asks about one object stay in order.
        """
        if not isinstance(asked, Apply):
            return ()
        if answer.code == CONFLICT and not asked.force:
            if lost := self._yields.lost(asked.key, answer.conflicts):
                reduced = self._goal.wanted.leave(asked.key, [one.field for one in lost])
                for one in lost:
                    text = f"{one.field} of {asked.key} is left to {one.manager}, which writes it"
                    self._note("delivery/yielded", asked.key, text)
                return (Apply(asked.key, self._in_place(reduced, asked.key)),)
            message = f"took fields of {asked.key} back: {answer.message}"
            self._note("delivery/took-over", asked.key, message)
            return (Apply(asked.key, asked.manifest, force=True),)
        live = self._live.get(asked.key)
        immutable = answer.code == INVALID and "immutable" in answer.message
        if immutable and asked.key.group_kind == JOB and live is not None:
            self._note("delivery/replaced", asked.key, f"{asked.key} cannot be changed; made anew")
            return (Remove(asked.key, uid_of(live)), Apply(asked.key, asked.manifest))
        return ()

    def _note(self, code: str, key: Key, message: str) -> None:
        self._events.append(Event(code, str(key), message, self.plan.plan.id))

    # Checking

    def _check(self, step: Step) -> Result:
        if step.kind in ("make-secret", "await-secret"):
            need = self.plan.secrets[step.id]
            if is_met(need, self._live.get(secret_key(need))):
                return PASS
            keys = ", ".join((*need.generate, *need.template)) or "any"
            where = f"{need.namespace}/{need.name}"
            return Result("unknown", f"the Secret {where} is missing (keys: {keys})")
        if step.kind in ("prune", "hand-over"):
            left = [item.key for item in self.plan.items[step.id] if self._live.get(item.key)]
            return Result("unknown", f"{left[0]} is still there") if left else PASS
        if step.kind == "hook":
            return self.hooks.check(step.id)
        if step.id in SHARED:
            return self._healthy([item.key for item in self.plan.items[step.id]])
        if step.id.startswith("pods:"):
            return self._healthy([item.key for item in self.plan.items[step.id]])
        return self._healthy(self._goal.watched.get(step.subject, ()))

    def _healthy(self, keys: Sequence[Key]) -> Result:
        for key in keys:
            if not self._judge.holds_up(key):
                continue
            verdict = self._judge(key)
            text = f"{key.kind} {key.name}: {verdict.message or verdict.reason}"
            given_up = verdict.reason in GIVEN_UP
            return Result("fail" if given_up else "unknown", text, final=given_up)
        return PASS


def _is_harmless(asked: ObjectAsk, answer: Refused) -> bool:
    """Whether a refusal leaves things as they shall be: what is to go is gone or another's, and
    what was only asked about is acceptable all the same."""
    if isinstance(asked, Remove | Release):
        return answer.code == 404 or (answer.code == CONFLICT and isinstance(asked, Remove))
    return isinstance(asked, DryRun) and is_acceptable(asked, answer)


def _result(refused: Sequence[Refused]) -> Result:
    if not refused:
        return PASS
    first = refused[0]
    more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
    text = f"{first.key}: {first.message}{more}"
    return Result("fail", text, final=all(map(_is_final, refused)))


def _is_final(answer: Refused) -> bool:
    # A kind that was defined a moment ago may not be served yet.
    is_young = answer.code == NOT_FOUND and standard_kinds().of(answer.key.group_kind) is None
    return answer.code in _FINAL_CODES and not is_young
