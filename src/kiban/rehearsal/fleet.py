"""The pods of every service as the traffic sees them: who is routed to, who serves, who starts.

Counts are kept as vectors in the order of `services` and change with every pod's step, so that
one look costs nothing. Besides what holds now, the routed and the lost are summed over time, so
that a span in which pods came and went can be answered by its mean.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.primitives.instants import Instant

Counts = NDArray[np.int64]
Figures = NDArray[np.float64]


@dataclass(slots=True)
class PodView:
    """One pod on its machine. `is_serving`: a request that reaches it is answered."""

    uid: str
    name: str
    service: str
    node: str
    zone: str
    request_cpu_m: int
    limit_cpu_m: int | None
    request_memory: int
    limit_memory: int | None
    created_at: Instant
    revision: str = ""
    started_at: Instant | None = None
    ready_at: Instant | None = None
    is_starting: bool = True
    is_ready: bool = False
    is_draining: bool = False
    is_serving: bool = False
    is_routed: bool = False
    restarts: int = 0


class Fleet:
    """All pods of the services that are watched."""

    def __init__(self, services: Sequence[str], now: Instant) -> None:
        self.services = tuple(services)
        self.index = {service: number for number, service in enumerate(self.services)}
        count = len(self.services)
        self.ready: Counts = np.zeros(count, dtype=np.int64)
        self.starting: Counts = np.zeros(count, dtype=np.int64)
        self.draining: Counts = np.zeros(count, dtype=np.int64)
        # What is routed, what of it is lost, and of these the ones that are gone with their
        # machine and those that were told to stop; the rest has crashed.
        self._routes: Counts = np.zeros((4, count), dtype=np.int64)
        self.routed, self.lost_window, self.silent, self.stopped = self._routes
        self.request_cpu_m: Counts = np.zeros(count, dtype=np.int64)
        self.request_memory: Counts = np.zeros(count, dtype=np.int64)
        # When a pod of the service came, turned ready or stopped being so last.
        self.moved_at: Counts = np.full(count, int(now), dtype=np.int64)
        # Grows with every change of what is routed or lost.
        self.version = 0
        # By uid. Changed here only.
        self.known: dict[str, PodView] = {}
        self._of: list[dict[str, PodView]] = [{} for _ in self.services]
        self._areas = _Areas(count, now)

    def __len__(self) -> int:
        return len(self.known)

    def pod(self, uid: str) -> PodView | None:
        return self.known.get(uid)

    def pods(self, service: str) -> list[PodView]:
        """The pods of a service, oldest first."""
        return list(self._of[self.index[service]].values())

    def is_uniform(self, number: int, since: int) -> bool:
        """Whether all pods of a service, by its number, ask for the same, and one of those that
        stay has been ready since an instant."""
        pods = self._of[number].values()
        cpu, memory = self.request_cpu_m.item(number), self.request_memory.item(number)
        return any(
            pod.is_ready and not pod.is_draining and (pod.ready_at or since + 1) <= since
            for pod in pods
        ) and all(pod.request_cpu_m == cpu and pod.request_memory == memory for pod in pods)

    def all(self) -> Iterable[PodView]:
        return self.known.values()

    # Changing

    def add(self, pod: PodView, now: Instant) -> None:
        number = self.index.get(pod.service)
        if number is None:
            return
        self.known[pod.uid] = pod
        self.moved_at[number] = now
        self._of[number][pod.uid] = pod
        self.request_cpu_m[number] = pod.request_cpu_m
        self.request_memory[number] = pod.request_memory
        self._note(number, now)
        self._count(pod, number, 1)

    def remove(self, uid: str, now: Instant) -> None:
        pod = self.known.get(uid)
        if pod is None:
            return
        number = self.index[pod.service]
        self._note(number, now)
        self._count(pod, number, -1)
        del self.known[uid], self._of[number][uid]

    def change(self, uid: str, now: Instant, **flags: bool) -> PodView | None:
        """Set some of a pod's `is_` flags."""
        pod = self.known.get(uid)
        if pod is None:
            return None
        number = self.index[pod.service]
        self._note(number, now)
        self._count(pod, number, -1)
        for name, value in flags.items():
            setattr(pod, name, value)
        # What is leaving is no autoscaler's any more.
        if not pod.is_draining and ("is_ready" in flags or "is_serving" in flags):
            self.moved_at[number] = now
        self._count(pod, number, 1)
        return pod

    def _count(self, pod: PodView, number: int, step: int) -> None:
        if pod.is_routed:
            self.routed[number] += step
            if not pod.is_serving:
                self.lost_window[number] += step
                if pod.is_draining:
                    self.stopped[number] += step
                elif not pod.is_starting:
                    self.silent[number] += step
        if pod.is_draining:
            self.draining[number] += step
        elif pod.is_ready:
            # One whose machine is silent is neither: nobody knows.
            self.ready[number] += step if pod.is_serving else 0
        elif pod.is_starting:
            self.starting[number] += step

    def _note(self, number: int, now: Instant) -> None:
        self.version += 1
        self._areas.note(number, self._routes, now)

    # Spans

    def mean_over(self, until: Instant) -> "Span":
        """What was routed on average since the last call, and which share of the requests went
        to pods that do not serve any more."""
        return self._areas.closed(self._routes, until)


@dataclass(frozen=True, slots=True)
class Span:
    """Means over a span: pods that are routed to, those of them that serve, and the share of
    requests that reach one that does not; of these, `silent_share` reach one on a machine that is
    gone and `stopped_share` one that was told to stop. For `unrouted_share` of the time nothing
    was routed at all. In a span that is whole no pod was lost, and in one that is manned none was
    missing. Equal spans after each other are the same object."""

    routed: Figures
    serving: Figures
    lost_share: Figures
    silent_share: Figures
    stopped_share: Figures
    unrouted_share: Figures
    is_whole: bool
    is_manned: bool


class _Areas:
    """Sums over time: routed, serving, and the shares that are lost, silent, stopped, unrouted.
    Counts have a row each for routed, lost, silent and stopped."""

    def __init__(self, count: int, now: Instant) -> None:
        self._sums = np.zeros((6, count))
        self._at = np.full(count, int(now), dtype=np.int64)
        self._since = now
        self._is_changed = True
        self._steady: Span | None = None

    def note(self, number: int, counts: Counts, now: Instant) -> None:
        self._is_changed = True
        self._steady = None
        seconds = (now - max(self._at.item(number), self._since)) / 1e6
        if seconds <= 0:
            return
        self._at[number] = now
        routed, lost, silent, stopped = counts[:, number].tolist()
        sums = self._sums[:, number]
        if not routed:
            sums[5] += seconds
            return
        sums[0] += routed * seconds
        sums[1] += (routed - lost) * seconds
        # Nothing is lost, nearly always.
        if lost:
            sums[2] += lost / routed * seconds
            sums[3] += silent / routed * seconds
            sums[4] += stopped / routed * seconds

    def closed(self, counts: Counts, until: Instant) -> Span:
        since, self._since = self._since, until
        if self._is_changed:
            self._is_changed = False
            return self._mean(counts, since, until)
        if self._steady is None:
            routed, lost, silent, stopped = counts
            each = 1.0 / np.maximum(routed, 1)
            none = (routed == 0).astype(np.float64)
            shares = (lost * each, silent * each, stopped * each, none)
            serving = (routed - lost).astype(np.float64)
            flags = (not lost.any(), not none.any())
            self._steady = Span(routed.astype(np.float64), serving, *shares, *flags)
        return self._steady

    def _mean(self, counts: Counts, since: Instant, until: Instant) -> Span:
        routed, lost = counts[0], counts[1]
        left = (int(until) - np.maximum(self._at, int(since))) / 1e6
        each = left / np.maximum(routed, 1)
        sums = self._sums
        sums[0] += routed * left
        sums[1] += (routed - lost) * left
        sums[2:5] += counts[1:] * each
        sums[5] += (routed == 0) * left
        means = sums / max((until - since) / 1e6, 1e-6)
        self._sums = np.zeros_like(sums)
        flags = (not np.count_nonzero(means[2]), not np.count_nonzero(means[5]))
        return Span(means[0], means[1], means[2], means[3], means[4], means[5], *flags)
