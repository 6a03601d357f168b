"""What the journal holds: one value for each thing that was decided, done, answered or seen.

Records are facts and are never changed; the state of a plan is what its records add up to. A
record of an act is acknowledged by the journal before the act, so a crash between the two leaves
a step that is known to have been begun and is done again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kiban.plans.plan import JsonObject, Plan, plan_from
from kiban.primitives.instants import Instant, rfc3339_micro

StepState = Literal["started", "acted", "done", "failed", "skipped", "undoing", "undone"]
Answer = Literal["pass", "fail", "unknown"]
Ending = Literal["done", "failed", "superseded", "abandoned"]


@dataclass(frozen=True, slots=True)
class PlanOpened:
    """A plan is going to run, under the fencing token of its lease."""

    plan: Plan
    token: int = 0


@dataclass(frozen=True, slots=True)
class PlanClosed:
    """A plan came to its end, and why if it was not the good one."""

    plan: str
    subject: str
    ending: Ending
    message: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepMoved:
    """A step is in another state; `attempt` counts its acts from 1."""

    plan: str
    step: str
    state: StepState
    attempt: int = 1
    message: str = ""


@dataclass(frozen=True, slots=True)
class GateAnswered:
    """A gate was measured. `measured` is what was seen."""

    plan: str
    gate: str
    answer: Answer
    message: str = ""
    measured: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened: `code` is stable (`delivery/drift-healed`), `subject` names what it is
    about, `message` is for people."""

    code: str
    subject: str
    message: str
    plan: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


Record = PlanOpened | PlanClosed | StepMoved | GateAnswered | Event


@dataclass(frozen=True, slots=True)
class Entry:
    """A record in the journal: its place, growing without end, and when it was written."""

    sequence: int
    at: Instant
    record: Record

    def as_data(self) -> JsonObject:
        return {
            "sequence": self.sequence,
            "at": rfc3339_micro(self.at),
            **record_data(self.record),
        }


def plan_of(record: Record) -> str:
    """The id of the plan a record belongs to, or an empty string."""
    return record.plan.id if isinstance(record, PlanOpened) else record.plan


def subject_of(record: Record) -> str:
    """What a record is about: the subject of its plan or event, or the step or gate."""
    match record:
        case PlanOpened(plan):
            return plan.subject
        case PlanClosed() | Event():
            return record.subject
        case StepMoved():
            return record.step
        case GateAnswered():
            return record.gate


def record_data(record: Record) -> JsonObject:
    """The JSON form; `record_from` reads it back."""
    match record:
        case PlanOpened():
            return {"record": "plan", "plan": record.plan.as_data(), "token": record.token}
        case PlanClosed():
            return {
                "record": "end",
                "plan": record.plan,
                "subject": record.subject,
                "ending": record.ending,
                "message": record.message,
                "facts": dict(record.facts),
            }
        case StepMoved():
            return {
                "record": "step",
                "plan": record.plan,
                "step": record.step,
                "state": record.state,
                "attempt": record.attempt,
                "message": record.message,
            }
        case GateAnswered():
            return {
                "record": "gate",
                "plan": record.plan,
                "gate": record.gate,
                "answer": record.answer,
                "message": record.message,
                "measured": dict(record.measured),
            }
        case Event():
            return {
                "record": "event",
                "code": record.code,
                "subject": record.subject,
                "message": record.message,
                "plan": record.plan,
                "data": dict(record.data),
            }


def record_from(data: Mapping[str, Any]) -> Record:
    """The record that `record_data` gave. Raises `ValueError` for a kind it does not know."""
    fields = {name: value for name, value in data.items() if name != "record"}
    match data["record"]:
        case "plan":
            return PlanOpened(plan_from(data["plan"]), data["token"])
        case "end":
            return PlanClosed(**fields)
        case "step":
            return StepMoved(**fields)
        case "gate":
            return GateAnswered(**fields)
        case "event":
            return Event(**fields)
        case other:
            raise ValueError(f"the journal holds a record of kind {other!r}, which is unknown here")
