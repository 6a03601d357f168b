"""A control plane that is hindered: requests refused or answered in vain, controllers late.

Faults are drawn only while `is_active`. A refusal comes before the request is carried out; a lost
answer after it, so that the one who asked does not know that it was done.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from kiban.cluster.api.calls import Call
from kiban.cluster.api.failures import Failure
from kiban.cluster.api.registry import Registry
from kiban.cluster.executor import InProcessExecutor
from kiban.primitives.chance import Stream
from kiban.primitives.instants import Instant, later
from kiban.reconcile.commands import Command, Record
from kiban.reconcile.controller import Controller
from kiban.reconcile.loop import Executor, Loop, Task

REFUSED = (
    (409, "Conflict", "the object has been modified; please apply your changes again"),
    (429, "TooManyRequests", "too many requests"),
    (500, "InternalError", "Internal error occurred: etcdserver: leader changed"),
)
LOST = Failure(504, "Timeout", "the server did not answer in time")
# A controller that was hindered may be behind for as long as its back-off reaches.
BEHIND_SECONDS = 60.0


class Witness(Protocol):
    """Who sees what controllers do, with the state from before it."""

    def intends(self, actor: str, command: Command, now: Instant) -> Callable[[], None]:
        """Judge a command by the state as it is; what is returned is called if it is done."""
        ...


class HinderedExecutor(InProcessExecutor):
    """An executor that refuses some commands and loses some answers."""

    def __init__(self, registry: Registry, dice: Stream, witness: Witness) -> None:
        super().__init__(registry)
        self.is_active = False
        self.share = 0.0
        self._dice, self._witness = dice, witness
        self._hindered: dict[str, Instant] = {}

    def carry_out(self, command: Command, call: Call) -> None:
        if isinstance(command, Record):
            return super().carry_out(command, call)
        fate = self._dice.random() if self.is_active and self.share else 1.0
        if fate < self.share:
            self._hindered[call.manager] = call.now
        if fate < self.share / 2:
            raise Failure(*self._dice.choice(REFUSED))
        done = self._witness.intends(call.manager, command, call.now)
        super().carry_out(command, call)
        done()
        if fate < self.share:
            raise LOST
        return None

    def is_behind(self, controller: str, now: Instant) -> bool:
        """Whether what the controller wrote may be out of date on account of faults."""
        at = self._hindered.get(controller)
        return at is not None and now <= later(at, BEHIND_SECONDS)

    def hinder(self, controller: str, now: Instant) -> None:
        """Remember that a controller was kept from its work."""
        self._hindered[controller] = now


class LateLoop(Loop):
    """A loop in which some controllers look at changes only some time later."""

    def __init__(self, controllers: Iterable[Controller], executor: Executor) -> None:
        super().__init__(controllers, executor)
        self.late_until: dict[str, Instant] = {}

    def wake(self, task: Task, at: Instant) -> None:
        until = self.late_until.get(task.controller)
        super().wake(task, at if until is None else max(at, until))
