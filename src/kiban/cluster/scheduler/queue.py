"""Pods that wait for a node: those to try next, and those that wait for something to happen.

The highest priority goes first, then the oldest. A pod that did not fit waits until a change that
may help it, for five minutes at most; then it backs off 1 to 10 s, unless nothing else is to be
done (Kubernetes 1.36 takes pods out of back-off early). Source:
pkg/scheduler/backend/queue/scheduling_queue.go.
"""

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import islice
from typing import Literal, NamedTuple

from kiban.cluster.scheduler.ground import Ground
from kiban.cluster.scheduler.shape import Shape
from kiban.kube.objects import Key
from kiban.primitives.instants import Instant, later, whole_second
from kiban.reconcile.agenda import Agenda

FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 300.0
BEGINNING = Instant(0)

State = Literal["active", "woken", "parked", "set back", "taken"]


class Need(NamedTuple):
    """What helps a pod that waits: the same for all pods of a shape that these filters rejected."""

    shape: Shape | None
    causes: tuple[str, ...]


@dataclass(slots=True)
class Waiting:
    """A pod in the queue. `causes` are the filters that rejected it the last time, when its shape
    was this; the nodes by themselves are judged on that ground."""

    key: Key
    priority: int
    sequence: int
    attempts: int = 0
    causes: tuple[str, ...] = ()
    shape: Shape | None = None
    ground: Ground | None = None
    tried_at: Instant = BEGINNING
    state: State = "active"

    @property
    def need(self) -> Need:
        return Need(self.shape, self.causes)

    @property
    def backs_off_until(self) -> Instant:
        seconds = FIRST_BACKOFF_SECONDS * 2.0 ** min(max(self.attempts - 1, 0), 10)
        return later(self.tried_at, min(seconds, LONGEST_BACKOFF_SECONDS))


class Queue:
    """All pods that wait."""

    def __init__(self) -> None:
        self._pods: dict[Key, Waiting] = {}
        self._active: list[tuple[int, int, Key]] = []
        self._woken: list[tuple[Instant, int, int, Key]] = []
        self._set_back: Agenda[Key] = Agenda()
        # In the order in which they were tried, so that the first is overdue first.
        self._parked: dict[Key, None] = {}
        self._needy: dict[Need, dict[Key, None]] = {}
        self._sequence = 0

    def __contains__(self, key: Key) -> bool:
        return key in self._pods

    def __len__(self) -> int:
        return len(self._pods)

    def add(self, key: Key, priority: int) -> None:
        """A pod that is new here is tried next, by its priority."""
        self._sequence += 1
        self._pods[key] = Waiting(key, priority, self._sequence)
        self._activate(self._pods[key])

    def remove(self, key: Key) -> None:
        found = self._pods.pop(key, None)
        if found is not None and key in self._parked:
            self._unpark(found)
        self._set_back.discard(key)

    def pop(self, now: Instant) -> Waiting | None:
        """The pod to try now; it is out of the queue's hands until it is parked, set back or
        removed."""
        self._release_overdue(now)
        while self._active:
            _, sequence, key = heappop(self._active)
            if found := self._still(key, sequence, "active"):
                return self._taken(found, now)
        while self._woken:
            _, _, sequence, key = heappop(self._woken)
            if found := self._still(key, sequence, "woken"):
                return self._taken(found, now)
        return None

    def park(
        self,
        waiting: Waiting,
        causes: tuple[str, ...],
        shape: Shape | None = None,
        ground: Ground | None = None,
    ) -> None:
        """The pod fits nowhere: it waits for a change that may help."""
        waiting.causes, waiting.shape, waiting.ground = causes, shape, ground
        waiting.state = "parked"
        self._parked[waiting.key] = None
        self._needy.setdefault(waiting.need, {})[waiting.key] = None

    def _unpark(self, found: Waiting) -> None:
        del self._parked[found.key]
        alike = self._needy[found.need]
        del alike[found.key]
        if not alike:
            del self._needy[found.need]

    def set_back(self, key: Key, priority: int, now: Instant) -> None:
        """The pod could not be bound: it is tried again when its back-off is over."""
        if key not in self._pods:
            self._sequence += 1
            self._pods[key] = Waiting(key, priority, self._sequence, attempts=1)
        found = self._pods[key]
        found.tried_at, found.state = now, "set back"
        self._set_back.add(key, found.backs_off_until)

    def wake(self, key: Key) -> None:
        """The pod itself has changed: try it again."""
        found = self._pods.get(key)
        if found is not None and found.state == "parked":
            self._wake(found)

    def wake_those(self, may_help: Callable[[Need], bool]) -> None:
        """Something has changed: try again the pods that it may help."""
        for need, alike in list(self._needy.items()):
            if may_help(need):
                for key in list(alike):
                    self._wake(self._pods[key])

    def has_work(self) -> bool:
        """Whether there may be a pod to try at once."""
        return bool(self._active or self._woken)

    def next_due(self) -> Instant | None:
        """When a pod is to be tried though nothing has happened."""
        dues = [self._set_back.next_due()]
        for key in islice(self._parked, 1):
            dues.append(later(self._pods[key].tried_at, LONGEST_WAIT_SECONDS))
        return min((due for due in dues if due is not None), default=None)

    def _still(self, key: Key, sequence: int, state: State) -> Waiting | None:
        found = self._pods.get(key)
        if found is None or (found.state, found.sequence) != (state, sequence):
            return None
        return found

    def _taken(self, found: Waiting, now: Instant) -> Waiting:
        found.state = "taken"
        found.attempts += 1
        found.tried_at = now
        return found

    def _activate(self, found: Waiting) -> None:
        found.state = "active"
        heappush(self._active, (-found.priority, found.sequence, found.key))

    def _wake(self, found: Waiting) -> None:
        self._unpark(found)
        found.state = "woken"
        # Within the same second the priority decides.
        window = whole_second(found.backs_off_until)
        heappush(self._woken, (window, -found.priority, found.sequence, found.key))

    def _release_overdue(self, now: Instant) -> None:
        while (key := self._set_back.pop(now)) is not None:
            self._activate(self._pods[key])
        while self._woken and self._woken[0][0] <= now:
            _, _, sequence, key = heappop(self._woken)
            if found := self._still(key, sequence, "woken"):
                self._activate(found)
        for key in list(islice(self._parked, 1)):
            found = self._pods[key]
            if later(found.tried_at, LONGEST_WAIT_SECONDS) <= now:
                self._unpark(found)
                self._activate(found)
