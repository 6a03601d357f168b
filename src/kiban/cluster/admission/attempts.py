"""One attempted write, as every admission sees it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from kiban.cluster.api.calls import Call
from kiban.cluster.store import Store
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import GroupKind, Manifest


@dataclass(slots=True)
class Attempt:
    """What is attempted, by whom, and what is there now (`old`, None for a create)."""

    verb: Literal["CREATE", "UPDATE", "DELETE"]
    info: KindInfo
    namespace: str
    name: str
    old: Manifest | None
    call: Call
    store: Store
    subresource: str = ""


# Completes an object; it may refuse it too.
Admission = Callable[[Attempt, Manifest], Manifest]
# Looks at the finished object, and can only refuse it.
Review = Callable[[Attempt, Manifest], None]
Rule = TypeVar("Rule")


@dataclass(frozen=True, slots=True)
class About(Generic[Rule]):
    """A rule about some kinds; for others it is not even asked."""

    kinds: frozenset[GroupKind]
    rule: Rule


@dataclass(frozen=True, slots=True)
class Chain:
    """The admissions of a cluster, in their order: objects are completed, then checked by the
    rules of their kind, then reviewed."""

    admissions: tuple[Admission | About[Admission], ...] = ()
    reviews: tuple[Review | About[Review], ...] = ()
    _admissions: dict[GroupKind, Sequence[Admission]] = field(default_factory=dict, compare=False)
    _reviews: dict[GroupKind, Sequence[Review]] = field(default_factory=dict, compare=False)

    def admitted(self, attempt: Attempt, manifest: Manifest) -> Manifest:
        kind = attempt.info.group_kind
        admissions = self._admissions.get(kind)
        if admissions is None:
            admissions = self._admissions[kind] = _about(kind, self.admissions)
        for admission in admissions:
            manifest = admission(attempt, manifest)
        return manifest

    def review(self, attempt: Attempt, manifest: Manifest) -> None:
        kind = attempt.info.group_kind
        reviews = self._reviews.get(kind)
        if reviews is None:
            reviews = self._reviews[kind] = _about(kind, self.reviews)
        for review in reviews:
            review(attempt, manifest)


def _about(kind: GroupKind, rules: Sequence[Rule | About[Rule]]) -> Sequence[Rule]:
    """The rules that are asked about a kind."""
    found: list[Rule] = []
    for rule in rules:
        if not isinstance(rule, About):
            found.append(rule)
        elif kind in rule.kinds:
            found.append(rule.rule)
    return found
