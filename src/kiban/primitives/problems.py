"""A user's mistake, or the state of the world, as a value that can be collected and shown.

A `Problem` says what is wrong, where, why it matters and what to do. `KibanError` carries one or
many of them upwards; the command line renders them and picks the exit code. Our own mistakes are
not problems: they are assertions and uncaught exceptions.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    PROBLEMS = 1
    USAGE = 2
    REFUSED = 3
    WORLD_FAILED = 4
    OUR_BUG = 70


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a problem is: a position in a file (line and column from 1), or an object."""

    file: str = ""
    line: int = 0
    column: int = 0
    thing: str = ""

    def __str__(self) -> str:
        if not self.file:
            return self.thing
        position = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{position} ({self.thing})" if self.thing else position


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    `code` is stable and documented (`spec/unknown-field`); `what` is one sentence that stands
    alone; `why` and `fix` may be empty. No secret may ever be put in any of them.
    """

    code: str
    what: str
    place: Place = Place()
    why: str = ""
    fix: str = ""

    def __str__(self) -> str:
        where = str(self.place)
        lines = [f"{where}: {self.what} [{self.code}]" if where else f"{self.what} [{self.code}]"]
        lines += [f"  why: {self.why}"] if self.why else []
        lines += [f"  fix: {self.fix}"] if self.fix else []
        return "\n".join(lines)

    def as_data(self) -> dict[str, object]:
        """The form of `--json` output."""
        return {
            "code": self.code,
            "what": self.what,
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "object": self.place.thing,
            "why": self.why,
            "fix": self.fix,
        }


class KibanError(Exception):
    """Problems on their way to the person who can solve them, with the exit code they mean."""

    def __init__(
        self, problems: Problem | Iterable[Problem], exit_code: Exit = Exit.PROBLEMS
    ) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        assert self.problems, "an error without a problem says nothing"
        self.exit_code = exit_code
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type["KibanError"], tuple[tuple[Problem, ...], Exit]]:
        """So that it arrives whole from another process."""
        return type(self), (self.problems, self.exit_code)


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, or an empty string."""
    candidates = sorted(known)
    # Two letters swapped is the commonest slip, and the one that plain similarity misjudges.
    if swapped := [one for one in candidates if sorted(one) == sorted(word)]:
        return swapped[0]
    matches = get_close_matches(word, candidates, n=1, cutoff=0.6)
    return matches[0] if matches else ""
