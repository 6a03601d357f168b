"""The loop that calls controllers when something they care about has changed or come due.

It is driven from outside: `observe` tells it of changes, `next_due` says when there is work,
`step` does the work that is due. Commands go to an executor. A key is parked until its last
outcome's commands are answered, so no controller ever waits to see its own writes. The embedded
store answers at once; on a remote cluster the answers come later, through `answer`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from kiban.kube.objects import GroupKind, Key
from kiban.primitives.instants import Instant, later
from kiban.reconcile.agenda import Agenda
from kiban.reconcile.backoff import Backoff
from kiban.reconcile.commands import Command, Refusal
from kiban.reconcile.controller import (
    EVERY_KIND,
    Change,
    Controller,
    Delayed,
    Only,
    Outcome,
    Snapshot,
)
from kiban.reconcile.trace import Trace

Hear = Callable[[Change, Snapshot], Iterable[Key | Delayed]]
Question = Callable[[Change], bool]


class _Hearer(NamedTuple):
    """Who is shown the changes of a kind: all of them, or those for which the question is true."""

    controller: str
    interested: Hear
    when: Question | None


class Task(NamedTuple):
    """One controller's work on one key."""

    controller: str
    key: Key


class LoopSnapshot(Snapshot, Protocol):
    """A snapshot on which the loop can say whose refusals are asked for."""

    def for_refusals(self, refusals: tuple[Refusal, ...]) -> Snapshot: ...


class Executor(Protocol):
    """Carries commands to an API server."""

    def execute(
        self, controller: str, commands: Sequence[Command], now: Instant
    ) -> tuple[Refusal, ...] | None:
        """Carry the commands out. None when the answers will come later, through `answer`."""
        ...


@dataclass(slots=True)
class _Parked:
    outcome: Outcome
    woken: Instant | None = None


class Loop:
    """Controllers, their agenda, and the keys that wait for answers."""

    def __init__(
        self, controllers: Iterable[Controller], executor: Executor, trace: Trace | None = None
    ) -> None:
        self.controllers: dict[str, Controller] = {}
        self.trace = trace
        self._executor = executor
        self._watchers: dict[GroupKind, list[_Hearer]] = {}
        self._hearers: dict[GroupKind, Sequence[_Hearer]] = {}
        for controller in controllers:
            self.include(controller)
        self._agenda: Agenda[Task] = Agenda()
        self._backoff = Backoff()
        self._parked: dict[Task, _Parked] = {}
        self._refusals: dict[Task, tuple[Refusal, ...]] = {}

    def include(self, controller: Controller) -> None:
        """Have one more controller; it is shown the changes from now on."""
        self.controllers[controller.name] = controller
        for watched in controller.watches:
            kind, when = watched if isinstance(watched, Only) else (watched, None)
            hearer = _Hearer(controller.name, controller.interested, when)
            self._watchers.setdefault(kind, []).append(hearer)
        self._hearers.clear()

    def observe(self, change: Change, snapshot: Snapshot, now: Instant) -> None:
        """Show a change to the controllers that watch its kind."""
        kind = change.key.group_kind
        hearers = self._hearers.get(kind)
        if hearers is None:
            hearers = self._hearers[kind] = self._hearers_of(kind)
        answers: dict[Question, bool] = {}
        for name, interested, when in hearers:
            if when is not None:
                heard = answers.get(when)
                if heard is None:
                    heard = answers[when] = when(change)
                if not heard:
                    continue
            for wish in interested(change, snapshot):
                if isinstance(wish, Delayed):
                    self.wake(Task(name, wish.key), later(now, wish.seconds))
                else:
                    self.wake(Task(name, wish), now)

    def _hearers_of(self, kind: GroupKind) -> Sequence[_Hearer]:
        """The controllers that watch a kind, then those that watch every kind."""
        return (*self._watchers.get(kind, ()), *self._watchers.get(EVERY_KIND, ()))

    def wake(self, task: Task, at: Instant) -> None:
        """Have a task run at an instant, or as soon as its commands are answered."""
        if parked := self._parked.get(task):
            parked.woken = at if parked.woken is None else min(at, parked.woken)
        else:
            self._agenda.add(task, at)

    def next_due(self) -> Instant | None:
        return self._agenda.next_due()

    def step(self, snapshot: LoopSnapshot, now: Instant) -> bool:
        """Run the first task that is due; False when none is."""
        task = self._agenda.pop(now)
        if task is None:
            return False
        refusals = self._refusals.pop(task, ())
        outcome = self.controllers[task.controller].reconcile(
            task.key, snapshot.for_refusals(refusals), now
        )
        if self.trace is not None:
            self.trace.add(now, task.controller, task.key, outcome)
        answers: tuple[Refusal, ...] | None = ()
        if outcome.commands:
            answers = self._executor.execute(task.controller, outcome.commands, now)
        if answers is None:
            self._parked[task] = _Parked(outcome)
        else:
            self._conclude(task, outcome, answers, now)
        return True

    def answer_commands(
        self, commands: Sequence[Command], refusals: tuple[Refusal, ...], now: Instant
    ) -> None:
        """As `answer`, for the task whose very commands these are, if there is one."""
        for task, parked in self._parked.items():
            if parked.outcome.commands is commands:
                return self.answer(task, refusals, now)
        return None

    def answer(self, task: Task, refusals: tuple[Refusal, ...], now: Instant) -> None:
        """The commands of a task are answered: release its key and say when it runs again."""
        parked = self._parked.pop(task)
        if not refusals and parked.woken is not None:
            self._agenda.add(task, max(now, parked.woken))
        self._conclude(task, parked.outcome, refusals, now)

    def _conclude(
        self, task: Task, outcome: Outcome, refusals: tuple[Refusal, ...], now: Instant
    ) -> None:
        if refusals:
            self._refusals[task] = refusals
            self._agenda.add(task, later(now, self._backoff.failed(task)))
        else:
            self._backoff.succeeded(task)
        if outcome.wake_after is not None:
            self._agenda.add(task, later(now, outcome.wake_after))
