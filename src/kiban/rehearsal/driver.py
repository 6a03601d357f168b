"""The virtual clock: a cluster that is taken from one due instant to the next.

It is the counterpart of the wall driver. Nothing waits: the clock stands still while the cluster
does everything that is due, then jumps. What the outside world does are acts on the agenda; what
the cluster writes is shown to watchers after every step, as watches would show it.
"""

from collections.abc import Callable

from kiban.cluster.cluster import Cluster
from kiban.cluster.history import Write
from kiban.kube.objects import GroupKind
from kiban.primitives.instants import Instant
from kiban.rehearsal.agenda import Act, Agenda

# More of them than this without time passing, and two controllers undo each other's work.
RECONCILES_AT_ONE_INSTANT = 300_000
Watcher = Callable[[Write, Instant], None]


class Restless(Exception):
    """The controllers never come to rest at one instant."""


class VirtualDriver:
    """A cluster on the virtual clock.

    `reconciles_a_step` is 1 for those who want to see every state that a watch could see in
    between, and one act at a time; a rehearsal takes what is due at one instant together.
    """

    def __init__(self, cluster: Cluster, start: Instant, *, reconciles_a_step: int = 100) -> None:
        self.cluster = cluster
        self.now = start
        self._reconciles = reconciles_a_step
        self._agenda = Agenda()
        self._watchers: list[tuple[Watcher, tuple[GroupKind, ...]]] = []
        self._watchers_of: dict[GroupKind, list[Watcher]] = {}

    def watch(self, watcher: Watcher, *kinds: GroupKind) -> None:
        """Show this one every write from now on, or every write of these kinds."""
        self._watchers.append((watcher, kinds))
        self._watchers_of.clear()

    def at(self, instant: Instant, act: Act) -> None:
        """Plan an act; one that is late happens at once."""
        self._agenda.add(max(instant, self.now), act)

    def run_until(self, end: Instant) -> None:
        """Let everything happen up to and including an instant."""
        self.settle()
        cluster, agenda = self.cluster, self._agenda
        while True:
            due, planned = cluster.next_due(), agenda.next_due()
            if due is None or (planned is not None and planned < due):
                due = planned
            if due is None or due > end:
                self.now = max(self.now, end)
                return
            self.now = max(self.now, due)
            while (act := agenda.pop(self.now)) is not None:
                act(self.now)
                if self._reconciles == 1:
                    break
            self.settle()

    def settle(self, at_most: int | None = None) -> None:
        """Let the cluster do everything that is due now, or about that many reconciles of it."""
        cluster, now = self.cluster, self.now
        self._show()
        reconciles = 0
        while (due := cluster.next_due()) is not None and due <= now:
            if at_most is not None and reconciles >= at_most:
                return
            reconciles += self._reconciles
            if reconciles > RECONCILES_AT_ONE_INSTANT:
                raise Restless(f"the controllers chase each other: {self._last_decisions()}")
            cluster.step(now, limit=self._reconciles)
            self._show()

    def _show(self) -> None:
        store, now, watchers_of = self.cluster.store, self.now, self._watchers_of
        while writes := store.take_unwritten():
            for write in writes:
                kind = write.key.group_kind
                watchers = watchers_of.get(kind)
                if watchers is None:
                    watchers = watchers_of[kind] = self._watching(kind)
                for watcher in watchers:
                    watcher(write, now)

    def _watching(self, kind: GroupKind) -> list[Watcher]:
        """Who is shown the writes of a kind, in the order in which they began."""
        return [watcher for watcher, kinds in self._watchers if not kinds or kind in kinds]

    def _last_decisions(self) -> list[str]:
        trace = self.cluster.loop.trace
        return [f"{d.controller} {d.key.name}" for d in trace.decisions][-6:] if trace else []
