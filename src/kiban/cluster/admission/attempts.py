"""One attempted write, as every admission sees it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from kiban.cluster.api.calls import Call
from kiban.cluster.store import Store
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import Manifest


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Chain:
    """The admissions of a cluster, in their order: objects are completed, then checked by the
    rules of their kind, then reviewed."""

    admissions: tuple[Admission, ...] = ()
    reviews: tuple[Review, ...] = ()

    def admitted(self, attempt: Attempt, manifest: Manifest) -> Manifest:
        for admission in self.admissions:
            manifest = admission(attempt, manifest)
        return manifest

    def review(self, attempt: Attempt, manifest: Manifest) -> None:
        for review in self.reviews:
            review(attempt, manifest)
