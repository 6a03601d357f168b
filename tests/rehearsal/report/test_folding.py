"""What is said of many services at once."""

from kiban.plans.records import Answer
from kiban.rehearsal.report.folding import alike, folded, moment
from kiban.rehearsal.results import Finding, Rehearsal, Verdict
from kiban.rehearsal.scenarios.timelines import named
from kiban.rehearsal.summary import Seen, Tally


def tally(subject: str, answer: Answer, weight: float = 0.0) -> Tally:
    expectation = "keeps its budget"
    verdict = Verdict(expectation, answer, "found", subject, weight=weight)
    return Tally(expectation, subject, {"pass": 0, "fail": 0, "unknown": 0}, verdict, 1)


def test_what_holds_is_said_of_all_at_once_and_what_fails_of_each_first() -> None:
    found = folded(
        [tally("a", "pass"), tally("b", "unknown"), tally("c", "fail"), tally("d", "pass")]
    )
    assert [(each.tally.answer, list(each.subjects)) for each in found] == [
        ("fail", ["c"]),
        ("unknown", ["b"]),
        ("pass", ["a", "d"]),
    ]


def test_of_many_that_fail_the_worst_are_told_one_by_one() -> None:
    weights = {"a": 2.0, "b": 9.0, "c": 3.0, "d": 1.5, "e": 7.0}
    failed = [tally(name, "fail", weight=weight) for name, weight in weights.items()]
    assert [list(each.subjects) for each in folded(failed)] == [["b"], ["e"], ["c"], ["a", "d"]]
    assert [list(each.subjects) for each in folded(failed[:4])] == [["b"], ["c"], ["a"], ["d"]]


def test_a_time_is_said_once() -> None:
    whole = Rehearsal("shop", "prod", "day", "", 60.0, 8 * 3600.0, ())
    assert moment(Finding("a", "web", "it fails", at=60.0), whole) == "08:01"
    assert moment(Finding("a", "web", "it fails at 08:01", at=60.0), whole) == ""
    assert moment(Finding("a", "web", "it fails"), whole) == ""


def test_findings_that_are_alike_are_told_once() -> None:
    kinds: tuple[tuple[str, Answer], ...] = (("a", "fail"), ("b", "unknown"), ("c", "unknown"))
    seen = [
        Seen(Finding("at-maximum", name, "it is full", answer=answer), 1) for name, answer in kinds
    ]
    assert [(each.finding.subject, others) for each, others in alike(seen)] == [
        ("a", []),
        ("b", ["c"]),
    ]


def test_of_many_names_the_first_are_said() -> None:
    assert named(["a", "b"]) == "a, b"
    assert named([str(number) for number in range(9)]) == "0, 1, 2, 3, 4 and 4 more"
