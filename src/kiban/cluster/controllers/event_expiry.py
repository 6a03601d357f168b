"""Takes events away an hour after they were last written.

kube-apiserver gives them a lease of that length in etcd (`--event-ttl`); here it is a controller,
so that whoever watches is told, and a store in which much happens does not grow without end.
"""

from collections.abc import Iterable

from kiban.kube.objects import EVENT, Key, Manifest, get_in, uid_of
from kiban.primitives.instants import Instant, later, parse_rfc3339, seconds_between
from kiban.reconcile.commands import Delete
from kiban.reconcile.controller import NOTHING, Change, Delayed, Outcome, Snapshot

KEPT_SECONDS = 3600.0
# An event of an earlier run may be due at once; a new one is looked at when there is less to do.
FIRST_LOOK_SECONDS = 10.0
_TIMES = (("lastTimestamp",), ("series", "lastObservedTime"), ("eventTime",), ("firstTimestamp",))


class EventExpiryController:
    """The controller of events' ends."""

    name = "event-expiry-controller"
    watches = frozenset({EVENT})

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key | Delayed]:
        return [Delayed(change.key, FIRST_LOOK_SECONDS)] if change.before is None else []

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        event = snapshot.get(key)
        if event is None:
            return NOTHING
        left = seconds_between(now, later(_written(event), KEPT_SECONDS))
        if left > 0:
            return Outcome(wake_after=left)
        return Outcome((Delete(key, uid=uid_of(event)),))


def _written(event: Manifest) -> Instant:
    """When an event was last counted; when it was made, if it does not say."""
    found = [time for path in _TIMES if (time := get_in(event, *path))]
    return max(parse_rfc3339(time) for time in [event["metadata"]["creationTimestamp"], *found])
