"""What a check says about a manifest, and what a rule is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

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


@dataclass(frozen=True, slots=True)
class Said:
    """What a rule says of one object: the place inside it, and one sentence. Never a secret."""

    object: Key
    path: str
    what: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `why` and `fix` are the same wherever it is broken; the fix is said in the words
    of the service spec where it has some."""

    name: str
    severity: Severity
    why: str
    fix: str
    look: Callable[["View"], Iterable[Said]]


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

    @property
    def order(self) -> tuple[int, Key, str, str]:
        """The worst first."""
        return (-self.severity, self.object, self.rule, self.path)

    def as_problem(self, platform: Platform | None = None) -> Problem:
        """The form in which the command line shows it; with the platform, the place is the file
        in which it can be solved."""
        thing = f"{self.object} {self.path}".strip()
        place = Place(thing=thing)
        if platform is not None and self.service in platform.sources.services:
            source = platform.sources.services[self.service].place()
            place = Place(source.file, source.line, source.column, thing)
        return Problem(f"audit/{self.rule}", self.what, place, why=self.why, fix=self.fix)
