"""Runs a plan: a state machine that is told the time and the answers, and says what is due.

Whoever drives it writes `take_records()` to the journal before carrying out what `due` gave.
Made again from the plan and its records, a run goes on where the last acknowledged record left
it: an act that was begun and not answered is asked for again, one that was answered never is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kiban.plans.plan import Gate, Plan, Step, failures_of
from kiban.plans.records import (
    Answer,
    Ending,
    GateAnswered,
    PlanClosed,
    Record,
    StepMoved,
    StepState,
)
from kiban.primitives.instants import Instant, later

# A check or a gate that answered unknown is asked again; the maker can ask sooner by `nudge`.
ASK_AGAIN_SECONDS = 2.0
# The pause before an act is tried again, doubled each time.
RETRY_SECONDS = 1.0
RETRY_LIMIT_SECONDS = 60.0

State = Literal["waiting", "acting", "checking", "done", "failed", "skipped", "undoing", "undone"]
_OVER = frozenset({"done", "failed", "skipped", "undone"})


@dataclass(frozen=True, slots=True)
class Ask:
    """What is due: act, check that it worked, undo, or measure a gate."""

    kind: Literal["act", "check", "undo", "measure"]
    node: Step | Gate
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to an ask.

    Unknown to an act means it may or may not have happened; to a check or a gate, not yet. A
    failure that is `final` is not worth another attempt. `measured` is what a gate saw.
    """

    answer: Answer
    message: str = ""
    final: bool = False
    measured: Mapping[str, Any] = field(default_factory=dict)


PASS = Result("pass")


@dataclass(slots=True)
class _Node:
    state: State = "waiting"
    attempt: int = 0
    message: str = ""
    asked: bool = False
    ask_at: Instant | None = None
    deadline: Instant | None = None
    measured: Mapping[str, Any] = field(default_factory=dict)


class PlanRun:
    """One run of one plan. `ending` is empty while it goes on."""

    def __init__(self, plan: Plan, history: Iterable[Record] = ()) -> None:
        self.plan = plan
        self.ending: Ending | Literal[""] = ""
        self.message = ""
        self._spec = {node.id: node for node in plan.nodes}
        self._nodes = {id_: _Node() for id_ in self._spec}
        self._open = dict.fromkeys(self._spec)
        self._records: list[Record] = []
        for record in history:
            self._replay(record)

    @property
    def is_idle(self) -> bool:
        """Whether nothing that was asked is unanswered."""
        return not any(self._nodes[id_].asked for id_ in self._open)

    def has(self, id_: str) -> bool:
        """Whether the plan has a step or gate of that id."""
        return id_ in self._nodes

    def state_of(self, id_: str) -> State:
        return self._nodes[id_].state

    def message_of(self, id_: str) -> str:
        return self._nodes[id_].message

    def measured_of(self, id_: str) -> Mapping[str, Any]:
        """What a gate saw when it was measured last, also before a crash."""
        return self._nodes[id_].measured

    def states(self) -> Mapping[str, State]:
        return {id_: node.state for id_, node in self._nodes.items()}

    def due(self, now: Instant) -> list[Ask]:
        """What to do now. Write `take_records()` to the journal first."""
        if self.ending:
            return []
        self._expire(now)
        self._skip()
        asks = [ask for id_ in list(self._open) if (ask := self._ask(id_, now)) is not None]
        if not asks and self.is_idle:
            asks = self._undo_or_close(now)
        return asks

    def answer(self, id_: str, result: Result, now: Instant) -> None:
        """The answer to the ask about a step or gate."""
        node, spec = self._nodes[id_], self._spec[id_]
        if not node.asked:
            return
        node.asked = False
        if isinstance(spec, Gate):
            self._answer_gate(id_, result, now)
        elif node.state == "acting":
            self._answer_act(spec, result, now)
        elif node.state == "checking":
            self._answer_check(spec, result, now)
        elif node.state == "undoing":
            self._move(id_, "undone" if result.answer == "pass" else "failed", result.message)

    def nudge(self) -> None:
        """Something changed: ask again at once for what was not known yet."""
        for id_ in self._open:
            if self._nodes[id_].state == "checking" or isinstance(self._spec[id_], Gate):
                self._nodes[id_].ask_at = None

    def stop(self, ending: Ending, message: str) -> None:
        """End the run where it stands."""
        if not self.ending:
            self._close(ending, message)

    def next_due(self) -> Instant | None:
        """When to ask again if no answer comes before, or None."""
        if self.ending:
            return None
        times = [node.deadline for id_ in self._open if (node := self._nodes[id_]).deadline]
        times += [
            node.ask_at
            for id_ in self._open
            if (node := self._nodes[id_]).ask_at is not None and not node.asked
        ]
        return min((time for time in times if time is not None), default=None)

    def take_records(self) -> tuple[Record, ...]:
        """The records that are not in the journal yet."""
        records, self._records = tuple(self._records), []
        return records

    # Deciding

    def _ask(self, id_: str, now: Instant) -> Ask | None:
        node, spec = self._nodes[id_], self._spec[id_]
        if node.asked or (node.ask_at is not None and node.ask_at > now):
            return None
        if node.state == "waiting":
            if not self._may_begin(id_):
                return None
            self._begin(id_, now)
        elif node.state == "acting":
            self._again(id_)
        if node.state not in ("acting", "checking"):
            return None
        node.deadline = node.deadline or later(now, spec.timeout_seconds)
        node.asked, node.ask_at = True, None
        if isinstance(spec, Gate):
            return Ask("measure", spec)
        return Ask("act" if node.state == "acting" else "check", spec, node.attempt)

    def _may_begin(self, id_: str) -> bool:
        spec = self._spec[id_]
        if any(self._nodes[need].state != "done" for need in spec.needs):
            return False
        return not failures_of(spec) or self._has_failed(id_)

    def _has_failed(self, id_: str) -> bool:
        """Whether the case that a node is there for has come: the rest is over, and badly."""
        if any(not failures_of(self._spec[other]) for other in self._open):
            return False
        return any(
            self._nodes[other].state in ("failed", "skipped")
            for other in failures_of(self._spec[id_])
        )

    def _begin(self, id_: str, now: Instant) -> None:
        node, spec = self._nodes[id_], self._spec[id_]
        node.deadline = later(now, spec.timeout_seconds)
        if isinstance(spec, Gate):
            node.state = "checking"
        else:
            node.attempt = 1
            self._move(id_, "started")

    def _again(self, id_: str) -> None:
        node = self._nodes[id_]
        node.attempt += 1
        self._move(id_, "started", node.message)

    def _answer_act(self, step: Step, result: Result, now: Instant) -> None:
        node = self._nodes[step.id]
        if result.answer == "pass":
            self._move(step.id, "done" if step.check is None else "acted", result.message)
        elif result.answer == "fail" and (result.final or node.attempt >= step.attempts):
            self._move(step.id, "failed", result.message)
        else:
            node.message = result.message
            pause = min(RETRY_LIMIT_SECONDS, RETRY_SECONDS * 2 ** min(node.attempt - 1, 10))
            node.ask_at = later(now, pause)

    def _answer_check(self, step: Step, result: Result, now: Instant) -> None:
        node = self._nodes[step.id]
        if result.answer == "unknown":
            node.message, node.ask_at = result.message, later(now, ASK_AGAIN_SECONDS)
        else:
            state: StepState = "done" if result.answer == "pass" else "failed"
            self._move(step.id, state, result.message)

    def _answer_gate(self, id_: str, result: Result, now: Instant) -> None:
        node = self._nodes[id_]
        # The same answer with the same words again and again is one fact.
        if result.answer != "unknown" or result.message != node.message:
            told = (self.plan.id, id_, result.answer, result.message, result.measured)
            self._records.append(GateAnswered(*told))
        node.message, node.measured = result.message, result.measured
        if result.answer == "unknown":
            node.ask_at = later(now, ASK_AGAIN_SECONDS)
        else:
            self._settle(id_, "done" if result.answer == "pass" else "failed")

    def _expire(self, now: Instant) -> None:
        for id_ in list(self._open):
            node = self._nodes[id_]
            if node.deadline is not None and node.deadline <= now and node.state != "undoing":
                why = f"not done after {self._spec[id_].timeout_seconds:g} s"
                text = f"{why}: {node.message}" if node.message else why
                if isinstance(self._spec[id_], Gate):
                    self._records.append(GateAnswered(self.plan.id, id_, "unknown", text))
                    node.message = text
                    self._settle(id_, "failed")
                else:
                    self._move(id_, "failed", text)

    def _skip(self) -> None:
        """What needs something that failed will not run, nor what is there for another case."""
        changed = True
        while changed:
            changed = False
            for id_ in list(self._open):
                if self._nodes[id_].state == "waiting" and (why := self._obstacle(id_)):
                    self._move(id_, "skipped", why)
                    changed = True

    def _obstacle(self, id_: str) -> str:
        """Why a waiting node will never run; empty when it still may."""
        for need in self._spec[id_].needs:
            lost = self._nodes[need]
            if lost.state == "skipped":
                return lost.message
            if lost.state == "failed":
                return f"{need} did not succeed" + (f": {lost.message}" if lost.message else "")
        if not failures_of(self._spec[id_]) or self._has_failed(id_):
            return ""
        is_rest_over = all(failures_of(self._spec[other]) for other in self._open)
        return "nothing failed" if is_rest_over else ""

    def _undo_or_close(self, now: Instant) -> list[Ask]:
        if any(self._nodes[id_].ask_at is not None for id_ in self._open):
            return []
        failed = [id_ for id_, node in self._nodes.items() if node.state == "failed"]
        if failed and self.plan.undo_on_failure and (ask := self._next_undo()) is not None:
            return [ask]
        undone = any(node.state == "undone" for node in self._nodes.values())
        if not failed and not undone:
            self._close("done", "")
        else:
            self._close("failed", "; ".join(self._told(id_) for id_ in failed))
        return []

    def _next_undo(self) -> Ask | None:
        """The last step that acted and can be undone, one at a time."""
        for step in reversed(self.plan.steps):
            node = self._nodes[step.id]
            if step.undo is None or node.state not in ("done", "undoing"):
                continue
            self._open[step.id] = None
            self._move(step.id, "undoing")
            node.asked = True
            return Ask("undo", step, node.attempt)
        return None

    def _told(self, id_: str) -> str:
        node, spec = self._nodes[id_], self._spec[id_]
        return f"{spec.subject}: {node.message}" if node.message else spec.subject

    # Moving

    def _move(self, id_: str, state: StepState, message: str = "") -> None:
        node = self._nodes[id_]
        self._records.append(StepMoved(self.plan.id, id_, state, node.attempt, message))
        node.message = message
        self._settle(id_, _STATE_AFTER[state])

    def _settle(self, id_: str, state: State) -> None:
        node = self._nodes[id_]
        node.state = state
        if state in _OVER:
            node.asked, node.ask_at, node.deadline = False, None, None
            self._open.pop(id_, None)

    def _close(self, ending: Ending, message: str) -> None:
        self.ending, self.message = ending, message
        self._records.append(
            PlanClosed(self.plan.id, self.plan.subject, ending, message, self.plan.facts)
        )

    def _replay(self, record: Record) -> None:
        match record:
            case StepMoved(plan=plan) if plan == self.plan.id:
                node = self._nodes[record.step]
                node.attempt, node.message = record.attempt, record.message
                self._settle(record.step, _STATE_AFTER[record.state])
            case GateAnswered(plan=plan) if plan == self.plan.id:
                self._replay_gate(record)
            case PlanClosed(plan=plan) if plan == self.plan.id:
                self.ending, self.message = record.ending, record.message
            case _:
                pass

    def _replay_gate(self, record: GateAnswered) -> None:
        node = self._nodes[record.gate]
        node.message, node.measured = record.message, record.measured
        if record.answer != "unknown":
            self._settle(record.gate, "done" if record.answer == "pass" else "failed")


_STATE_AFTER: dict[StepState, State] = {
    "started": "acting",
    "acted": "checking",
    "done": "done",
    "failed": "failed",
    "skipped": "skipped",
    "undoing": "undoing",
    "undone": "undone",
}
