"""What is going to be done, as values: a plan of steps and gates, and the lease that says who may.

A plan is plain data with a JSON form, so that it can be shown before it runs, written down before
it acts, and picked up by another process after a crash. It holds no secret and no large object:
an action names what to do, and the maker of the plan knows how.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kiban.primitives.graphs import cycle
from kiban.primitives.instants import Instant

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One act of a plan.

    `kind` and `action` tell the executor what to do; doing it twice must be the same as doing it
    once. `check` says how to see that it worked (None: the act's own answer is enough), `undo`
    how to take it back (None: it cannot be). `words` is the act as a person would say it.
    A step with `on_failure_of` is for the bad case only: it runs when everything else is over and
    one of those nodes did not succeed, and is skipped otherwise.
    """

    id: str
    kind: str
    subject: str
    words: str
    needs: tuple[str, ...] = ()
    action: Mapping[str, Any] = field(default_factory=dict)
    check: Mapping[str, Any] | None = None
    undo: Mapping[str, Any] | None = None
    timeout_seconds: float = 600.0
    attempts: int = 3
    on_failure_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """A question on the way: the steps that need it wait until the answer is pass.

    An answer of unknown is asked again, and when time is up it counts as a failure.
    """

    id: str
    question: str
    subject: str
    needs: tuple[str, ...] = ()
    measure: Mapping[str, Any] = field(default_factory=dict)
    timeout_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A graph of steps and gates about one subject (`sync` of `arcade/dev`).

    `facts` is what the plan was made from (a commit, a reason). With `undo_on_failure` a failed
    plan takes back what it did, in reverse order, as far as its steps can be undone.
    """

    id: str
    kind: str
    subject: str
    words: str
    steps: tuple[Step, ...]
    gates: tuple[Gate, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    undo_on_failure: bool = False

    def __post_init__(self) -> None:
        needs = {node.id: (*node.needs, *failures_of(node)) for node in self.nodes}
        assert len(needs) == len(self.steps) + len(self.gates), "two nodes of a plan share an id"
        unknown = [need for wants in needs.values() for need in wants if need not in needs]
        assert not unknown, f"the plan needs what it does not have: {unknown}"
        assert not (loop := cycle(needs)), f"the plan waits for itself: {loop}"

    @property
    def nodes(self) -> "tuple[Step | Gate, ...]":
        """The gates and the steps."""
        return (*self.gates, *self.steps)

    def as_data(self) -> JsonObject:
        """The JSON form; `plan_from` reads it back."""
        return {
            "id": self.id,
            "kind": self.kind,
            "subject": self.subject,
            "words": self.words,
            "facts": dict(self.facts),
            "undoOnFailure": self.undo_on_failure,
            "steps": [_step_data(step) for step in self.steps],
            "gates": [_gate_data(gate) for gate in self.gates],
        }


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act on a subject until an instant.

    The fencing token grows with every new holder, so that what an earlier holder writes late can
    be told apart and refused.
    """

    name: str
    holder: str
    token: int
    expires: Instant

    def is_valid(self, now: Instant) -> bool:
        return now < self.expires


def failures_of(node: Step | Gate) -> tuple[str, ...]:
    """The nodes whose failure a node is there for; empty for one of the good case."""
    return node.on_failure_of if isinstance(node, Step) else ()


def plan_from(data: Mapping[str, Any]) -> Plan:
    """The plan that `as_data` gave."""
    return Plan(
        id=data["id"],
        kind=data["kind"],
        subject=data["subject"],
        words=data["words"],
        facts=data.get("facts") or {},
        undo_on_failure=data.get("undoOnFailure", False),
        steps=tuple(_step_from(step) for step in data["steps"]),
        gates=tuple(_gate_from(gate) for gate in data.get("gates", ())),
    )


def _step_data(step: Step) -> JsonObject:
    data: JsonObject = {
        "id": step.id,
        "kind": step.kind,
        "subject": step.subject,
        "words": step.words,
        "needs": list(step.needs),
        "action": dict(step.action),
        "timeoutSeconds": step.timeout_seconds,
        "attempts": step.attempts,
    }
    data |= {"check": dict(step.check)} if step.check is not None else {}
    data |= {"undo": dict(step.undo)} if step.undo is not None else {}
    data |= {"onFailureOf": list(step.on_failure_of)} if step.on_failure_of else {}
    return data


def _step_from(data: Mapping[str, Any]) -> Step:
    return Step(
        id=data["id"],
        kind=data["kind"],
        subject=data["subject"],
        words=data["words"],
        needs=tuple(data["needs"]),
        action=data["action"],
        check=data.get("check"),
        undo=data.get("undo"),
        timeout_seconds=data["timeoutSeconds"],
        attempts=data["attempts"],
        on_failure_of=tuple(data.get("onFailureOf", ())),
    )


def _gate_data(gate: Gate) -> JsonObject:
    return {
        "id": gate.id,
        "question": gate.question,
        "subject": gate.subject,
        "needs": list(gate.needs),
        "measure": dict(gate.measure),
        "timeoutSeconds": gate.timeout_seconds,
    }


def _gate_from(data: Mapping[str, Any]) -> Gate:
    return Gate(
        id=data["id"],
        question=data["question"],
        subject=data["subject"],
        needs=tuple(data["needs"]),
        measure=data["measure"],
        timeout_seconds=data["timeoutSeconds"],
    )
