"""What a check says about a manifest, and what a rule is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any

from kiban.kube.objects import Key
from kiban.primitives.problems import Place, Problem
from kiban.spec import Platform

if TYPE_CHECKING:
    from kiban.audit.view import View


class Severity(IntEnum):
    """How bad it is: an error breaks something, a warning will, advice could be better."""

    ADVICE = 1
    WARNING = 2
    ERROR = 3


class Verdict(StrEnum):
    """Whether something is wrong, or cannot be told from what there is. What is right is not
    said."""

    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Said:
    """What a rule says of one object: the place inside it, and one sentence. Never a secret.

    The path leads from the object's root, items of lists by their name:
    `spec.template.spec.containers[app].image`.
    """

    object: Key
    path: str
    what: str
    verdict: Verdict = Verdict.FAIL
    # What to write there to solve it, where that depends on the object.
    value: Any = None


@dataclass(frozen=True, slots=True)
class Mend:
    """How a machine may solve a finding: the value to write at the finding's path (`remove` takes
    away what is there), and the field of a service file by which the compiler writes the same.

    It is `risky` when a program that worked may not work afterwards, because it used what is
    taken from it: only people who ask for it get it.
    """

    value: Any = None
    remove: bool = False
    field: str = ""
    field_value: Any = None
    risky: bool = False


Look = Callable[["View"], Iterable[Said]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `why` and `fix` are the same wherever it is broken; the fix is said in the words
    of the service spec where it has some.

    `example` is YAML that breaks the rule when it is merged into sound manifests. A rule that is
    `optional` is asked only by those who choose it: sensible people disagree about it.
    """

    name: str
    severity: Severity
    why: str
    fix: str
    example: str
    look: Look
    mend: Mend | None = None
    optional: bool = False


def rule(
    severity: Severity,
    *,
    why: str,
    fix: str,
    example: str,
    mend: Mend | None = None,
    optional: bool = False,
) -> Callable[[Look], Rule]:
    """Make a rule of the function that looks; the function's name is the rule's."""

    def made(look: Look) -> Rule:
        name = look.__name__.replace("_", "-")
        text = example.strip("\n") + "\n"
        return Rule(name, severity, why, fix, text, look, mend, optional)

    return made


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule broken by one object."""

    rule: str
    severity: Severity
    object: Key
    path: str
    what: str
    why: str
    fix: str
    service: str = ""
    verdict: Verdict = Verdict.FAIL
    value: Any = None

    @property
    def order(self) -> tuple[int, Key, str, str]:
        """The worst first."""
        return (-self.severity, self.object, self.rule, self.path)

    @property
    def identity(self) -> tuple[str, ...]:
        """What stays the same when the file around it changes: the rule, the object, the path."""
        return (self.rule, *self.object, self.path)

    def as_problem(self, platform: Platform | None = None, place: Place = Place()) -> Problem:  # noqa: B008
        """The form in which the command line shows it; with the platform, the place is the file
        in which it can be solved, and else the one that is given."""
        thing = f"{self.object} {self.path}".strip()
        if platform is not None and self.service in platform.sources.services:
            place = platform.sources.services[self.service].place()
        place = Place(place.file, place.line, place.column, thing)
        return Problem(f"audit/{self.rule}", self.what, place, why=self.why, fix=self.fix)
