from kiban.primitives.instants import Instant, later
from kiban.rehearsal.observations import Observations

ZERO = Instant(1_000_000)


def test_a_record_is_one_line_with_its_time_first_and_its_fields_by_name() -> None:
    log = Observations(ZERO)
    log.note(later(ZERO, 1.23456), "pod.ready", service="web", node="n", share=0.123456, whole=2.0)
    assert list(log.lines()) == [
        '{"t":1.234,"what":"pod.ready","node":"n","service":"web","share":0.123,"whole":2}'
    ]


def test_what_is_before_second_0_has_negative_times() -> None:
    log = Observations(ZERO)
    log.note(later(ZERO, -2), "node.added", node="n")
    assert log.records[0]["t"] == -2


def test_records_are_found_by_their_kind_or_its_beginning() -> None:
    log = Observations(ZERO)
    for what in ("pod.ready", "pod.gone", "podium", "scaled"):
        log.note(ZERO, what)
    assert [record["what"] for record in log.of("pod.")] == ["pod.ready", "pod.gone"]
    assert [record["what"] for record in log.of("scaled", "podium")] == ["podium", "scaled"]


def test_equal_logs_have_equal_digests() -> None:
    logs = [Observations(ZERO) for _ in range(3)]
    for log, node in zip(logs, ("a", "a", "b"), strict=True):
        log.note(ZERO, "node.added", node=node)
    digests = [log.digest() for log in logs]
    assert digests[0] == digests[1] != digests[2]
