"""Moves a Deployment from one template or size to another, and says how far it is.

Each pass does one thing and is called again as soon as it shows: pause, scale in proportion, make
the newest set, up, down, clean up. Source: pkg/controller/deployment/deployment_controller.go.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kiban.cluster.controllers.conditions import Claim
from kiban.cluster.controllers.deployment.history import outdated_sets
from kiban.cluster.controllers.deployment.new_set import creation, refused, upkeep
from kiban.cluster.controllers.deployment.revisions import Sets, size_annotations, sorted_sets
from kiban.cluster.controllers.deployment.rollback import rollback_of
from kiban.cluster.controllers.deployment.rolling import Resize, rolling_resizes
from kiban.cluster.controllers.deployment.scaling import is_scaling_event, scaling_resizes
from kiban.cluster.controllers.deployment.status import (
    PROGRESSING,
    TIMED_OUT,
    Status,
    deadline_check,
    is_complete,
    plain_status,
    rollout_status,
    with_claim,
)
from kiban.cluster.controllers.deployment.wishes import (
    is_rolling,
    progress_deadline,
    size_of,
)
from kiban.cluster.controllers.ownership import claim, controllers_of, possible_owners
from kiban.cluster.controllers.pod_changes import is_more_than_waiting
from kiban.cluster.controllers.pods import is_terminal
from kiban.cluster.controllers.writing import (
    change,
    event,
    is_own_report,
    status_update,
    warning,
)
from kiban.kube.objects import (
    DEPLOYMENT,
    POD,
    REPLICA_SET,
    Key,
    Manifest,
    annotations_of,
    condition_of,
    controller_of,
    get_in,
    is_deleting,
    uid_of,
)
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Command
from kiban.reconcile.controller import NOTHING, Change, Only, Outcome, Snapshot, Watched

_SELECTS_ALL = "This deployment is selecting all pods. A non-empty selector is required."


@dataclass(slots=True)
class _Report(Outcome):
    """A new status and nothing else; `told` is the status when a pass that finds it written would
    have nothing to do."""

    told: Status | None = None


class DeploymentController:
    """The controller of kind Deployment."""

    name = "deployment-controller"
    watches: Watched = frozenset({DEPLOYMENT, REPLICA_SET, Only(POD, is_more_than_waiting)})

    def __init__(self) -> None:
        # What each Deployment was last told of its sets.
        self._told: dict[Key, Status] = {}

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        if change.key.group_kind == DEPLOYMENT:
            told = self._told.pop(change.key, None)
            return () if is_own_report(change, told) else [change.key]
        if change.key.group_kind == POD:
            return _waiting_for(change, snapshot)
        owners = controllers_of(DEPLOYMENT, (change.before, change.after))
        if change.after is not None and controller_of(change.after) is None:
            owners += possible_owners(snapshot, change.after, DEPLOYMENT)
        return owners

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        outcome = self._pass(key, snapshot, now)
        if isinstance(outcome, _Report) and outcome.told is not None:
            self._told[key] = outcome.told
        return outcome

    def _pass(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        deployment = snapshot.get(key)
        if deployment is None:
            return NOTHING
        if deployment["spec"].get("selector") == {}:
            return Outcome((warning(deployment, "SelectingAll", _SELECTS_ALL),))
        claimed = claim(snapshot, deployment, REPLICA_SET)
        if claimed.commands:
            return Outcome(tuple(claimed.commands))
        sets = sorted_sets(deployment, claimed.objects)
        if is_deleting(deployment):
            return _report(deployment, plain_status(deployment, sets, now))
        failed = refused(deployment, snapshot.refusals, now)
        if failed:
            return Outcome(failed)
        return _advance(deployment, sets, snapshot, now)


def _waiting_for(change: Change, snapshot: Snapshot) -> list[Key]:
    """The Deployment that recreates its pods and waits for this one to end."""
    if change.after is not None and not is_terminal(change.after):
        return []
    found: list[Key] = []
    for key in controllers_of(REPLICA_SET, (change.object,)):
        for owner in controllers_of(DEPLOYMENT, (snapshot.get(key),)):
            deployment = snapshot.get(owner)
            if deployment is not None and not is_rolling(deployment):
                found.append(owner)
    return found


def _advance(deployment: Manifest, sets: Sets, snapshot: Snapshot, now: Instant) -> Outcome:
    pause = _pause_condition(deployment, now)
    if pause:
        return Outcome(pause)
    if deployment["spec"].get("paused"):
        return _scale(deployment, sets, now, tidy=True)
    rollback = rollback_of(deployment, sets)
    if rollback:
        return Outcome(rollback)
    if is_scaling_event(deployment, sets):
        return _scale(deployment, sets, now, tidy=False)
    if is_rolling(deployment):
        return _roll(deployment, sets, now)
    return _recreate(deployment, sets, snapshot, now)


def _pause_condition(deployment: Manifest, now: Instant) -> tuple[Command, ...]:
    """Pausing and resuming are written down, so that the deadline does not run meanwhile."""
    current = condition_of(deployment, PROGRESSING)
    reason = current.get("reason") if current is not None else ""
    if progress_deadline(deployment) is None or reason == TIMED_OUT:
        return ()
    paused = bool(deployment["spec"].get("paused"))
    if paused == (reason == "DeploymentPaused"):
        return ()
    what = "Paused" if paused else "Resumed"
    said = Claim(PROGRESSING, "Unknown", f"Deployment{what}", f"Deployment is {what.lower()}")
    status = deployment.get("status") or {}
    conditions = with_claim(status.get("conditions") or [], said, now)
    return status_update(deployment, {**status, "conditions": conditions})


def _scale(deployment: Manifest, sets: Sets, now: Instant, *, tidy: bool) -> Outcome:
    """Sizes in proportion; nothing else moves."""
    if sets.new is not None and (written := upkeep(deployment, sets, now)):
        return Outcome(written)
    resizes = _resizes(deployment, scaling_resizes(deployment, sets), renew=True)
    if resizes:
        return Outcome(resizes)
    cleanup = outdated_sets(deployment, sets) if tidy else ()
    return _report(deployment, plain_status(deployment, sets, now), cleanup)


def _roll(deployment: Manifest, sets: Sets, now: Instant) -> Outcome:
    prepared = _prepare(deployment, sets, now)
    if prepared:
        return Outcome(prepared)
    resizes = _resizes(deployment, rolling_resizes(deployment, sets))
    return _conclude(deployment, sets, resizes, now)


def _recreate(deployment: Manifest, sets: Sets, snapshot: Snapshot, now: Instant) -> Outcome:
    # A set that is returned to is numbered at once, though it gets its pods only later.
    if sets.new is not None and (renumbered := upkeep(deployment, sets, now)):
        return Outcome(renumbered)
    emptied = _resizes(deployment, [Resize(old, 0) for old in sets.old if size_of(old) > 0])
    if emptied or _old_pods_run(sets, snapshot):
        return _conclude(deployment, sets, emptied, now)
    if sets.new is None:
        return Outcome(creation(deployment, sets, now))
    size = size_of(deployment)
    grown = [Resize(sets.new, size)] if size_of(sets.new) != size else []
    return _conclude(deployment, sets, _resizes(deployment, grown), now)


def _prepare(deployment: Manifest, sets: Sets, now: Instant) -> tuple[Command, ...]:
    if sets.new is None:
        return creation(deployment, sets, now)
    return upkeep(deployment, sets, now)


def _old_pods_run(sets: Sets, snapshot: Snapshot) -> bool:
    """Whether a pod of an earlier template may still hold what the new ones need."""
    if any(get_in(old, "status", "replicas", default=0) for old in sets.old):
        return True
    return any(not is_terminal(pod) for old in sets.old for pod in snapshot.owned(uid_of(old), POD))


def _conclude(
    deployment: Manifest, sets: Sets, resizes: tuple[Command, ...], now: Instant
) -> Outcome:
    status = rollout_status(deployment, sets, now)
    cleanup = (
        outdated_sets(deployment, sets)
        if not resizes and is_complete(deployment, deployment.get("status") or {})
        else ()
    )
    commands = (*resizes, *cleanup)
    if not commands and is_complete(deployment, status) and outdated_sets(deployment, sets):
        # Once the status says so, the next pass cleans up.
        return Outcome(status_update(deployment, status))
    deadline = deadline_check({**deployment, "status": status}, status, now)
    return _report(deployment, status, commands, deadline)


def _report(
    deployment: Manifest,
    status: Status,
    commands: tuple[Command, ...] = (),
    deadline: float | None = None,
) -> Outcome:
    """The status, after the commands. Without commands a pass on it would find the same, so its
    deadline is what remains to be looked at, where one runs."""
    written = status_update(deployment, status)
    if written and commands:
        return Outcome((*commands, *written))
    if written:
        return _Report(written, deadline, told=status)
    return Outcome(commands, deadline)


def _resizes(
    deployment: Manifest, resizes: Sequence[Resize], *, renew: bool = False
) -> tuple[Command, ...]:
    """The sizes as commands, with their events. With `renew`, also for sets that keep their size
    but remember another one of their Deployment."""
    annotations = size_annotations(deployment)
    commands: list[Command] = []
    for resize in resizes:
        before = size_of(resize.replica_set)
        stale = not annotations.items() <= annotations_of(resize.replica_set).items()
        if before == resize.size and not (renew and stale):
            continue
        patch = {"metadata": {"annotations": annotations}, "spec": {"replicas": resize.size}}
        commands.append(change(resize.replica_set, patch))
        if before != resize.size:
            way = "up" if resize.size > before else "down"
            name = resize.replica_set["metadata"]["name"]
            text = f"Scaled {way} replica set {name} from {before} to {resize.size}"
            commands.append(event(deployment, "ScalingReplicaSet", text, after_success=True))
    return tuple(commands)
