"""Asking somebody outside before a write goes on: admission webhooks.

The core does no I/O, so a write that needs an answer it does not have is broken off before it has
changed anything (`Unanswered`), and done again from the beginning once the answer is there. All
that it drew by chance comes out the same the second time, so that the same questions arise; if
something else has changed meanwhile, other questions do, and they are asked too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kiban.primitives.instants import Instant


class Names(Protocol):
    """What new objects are called by chance."""

    def uid(self) -> str: ...

    def suffix(self, length: int = 5) -> str: ...


@dataclass(frozen=True, slots=True)
class Question:
    """One POST over HTTPS. The URL is what names the webhook and its certificate; `address` is
    where it is reached when that is not in the URL. `authority` is a bundle of PEM certificates,
    empty for those that this machine trusts."""

    url: str
    body: bytes
    seconds: int
    authority: str = ""
    address: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: an answer, or why none did, in the words of kube-apiserver."""

    status: int = 0
    body: bytes = b""
    error: str = ""


class Unanswered(Exception):
    """A write cannot go on before these questions are answered."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self.questions = tuple(questions)
        super().__init__(f"{len(self.questions)} questions are open")


@dataclass(slots=True)
class Consultation:
    """What one write has learned so far, and drawn by chance, over all times it was begun."""

    began: Instant
    replies: dict[Question, Reply] = field(default_factory=dict)
    _drawn: list[str] = field(default_factory=list)
    _at: int = 0

    def begin(self) -> None:
        """The write begins again: what was drawn before comes first."""
        self._at = 0

    def recalled(self, names: Names) -> Names:
        return _Recalled(self, names)

    def drawn(self, new: str) -> str:
        """What was drawn at this point before, or else the new one."""
        if self._at == len(self._drawn):
            self._drawn.append(new)
        self._at += 1
        return self._drawn[self._at - 1]


@dataclass(frozen=True, slots=True)
class _Recalled:
    consultation: Consultation
    names: Names

    def uid(self) -> str:
        return self.consultation.drawn(self.names.uid())

    def suffix(self, length: int = 5) -> str:
        return self.consultation.drawn(self.names.suffix(length))
