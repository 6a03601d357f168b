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


Admission = Callable[[Attempt, Manifest], Manifest]
