"""How many events are written about one object."""

from kiban.cluster.recorder import SPAM_BURST, SPAM_SECONDS, Recorder
from kiban.kube.objects import Manifest
from kiban.primitives.instants import Instant, later
from kiban.reconcile.commands import Record

NOW = Instant(1_800_000_000_000_000)


def pod(name: str) -> Manifest:
    metadata = {"name": name, "namespace": "default", "uid": f"uid-{name}"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}


def written(recorder: Recorder, source: str, about: Manifest, times: int, now: Instant) -> int:
    records = [Record(about, "Normal", "Said", f"text {number}") for number in range(times)]
    return sum(recorder.event(source, record, now) is not None for record in records)


def test_of_one_source_about_one_object_so_many_events_are_written_in_a_row() -> None:
    recorder = Recorder()
    assert written(recorder, "kubelet", pod("a"), 40, NOW) == SPAM_BURST
    assert written(recorder, "job-controller", pod("a"), 3, NOW) == 3
    assert written(recorder, "kubelet", pod("b"), 3, NOW) == 3


def test_one_more_is_written_for_every_five_minutes_that_have_passed() -> None:
    recorder = Recorder()
    written(recorder, "kubelet", pod("a"), SPAM_BURST, NOW)
    assert written(recorder, "kubelet", pod("a"), 9, later(NOW, 2 * SPAM_SECONDS)) == 2


def test_what_the_scheduler_says_is_always_written() -> None:
    assert written(Recorder(), "default-scheduler", pod("a"), 40, NOW) == 40
