"""Which commit shall run, which comes next, and the newest that was seen."""

from kiban.delivery.goal import Goal
from kiban.delivery.marks import Scope
from kiban.delivery.messages import Commit, Desired, Undeliverable
from kiban.primitives.problems import Problem


class Commits:
    """The commits of one environment, in the order in which they were told.

    `goal` is what is worked on; `next` takes its place as soon as nothing is in the air.
    """

    def __init__(self, scope: Scope) -> None:
        self.goal: Goal | None = None
        self.next: Desired | None = None
        self.newest: Commit | None = None
        # What is wrong with the newest commit, if it is not to be delivered.
        self.rejected: tuple[Problem, ...] = ()
        self._scope = scope

    def take(self, desired: Desired) -> bool:
        """Take in a good commit; whether it is another one than what is worked on."""
        self.newest, self.rejected = desired.commit, ()
        if self.next is None and self.goal is not None and desired == self.goal.desired:
            return False
        self.next = desired
        return True

    def refuse(self, refused: Undeliverable) -> None:
        """Take in a commit that is no good: what is worked on stays."""
        self.newest, self.rejected = refused.commit, refused.problems

    def change_over(self, desired: Desired) -> Goal:
        """Make the next commit the one that is worked on."""
        self.goal, self.next = Goal(desired, self._scope, self.goal), None
        return self.goal
