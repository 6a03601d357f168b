"""Deletes Jobs some time after they have finished, when they ask for it.

Source: pkg/controller/ttlafterfinished/ttlafterfinished_controller.go.
"""

from collections.abc import Iterable

from kiban.cluster.controllers.job.ending import end_of
from kiban.cluster.controllers.pods import instant_in
from kiban.kube.objects import JOB, Key, is_deleting, uid_of
from kiban.primitives.instants import Instant, seconds_between
from kiban.reconcile.commands import Delete
from kiban.reconcile.controller import NOTHING, Change, Outcome, Snapshot


class TtlAfterFinishedController:
    """Looks at Jobs that have ended and have a `ttlSecondsAfterFinished`."""

    name = "ttl-after-finished-controller"
    watches = frozenset({JOB})

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        wanted = change.after is not None and "ttlSecondsAfterFinished" in change.after["spec"]
        return [change.key] if wanted else []

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        job = snapshot.get(key)
        end = end_of(job) if job is not None else None
        if job is None or end is None or is_deleting(job):
            return NOTHING
        ttl = job["spec"].get("ttlSecondsAfterFinished")
        ended = instant_in(end, "lastTransitionTime")
        if ttl is None or ended is None:
            return NOTHING
        left = ttl - seconds_between(ended, now)
        if left > 0:
            return Outcome(wake_after=left)
        return Outcome((Delete(key, uid=uid_of(job), propagation="Foreground"),))
