"""Deployments and their figures, from journals written by hand."""

import pytest

from kiban.plans import Event, Plan, PlanClosed, PlanOpened, Step
from kiban.plans.records import Ending, Entry, Record
from kiban.primitives.instants import Instant, later, parse_rfc3339, rfc3339
from kiban.telemetry import Deployment, acts, delivery_figures, deployments, of_services

START = parse_rfc3339("2026-11-02T09:00:00Z")
PROD = "arcade/prod@eks"


class Writing:
    """A journal in memory."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._plans = 0

    def add(self, seconds: float, record: Record) -> None:
        self.entries.append(Entry(len(self.entries) + 1, later(START, seconds), record))

    def attempt(
        self,
        commit: str,
        began: float,
        ended: float,
        ending: Ending,
        *,
        message: str = "Change",
        service: str = "web",
        **more: str,
    ) -> None:
        """A plan for a commit made a minute before it began."""
        self._plans += 1
        id_ = f"p{self._plans}"
        facts = {
            "commit": commit,
            "author": "Aya",
            "message": message,
            "committed": rfc3339(later(START, began - 60)),
            **more,
        }
        step = Step(f"service:{service}", "apply", service, f"apply {service}")
        plan = Plan(id_, "sync", PROD, f"deliver {commit} to {PROD}", (step,), facts=facts)
        self.add(began, PlanOpened(plan, 1))
        self.add(ended, PlanClosed(id_, PROD, ending, "web is not well" * (ending == "failed")))
        if ending == "done":
            data = {"commit": commit, "images": {"web": f"web:{commit}"}}
            self.add(ended, Event("delivery/delivered", PROD, "delivered", id_, data))


def test_a_commit_that_is_tried_again_is_one_deployment() -> None:
    journal = Writing()
    journal.attempt("a", 0, 30, "failed")
    journal.attempt("a", 40, 100, "done")

    (found,) = deployments(journal.entries)

    assert (found.attempts, found.outcome, found.has_failed) == (2, "delivered", True)
    assert found.lead_seconds == 160.0
    assert found.images == {"web": "web:a"}


def test_the_four_figures() -> None:
    journal = Writing()
    journal.attempt("a", 0, 10, "done")
    journal.attempt("b", 3600, 3700, "failed")
    journal.attempt("c", 4000, 4060, "done")
    journal.attempt("d", 7200, 7220, "done")

    line, everything = delivery_figures(
        deployments(journal.entries), START, later(START, 2 * 86_400)
    )

    assert line.subject == PROD
    assert (line.deployments, line.delivered, line.per_day) == (4, 3, 1.5)
    assert line.failure_rate == 0.25
    assert (line.lead_median, line.lead_p90) == (80.0, 120.0)
    assert line.restore_median == 360.0
    assert everything.as_data() == line.as_data() | {"subject": ""}


def test_what_is_taken_back_has_failed_and_the_rollback_restores() -> None:
    journal = Writing()
    journal.attempt("bad", 0, 10, "done")
    journal.attempt("back", 600, 620, "done", message="Roll web back to v1 in prod")

    bad, back = deployments(journal.entries)
    line, _ = delivery_figures([bad, back], START, later(START, 86_400))

    assert (bad.rolled_back, back.is_rollback) == (True, True)
    assert line.failed == 1
    assert line.restore_median == 610.0


def test_a_rollback_takes_back_what_touched_its_service_and_not_what_came_last() -> None:
    journal = Writing()
    journal.attempt("bad", 0, 10, "done")
    journal.attempt("other", 100, 110, "done", service="pay")
    journal.attempt("back", 600, 620, "done", message="Roll web back to v1 in prod")

    bad, other, _ = found = deployments(journal.entries)
    line, _ = delivery_figures(found, START, later(START, 86_400))

    assert (bad.rolled_back, other.rolled_back) == (True, False)
    # What was delivered between did not mend it, nor did it hurt; how soon a rollback came is no
    # lead time of a change.
    assert (line.failed, line.restore_median, line.lead_median) == (1, 610.0, 70.0)


def test_a_revert_takes_back_the_commit_of_its_title() -> None:
    journal = Writing()
    journal.attempt("a", 0, 10, "done", message="Use the new index")
    journal.attempt("b", 100, 110, "done", message="Say hello")
    journal.attempt("c", 600, 620, "done", message='Revert "Use the new index"')

    found = deployments(journal.entries)

    assert [each.rolled_back for each in found] == [True, False, False]
    assert found[2].is_rollback


def test_what_is_still_on_its_way_is_no_deployment_yet() -> None:
    journal = Writing()
    journal.attempt("a", 0, 10, "abandoned")

    (everything,) = delivery_figures(deployments(journal.entries), START, later(START, 86_400))

    assert (everything.deployments, everything.per_day) == (0, 0.0)


def test_deployments_are_chosen_by_the_services_they_touched() -> None:
    journal = Writing()
    journal.attempt("a", 0, 10, "done")
    journal.attempt("b", 100, 110, "done", service="pay")

    found = deployments(journal.entries)

    assert [each.commit for each in of_services(found, ["pay", "auth"])] == ["b"]
    assert [each.services for each in found] == [("web",), ("pay",)]


def test_a_deployment_says_whether_it_did_what_was_agreed_to() -> None:
    journal = Writing()
    journal.attempt("a", 0, 10, "done", hash="beef", promised="c0de")

    (found,) = deployments(journal.entries)

    assert (found.planned, found.hash) == ("c0de", "beef")


def test_what_gave_way_to_a_newer_commit_is_no_deployment() -> None:
    journal = Writing()
    journal.attempt("a", 0, 5, "superseded")
    journal.attempt("b", 6, 20, "done")

    line, _ = delivery_figures(deployments(journal.entries), START, later(START, 86_400))

    assert line.deployments == 1


def test_a_failure_that_nothing_mended_is_counted_apart() -> None:
    journal = Writing()
    journal.attempt("a", 0, 10, "failed")

    line, _ = delivery_figures(deployments(journal.entries), START, later(START, 86_400))

    assert (line.restore_median, line.unrestored) == (None, 1)


def test_nothing_gives_no_figure_rather_than_zero() -> None:
    (everything,) = delivery_figures([], START, later(START, 86_400))

    assert everything.failure_rate is None
    assert everything.lead_median is None


def test_an_act_says_who_what_why_and_from_which_commit() -> None:
    journal = Writing()
    journal.attempt("a", 0, 30, "failed", message="Try it")

    began, ended = acts(journal.entries)

    assert (began.who, began.what, began.result) == ("Aya", f"deliver a to {PROD}", "began")
    assert (began.why, began.commit) == ("Try it", "a")
    assert (ended.result, ended.why) == ("failed", "web is not well")


@pytest.mark.parametrize("count", [1, 2, 9, 10])
def test_nine_of_ten_are_within_the_second_figure(count: int) -> None:
    found = [
        Deployment(PROD, str(n), "", "", START, START, Instant(START + (n + 1) * 1_000_000),
                   outcome="delivered")
        for n in range(count)
    ]  # fmt: skip

    line, _ = delivery_figures(found, START, later(START, 86_400))

    assert line.lead_p90 is not None
    assert sum(each.lead_seconds <= line.lead_p90 for each in found if each.lead_seconds) >= (
        0.9 * count
    )
