"""The journal read as a record of acts: who did what, to what, why, from which commit, and which
gate allowed it. One line an act, in a form that may leave the house."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from kiban.plans.plan import Plan
from kiban.plans.records import Entry, Event, GateAnswered, PlanClosed, PlanOpened, StepMoved
from kiban.primitives.instants import rfc3339_micro

COLUMNS = ("sequence", "at", "who", "what", "subject", "result", "why", "commit", "plan")
# States of a step that say what came out; the others are on the way.
_RESULTS = frozenset({"done", "failed", "skipped", "undone"})


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the record. `who` is the author of the commit behind it, or whoever an event
    names; empty for what Kiban noticed by itself."""

    sequence: int
    at: str
    who: str
    what: str
    subject: str
    result: str
    why: str = ""
    commit: str = ""
    plan: str = ""

    def as_data(self) -> dict[str, Any]:
        return asdict(self)


def acts(entries: Iterable[Entry]) -> Iterator[Act]:
    """The acts in the journal's entries, which must be in their order.

    A step whose plan is not among the entries is told by its plan's name alone.
    """
    plans: dict[str, Plan] = {}
    for entry in entries:
        record = entry.record
        if isinstance(record, PlanOpened):
            plans[record.plan.id] = record.plan
        if (act := _act(entry, plans)) is not None:
            yield act


def _act(entry: Entry, plans: Mapping[str, Plan]) -> Act | None:
    at = rfc3339_micro(entry.at)
    match entry.record:
        case PlanOpened(plan):
            return Act(
                entry.sequence, at, _who(plan), plan.words, plan.subject, "began",
                _why(plan), _commit(plan), plan.id,
            )  # fmt: skip
        case PlanClosed() as closed:
            known = plans.get(closed.plan)
            return Act(
                entry.sequence, at, _who(known), known.words if known else closed.plan,
                closed.subject, closed.ending, closed.message, _commit(known), closed.plan,
            )  # fmt: skip
        case StepMoved() as moved if moved.state in _RESULTS:
            return _step(entry, moved, plans.get(moved.plan))
        case GateAnswered() as gate:
            known = plans.get(gate.plan)
            about = known.subject if known else _watched(gate.measured)
            return Act(
                entry.sequence, at, _who(known), f"gate {gate.gate}", about, gate.answer,
                gate.message, _commit(known), gate.plan,
            )  # fmt: skip
        case Event() as event:
            return Act(
                entry.sequence, at, str(event.data.get("who", "")), event.code, event.subject,
                "", event.message, str(event.data.get("commit", "")), event.plan,
            )  # fmt: skip
        case _:
            return None


def _step(entry: Entry, moved: StepMoved, plan: Plan | None) -> Act:
    step = next((each for each in plan.steps if each.id == moved.step), None) if plan else None
    return Act(
        entry.sequence,
        rfc3339_micro(entry.at),
        _who(plan),
        step.words if step else moved.step,
        plan.subject if plan else "",
        moved.state,
        moved.message,
        _commit(plan),
        moved.plan,
    )


def _watched(measured: Mapping[str, Any]) -> str:
    """The release that a gate without a plan was asked about."""
    if "service" not in measured:
        return ""
    return f"{measured['service']}={measured['tag']} in {measured['environment']}"


def _who(plan: Plan | None) -> str:
    return str(plan.facts.get("author", "")) if plan else ""


def _why(plan: Plan) -> str:
    return str(plan.facts.get("reason") or plan.facts.get("message") or "")


def _commit(plan: Plan | None) -> str:
    return str(plan.facts.get("commit", "")) if plan else ""
