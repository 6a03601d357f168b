"""Events go an hour after they were last counted, in this run or a later one."""

from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.controllers.event_expiry import EventExpiryController
from kiban.kube.objects import EVENT, NAMESPACE, Key
from kiban.primitives.instants import Instant, later
from kiban.reconcile.commands import Record

NOW = Instant(1_800_000_000_000_000)


def cluster() -> Cluster:
    found = assembled(1, [EventExpiryController()])
    found.bootstrap(NOW)
    return found


def record(found: Cluster, now: Instant) -> None:
    about = found.store.get(Key(*NAMESPACE, "", "default"))
    assert about is not None
    found.executor.execute("test", [Record(about, "Normal", "Told", "something")], now)


def run(found: Cluster, until: Instant) -> int:
    """Step up to an instant; how many events there are then."""
    while (due := found.next_due()) is not None and due <= until:
        found.step(due)
    return len(found.store.list(EVENT))


def test_an_event_goes_an_hour_after_it_was_last_counted() -> None:
    found = cluster()
    record(found, NOW)
    assert run(found, later(NOW, 1800)) == 1
    record(found, later(NOW, 1800))
    assert run(found, later(NOW, 3700)) == 1
    assert run(found, later(NOW, 5500)) == 0


def test_time_goes_on_between_runs() -> None:
    first = cluster()
    record(first, NOW)
    objects = [(stored.revision, stored.object) for stored in first.store.iterate(EVENT)]
    second = assembled(1, [EventExpiryController()])
    second.store.restore(objects, first.store.revision)
    second.resume(later(NOW, 4000))
    assert run(second, later(NOW, 4011)) == 0
