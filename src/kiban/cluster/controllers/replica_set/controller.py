"""Keeps as many pods as a ReplicaSet asks for: creates, deletes, adopts, releases, reports.

Source of the rules: pkg/controller/replicaset/replica_set.go.
"""

from collections.abc import Iterable, Sequence

from kiban.cluster.controllers.ownership import (
    candidates,
    claim,
    controllers_of,
    possible_owners,
)
from kiban.cluster.controllers.pod_changes import of_owners
from kiban.cluster.controllers.pod_state import state_of
from kiban.cluster.controllers.pods import (
    PodIdentity,
    available_at,
    is_active,
    is_terminal,
    is_terminating,
    name_base,
    pod_from_template,
)
from kiban.cluster.controllers.replica_set.ranking import least_wanted
from kiban.cluster.controllers.replica_set.status import (
    Failure,
    replica_set_status,
    with_failure,
)
from kiban.cluster.controllers.slow_start import batch_size
from kiban.cluster.controllers.writing import event, is_own_report, status_update, warning
from kiban.kube.objects import (
    POD,
    REPLICA_SET,
    Key,
    Manifest,
    controller_of,
    is_deleting,
    key_of,
    owners_of,
    uid_of,
)
from kiban.kube.selectors import selector_from_object
from kiban.primitives.instants import Instant, seconds_between
from kiban.reconcile.commands import Command, Create, Delete, Refusal
from kiban.reconcile.controller import NOTHING, Change, Only, Outcome, Snapshot, Watched

# BurstReplicas of the real controller: pods created or deleted in one pass.
BURST = 500


class ReplicaSetController:
    """The controller of kind ReplicaSet."""

    name = "replicaset-controller"
    watches: Watched = frozenset({REPLICA_SET, Only(POD, of_owners(REPLICA_SET))})

    def __init__(self) -> None:
        # What each set was last told of its pods.
        self._told: dict[Key, Manifest] = {}

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        if change.key.group_kind == REPLICA_SET:
            told = self._told.pop(change.key, None)
            return () if is_own_report(change, told) else [change.key]
        if _shows_the_same(change.before, change.after) or _ended_before(change):
            return ()
        owners = controllers_of(REPLICA_SET, (change.before, change.after))
        if change.after is not None and controller_of(change.after) is None:
            owners += possible_owners(snapshot, change.after, REPLICA_SET)
        return owners

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        replica_set = snapshot.get(key)
        if replica_set is None:
            return NOTHING
        claimed = claim(snapshot, replica_set, POD)
        if claimed.commands:
            # Sized in the next pass, when the adopted are as the others by then have made them.
            return Outcome(tuple(claimed.commands))
        active, terminating = [], []
        for pod in claimed.objects:
            if is_active(pod):
                active.append(pod)
            elif is_terminating(pod):
                terminating.append(pod)
        failure, reports = _refused(replica_set, snapshot.refusals)
        changes = () if is_deleting(replica_set) else _sized(replica_set, active, snapshot, now)
        status = replica_set_status(replica_set, active, terminating, now)
        # While a creation is under way nobody knows yet whether the failure is over.
        if failure is not None or not any(isinstance(entry, Create) for entry in changes):
            status = with_failure(status, failure, now)
        self._told[key] = status
        return Outcome(
            (*reports, *changes, *status_update(replica_set, status)),
            wake_after=_next_availability(replica_set, active, now),
        )


def _shows_the_same(before: Manifest | None, after: Manifest | None) -> bool:
    """Whether a set sees the same of a pod, before it has to choose among its pods."""
    if before is None or after is None:
        return before is after
    was, is_ = state_of(before), state_of(after)
    return (
        was.is_terminal == is_.is_terminal
        and was.is_deleting == is_.is_deleting
        and was.is_ready == is_.is_ready
        and (not is_.is_ready or was.ready == is_.ready)
        and was.labels == is_.labels
        and owners_of(before) == owners_of(after)
    )


def _ended_before(change: Change) -> bool:
    """Whether a pod is gone that did not count any more."""
    return change.after is None and change.before is not None and is_terminal(change.before)


def _sized(
    replica_set: Manifest, active: Sequence[Manifest], snapshot: Snapshot, now: Instant
) -> tuple[Command, ...]:
    """The commands that bring the number of pods nearer to the size asked for."""
    missing = replica_set["spec"].get("replicas", 1) - len(active)
    if missing > 0:
        return _created(replica_set, min(missing, BURST, batch_size(active, now)), snapshot)
    if missing < 0:
        kin = _kin(replica_set, snapshot) if -missing < len(active) else ()
        return _deleted(replica_set, least_wanted(active, kin, min(-missing, BURST), now))
    return ()


def _created(replica_set: Manifest, count: int, snapshot: Snapshot) -> tuple[Command, ...]:
    base = name_base(replica_set["metadata"]["name"])
    commands: list[Command] = []
    for _ in range(count):
        identity = PodIdentity(base + snapshot.chance.suffix(), generate_name=base)
        pod = pod_from_template(replica_set["spec"]["template"], replica_set, identity)
        text = f"Created pod: {identity.name}"
        commands += [Create(pod), event(replica_set, "SuccessfulCreate", text, after_success=True)]
    return tuple(commands)


def _deleted(replica_set: Manifest, pods: Sequence[Manifest]) -> tuple[Command, ...]:
    commands: list[Command] = []
    for pod in pods:
        text = f"Deleted pod: {pod['metadata']['name']}"
        commands += [
            Delete(key_of(pod), uid=uid_of(pod)),
            event(replica_set, "SuccessfulDelete", text, after_success=True),
        ]
    return tuple(commands)


def _kin(replica_set: Manifest, snapshot: Snapshot) -> list[Manifest]:
    """The pods of all sets with the same controller; a set of its own has no kin."""
    owner = controller_of(replica_set)
    if owner is None:
        return []
    pods = {
        key_of(pod): pod
        for relative in snapshot.owned(owner["uid"], REPLICA_SET)
        for pod in candidates(
            snapshot, relative, POD, selector_from_object(relative["spec"].get("selector"))
        )
    }
    return [pods[key] for key in sorted(pods)]


def _refused(
    replica_set: Manifest, refusals: Sequence[Refusal]
) -> tuple[Failure | None, tuple[Command, ...]]:
    """What to report about pods that could not be created or deleted."""
    failure: Failure | None = None
    reports: list[Command] = []
    for refusal in refusals:
        match refusal.command:
            case Create() if not _is_ending_namespace(refusal):
                reason, text = "FailedCreate", f"Error creating: {refusal.message}"
            case Delete() if refusal.code != 404:
                reason, text = "FailedDelete", f"Error deleting: {refusal.message}"
            case _:
                continue
        failure = failure or Failure(reason, refusal.message)
        reports.append(warning(replica_set, reason, text))
    return failure, tuple(reports)


def _is_ending_namespace(refusal: Refusal) -> bool:
    return "NamespaceTerminating" in refusal.causes


def _next_availability(
    replica_set: Manifest, active: Sequence[Manifest], now: Instant
) -> float | None:
    """Seconds until the next ready pod counts as available."""
    min_ready = replica_set["spec"].get("minReadySeconds", 0)
    if not min_ready:
        return None
    times = (available_at(pod, min_ready) for pod in active)
    return min(
        (seconds_between(now, at) for at in times if at is not None and at > now), default=None
    )
