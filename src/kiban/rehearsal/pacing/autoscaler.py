"""The horizontal pod autoscaler at the beat of a rehearsal: run only where a run could do anything.

Autoscalers that were created together run together every 15 s. At each beat the lanes tell which
of them would leave everything as it is; those are not run, only what they recommend is remembered,
for it counts in later runs. What is elided is their status, which nobody but people reads.
"""

from collections.abc import Callable, Iterable, Sequence

from kiban.cluster.controllers.horizontal_pod_autoscaler import (
    PERIOD_SECONDS,
    HorizontalPodAutoscalerController,
)
from kiban.kube.objects import (
    DEPLOYMENT,
    HORIZONTAL_POD_AUTOSCALER,
    STATEFUL_SET,
    Key,
    Manifest,
    condition_of,
    uid_of,
)
from kiban.primitives.instants import MICROSECONDS, Instant, later
from kiban.reconcile.commands import Command, Patch
from kiban.reconcile.controller import NOTHING, Change, Delayed, Outcome, Snapshot
from kiban.rehearsal.fleet import Fleet
from kiban.rehearsal.metering import Metering
from kiban.rehearsal.pacing.lanes import Lanes, Terms, terms_of, workload_of
from kiban.rehearsal.pacing.looking import Looks

_PERIOD = round(PERIOD_SECONDS * MICROSECONDS)
BEAT_KIND = "HorizontalPodAutoscalerBeat"
Wake = Callable[[Key, Instant], None]


class PacedAutoscaler:
    """A `Controller` in the place of the autoscaler's. `wake` has a key run; it is given when the
    loop is there."""

    name = HorizontalPodAutoscalerController.name
    watches = frozenset({HORIZONTAL_POD_AUTOSCALER, DEPLOYMENT, STATEFUL_SET})

    def __init__(self, metering: Metering, fleet: Fleet) -> None:
        self._inner = HorizontalPodAutoscalerController(metering)
        self._metering = metering
        self._fleet = fleet
        self._looks = Looks(metering, fleet)
        self._lanes: dict[int, Lanes] = {}
        self._lanes_of: dict[Key, Lanes] = {}
        self._sized_by: dict[Key, dict[Key, None]] = {}
        self._read: dict[Key, tuple[Manifest, Manifest | None, Terms | None]] = {}
        self.wake: Wake = _unheard

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key | Delayed]:
        if change.key.group_kind == HORIZONTAL_POD_AUTOSCALER:
            return self._autoscaler_changed(change, snapshot)
        after, before = change.after, change.before
        for key in self._sized_by.get(change.key, ()):
            self._workload_changed(key, before, after)
        return ()

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        if key.kind == BEAT_KIND:
            return self._beat(key, snapshot, now)
        autoscaler = snapshot.get(key)
        if autoscaler is None:
            return NOTHING
        lanes = self._lanes_of.get(key)
        memory = self._inner.memory(uid_of(autoscaler))
        if lanes is None:
            lanes = self._begin(key, now)
        else:
            lanes.recall(key, memory)
        outcome = self._inner.reconcile(key, snapshot, now)
        lanes.remember(key, memory, now)
        self._learn(key, autoscaler, snapshot)
        return Outcome(_that_matter(outcome.commands, autoscaler))

    # Beats

    def _begin(self, key: Key, now: Instant) -> Lanes:
        """A new autoscaler joins those of the same beat."""
        phase = now % _PERIOD
        lanes = self._lanes.get(phase)
        if lanes is None:
            lanes = self._lanes[phase] = Lanes(self._fleet)
            beat = Key("", BEAT_KIND, "", str(phase))
            self.wake(beat, later(now, PERIOD_SECONDS))
        lanes.add(key, now)
        self._lanes_of[key] = lanes
        return lanes

    def _beat(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        def look(terms: Terms, replicas: int) -> int | None:
            return self._looks.proposed(terms, replicas, snapshot, now)

        lanes = self._lanes[int(key.name)]
        for due in lanes.restless(self._metering.usage, now, look):
            self.wake(due, now)
        return Outcome(wake_after=PERIOD_SECONDS)

    # What lanes know

    def _learn(self, key: Key, autoscaler: Manifest, snapshot: Snapshot) -> None:
        """Have a lane judge the autoscaler, if its last run was one without a hitch."""
        target = workload_of(autoscaler)
        workload = snapshot.get(target)
        terms = None
        if workload is not None and _is_well(autoscaler):
            terms = self._terms(key, autoscaler, workload)
        replicas = workload["spec"].get("replicas", 1) if workload is not None else 0
        self._sized_by.setdefault(target, {})[key] = None
        self._lanes_of[key].set_terms(key, terms, replicas)

    def _terms(self, key: Key, autoscaler: Manifest, workload: Manifest) -> Terms | None:
        template, spec = workload["spec"].get("template"), autoscaler["spec"]
        known = self._read.get(key)
        if known is None or known[0] is not spec or known[1] is not template:
            known = (spec, template, terms_of(autoscaler, workload, self._fleet))
            self._read[key] = known
        return known[2]

    def _autoscaler_changed(self, change: Change, snapshot: Snapshot) -> Iterable[Delayed]:
        before, after = change.before, change.after
        wishes = self._inner.interested(change, snapshot)
        if before is not None and after is not None and before["spec"] == after["spec"]:
            return () if change.key in self._lanes_of else wishes
        # Who is new or other may share pods with any of them.
        for lanes in self._lanes.values():
            lanes.distrust()
        return () if change.key in self._lanes_of else wishes

    def _workload_changed(self, key: Key, before: Manifest | None, after: Manifest | None) -> None:
        lanes = self._lanes_of.get(key)
        if lanes is None:
            return
        if before is None or after is None:
            lanes.set_terms(key, None, 0)
        elif before["spec"].get("replicas") != after["spec"].get("replicas"):
            lanes.resize(key, after["spec"].get("replicas", 1))


def _that_matter(commands: Sequence[Command], autoscaler: Manifest) -> tuple[Command, ...]:
    """The commands without a status that says the same of all conditions as the last one: only
    figures and words differ."""
    if len(commands) != 1 or not isinstance(commands[0], Patch) or not autoscaler.get("status"):
        return tuple(commands)
    patch = commands[0].patch.get("status") or {}
    figures = patch.keys() <= {"currentMetrics", "conditions"}
    same = _claims(patch.get("conditions")) in ((), _claims(autoscaler["status"].get("conditions")))
    return () if figures and same else tuple(commands)


def _claims(conditions: Sequence[Manifest] | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((entry["type"], entry["status"]) for entry in conditions or ()))


def _is_well(autoscaler: Manifest) -> bool:
    """Whether it follows its metrics, by what its last run wrote."""
    condition = condition_of(autoscaler, "ScalingActive")
    return condition is not None and condition["status"] == "True"


def _unheard(key: Key, at: Instant) -> None:
    raise AssertionError("the pace is not connected to a loop yet")
