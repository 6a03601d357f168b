"""Many autoscalers evaluated at once, as vectors: which of them would leave everything as it is.

A lane is one autoscaler with one metric, the utilisation of what its pods request or their average
use. It can be judged here while its pods are settled: all Ready for a while, as many as asked for.
Then every pod's sample is the same, no sample is missing, and the rules of `replicas` and `limits`
come down to arithmetic on whole numbers, done here in the same order. Where pods come and go their
proposal is looked up, and judged with the others'. All others are run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.cluster.controllers.horizontal_pod_autoscaler.limits import (
    DOWN_WINDOW_SECONDS,
    Memory,
)
from kiban.cluster.controllers.horizontal_pod_autoscaler.proposals import tolerance_of
from kiban.kube.objects import Key, Manifest, get_in, group_of
from kiban.primitives.instants import MICROSECONDS, Instant
from kiban.primitives.quantities import milli
from kiban.rehearsal.fleet import Fleet
from kiban.rehearsal.naming import service_of
from kiban.rehearsal.pacing.recommended import NONE, Recommended
from kiban.rehearsal.ports import Usage

Counts = NDArray[np.int64]
Truths = NDArray[np.bool_]
Figures = NDArray[np.float64]
# Two windows of the metrics server and a second: the latest sample is at most one window old, and
# all of its own window is of pods that were Ready.
SETTLED_SECONDS = 31.0
_SETTLED = round(SETTLED_SECONDS * MICROSECONDS)


@dataclass(frozen=True, slots=True)
class Terms:
    """What an autoscaler asks for, as far as a lane can judge it."""

    workload: Key
    service: int
    is_cpu: bool
    is_share: bool
    target: int
    smallest: int
    largest: int
    is_legacy: bool
    up_seconds: float
    down_seconds: float
    tolerance: tuple[float, float]


# What a metric proposes for a workload of this size, where a look at its pods can tell.
Look = Callable[[Terms, int], int | None]


def workload_of(autoscaler: Manifest) -> Key:
    """What an autoscaler sizes."""
    reference = autoscaler["spec"]["scaleTargetRef"]
    namespace = autoscaler["metadata"]["namespace"]
    group = group_of(reference.get("apiVersion", ""))
    return Key(group, reference["kind"], namespace, reference["name"])


def terms_of(autoscaler: Manifest, workload: Manifest, fleet: Fleet) -> Terms | None:
    """The terms of an autoscaler that a lane can judge; None for any other."""
    spec = autoscaler["spec"]
    metrics = spec.get("metrics") or []
    if len(metrics) != 1 or metrics[0]["type"] != "Resource":
        return None
    source = metrics[0]["resource"]
    template = workload["spec"].get("template") or {}
    number = fleet.index.get(service_of(template))
    if number is None or source["name"] not in ("cpu", "memory"):
        return None
    goal = source["target"]
    is_share = goal.get("averageUtilization") is not None
    if is_share and not _all_request(template, source["name"]):
        return None
    behavior: Mapping[str, Any] | None = spec.get("behavior")
    down, up = (behavior or {}).get("scaleDown") or {}, (behavior or {}).get("scaleUp") or {}
    down_seconds = down.get("stabilizationWindowSeconds")
    tolerance = tolerance_of(behavior or {})
    smallest = spec.get("minReplicas")
    return Terms(
        workload_of(autoscaler),
        number,
        source["name"] == "cpu",
        is_share,
        goal["averageUtilization"] if is_share else milli(goal["averageValue"]),
        1 if smallest is None else smallest,
        spec["maxReplicas"],
        behavior is None,
        up.get("stabilizationWindowSeconds") or 0.0,
        DOWN_WINDOW_SECONDS if down_seconds is None else down_seconds,
        (tolerance.down, tolerance.up),
    )


def _all_request(template: Manifest, resource: str) -> bool:
    containers = get_in(template, "spec", "containers", default=[])
    return all(get_in(entry, "resources", "requests", resource) is not None for entry in containers)


class Lanes:
    """The autoscalers that run at the same beat, in the order in which they were added."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.keys: list[Key] = []
        self._number: dict[Key, int] = {}
        self._terms: list[Terms | None] = []
        self._fed: list[Instant] = []
        self.replicas: Counts = np.zeros(0, dtype=np.int64)
        self._recommended = Recommended()
        self._longest = DOWN_WINDOW_SECONDS
        self._columns: _Columns | None = None

    def __contains__(self, key: Key) -> bool:
        return key in self._number

    def add(self, key: Key, now: Instant) -> None:
        self._number[key] = len(self.keys)
        self.keys.append(key)
        self._terms.append(None)
        self._fed.append(now)
        self.replicas = np.append(self.replicas, 0)
        self._recommended.add_lane()
        self._columns = None

    def set_terms(self, key: Key, terms: Terms | None, replicas: int) -> None:
        """Judge this autoscaler by these terms from now on; None: have it run every time."""
        number = self._number[key]
        if terms is not None:
            self._longest = max(self._longest, terms.up_seconds, terms.down_seconds)
        self.replicas[number] = replicas
        if self._terms[number] != terms:
            self._terms[number] = terms
            self._columns = None

    def distrust(self) -> None:
        """Have all autoscalers run the next time."""
        self._terms = [None] * len(self.keys)
        self._columns = None

    def resize(self, key: Key, replicas: int) -> None:
        self.replicas[self._number[key]] = replicas

    # Recommendations

    def remember(self, key: Key, memory: Memory, now: Instant) -> None:
        """Take over what a run has recommended."""
        number = self._number[key]
        for at, value in memory.recommendations:
            if at == now:
                self._recommended.row_for(number, now)[number] = value
        self._fed[number] = now

    def recall(self, key: Key, memory: Memory) -> None:
        """Give a memory the recommendations that were made here since its last run."""
        number = self._number[key]
        memory.recommendations.extend(self._recommended.of(number, self._fed[number]))

    # Judging

    def restless(self, usage: Usage | None, now: Instant, look: Look) -> Sequence[Key]:
        """The autoscalers that have to run now. What the others recommend is remembered."""
        self._recommended.forget(now - round(self._longest * MICROSECONDS))
        if usage is None or not self.keys:
            return list(self.keys)
        columns = self._columns = self._columns or _Columns(self._terms)
        columns.look(self._fleet)
        in_range = columns.in_range(self.replicas)
        known = columns.settled(self.replicas, in_range, now)
        ratio = columns.ratio(usage)
        tolerated = columns.tolerated(ratio)
        asked: Counts = np.ceil(ratio * self.replicas).astype(np.int64)
        wanted: Counts = np.where(tolerated, self.replicas, asked)
        tolerated &= columns.manned(self.replicas)
        for number in (in_range > known).nonzero()[0].tolist():
            terms = self._terms[number]
            if terms is None:
                continue
            if tolerated[number] and self._fleet.is_uniform(terms.service, now - _SETTLED):
                known[number] = True
            elif (seen := look(terms, int(self.replicas[number]))) is not None:
                known[number], wanted[number] = True, seen
        quiet = known & self._held(columns, self._stable(columns, wanted, now))
        np.copyto(self._recommended.new_row(now), wanted, where=quiet)
        return [self.keys[number] for number in (~quiet).nonzero()[0].tolist()]

    def _held(self, columns: "_Columns", stable: Counts) -> Truths:
        """Where what is proposed, once stabilised, comes to the present size within the bounds;
        the present size is in them."""
        bounded = np.minimum(np.maximum(stable, columns.smallest), columns.largest)
        found: Truths = bounded == self.replicas
        return found

    def _stable(self, columns: "_Columns", wanted: Counts, now: Instant) -> Counts:
        """The proposals after stabilisation, as `limits` does it."""
        rows = self._recommended.rows
        if not len(rows):
            return wanted
        highest = np.maximum(wanted, self._highest(columns, now))
        lowest = wanted
        if columns.waits_to_grow:
            ages = (now - self._recommended.instants)[:, None]
            lately = (rows != NONE) & (ages < columns.up)
            lowest = np.minimum(wanted, np.where(lately, rows, wanted).min(axis=0))
        between: Counts = np.minimum(np.maximum(self.replicas, lowest), highest)
        return np.where(columns.legacy, highest, between) if columns.any_legacy else between

    def _highest(self, columns: "_Columns", now: Instant) -> Counts:
        """The most that was recommended in the window in which a workload may not shrink."""
        known = self._recommended
        # What is a window old counts by the older rule only.
        if columns.common_down is not None:
            rows = known.rows[known.instants.searchsorted(now - columns.common_down, "right") :]
        else:
            recent = (now - known.instants)[:, None] < columns.down + columns.legacy
            rows = np.where(recent, known.rows, NONE)
        found: Counts = np.maximum.reduce(rows, axis=0, initial=NONE)
        return found


class _Columns:
    """The terms of all lanes as vectors; `judged` are those that have any."""

    def __init__(self, lanes: Sequence[Terms | None]) -> None:
        def column(values: Sequence[int | float], kind: type) -> NDArray[Any]:
            return np.array(values, dtype=kind)

        usual = Terms(Key("", "", "", ""), 0, True, True, 1, 0, 0, False, 0.0, 0.0, (0.1, 0.1))
        terms = [lane or usual for lane in lanes]
        self._version = -1
        self.judged: Truths = np.array([lane is not None for lane in lanes])
        self.service: Counts = column([t.service for t in terms], np.int64)
        self.is_cpu: Truths = np.array([t.is_cpu for t in terms])
        self.all_cpu = bool(self.is_cpu.all())
        self.is_share: Truths = np.array([t.is_share for t in terms])
        self.target: Counts = column([t.target for t in terms], np.int64)
        self.smallest: Counts = column([t.smallest for t in terms], np.int64)
        self.least = np.maximum(self.smallest, 1)
        self.largest: Counts = column([t.largest for t in terms], np.int64)
        self.legacy: Truths = np.array([t.is_legacy for t in terms])
        self.any_legacy = bool(self.legacy.any())
        self.up = column([round(t.up_seconds * MICROSECONDS) for t in terms], np.int64)
        self.waits_to_grow = bool(self.up.any())
        self.down = column([round(t.down_seconds * MICROSECONDS) for t in terms], np.int64)
        # The window of all, where it is the same for all.
        self.common_down: int | None = None
        if not self.any_legacy and len(terms) and (self.down == self.down[0]).all():
            self.common_down = self.down[0].item()
        self.tolerance_down = column([t.tolerance[0] for t in terms], np.float64)
        self.tolerance_up = column([t.tolerance[1] for t in terms], np.float64)

    def look(self, fleet: Fleet) -> None:
        """Read the fleet, if it has changed."""
        if self._version == fleet.version:
            return
        self._version = fleet.version
        service = self.service
        self._moved_at = fleet.moved_at.take(service)
        self._ready = fleet.ready.take(service)
        self._rests = (fleet.starting.take(service) == 0) & self.judged
        requested: Counts = fleet.request_cpu_m.take(service)
        if not self.all_cpu:
            memory = fleet.request_memory.take(service) * 1000
            requested = np.where(self.is_cpu, requested, memory)
        self._rests &= (requested > 0) | ~self.is_share
        self._requested = np.maximum(requested, 1)

    def settled(self, replicas: Counts, in_range: Truths, now: Instant) -> Truths:
        """Where every pod has been Ready for a while, and there are as many as asked for."""
        found: Truths = (self._moved_at <= now - _SETTLED) & self.manned(replicas)
        found &= in_range
        return found

    def manned(self, replicas: Counts) -> Truths:
        """Where as many pods are Ready as are asked for, and no other is starting. A ratio of those
        that count within the tolerance then leaves the size as it is, however many do not count
        yet: they only bring it nearer to 1, or beyond it, where nothing is done either."""
        found: Truths = (self._ready == replicas) & self._rests
        return found

    def in_range(self, replicas: Counts) -> Truths:
        """Where the metric decides: the size is one that the autoscaler may choose."""
        found: Truths = self.judged & (replicas >= self.least) & (replicas <= self.largest)
        return found

    def ratio(self, usage: Usage) -> Figures:
        """What is used to what is aimed at, where the pods are settled."""
        used = usage.cpu_ready.take(self.service)
        if not self.all_cpu:
            used = np.where(self.is_cpu, used, usage.memory_ready.take(self.service) * 1000)
        share = used * 100 // self._requested
        found: Figures = np.where(self.is_share, share, used) / self.target
        return found

    def tolerated(self, ratio: Figures) -> Truths:
        """Where a ratio is too near to 1 to change anything."""
        # No tolerance is below nothing: a ratio is beyond one of them at most.
        found: Truths = (1.0 - ratio <= self.tolerance_down) & (ratio - 1.0 <= self.tolerance_up)
        return found
