"""Releases on probation: asked about, passed, or taken back."""

from tests.wiring.tending.conftest import START, Shop

from kiban.operations.gates import Measured
from kiban.operations.promotion import LIFTED
from kiban.plans.records import Event
from kiban.primitives.instants import seconds_between

BAD = Measured(0.2, 500)


def release_and_deliver(shop: Shop, tag: str) -> None:
    shop.wait(1000)
    shop.release(tag)
    shop.deliver()


def test_a_gate_is_asked_about_the_time_since_the_delivery(shop: Shop) -> None:
    release_and_deliver(shop, "v2")
    shop.wait(30)
    shop.turn()

    (asked,) = shop.figures.asked
    assert (seconds_between(START, asked.since), asked.seconds) == (1000, 30)
    assert asked.subject.namespace == "shop-dev"
    assert shop.answers() == {"v2": "pass"}


def test_a_pass_is_for_good_when_the_window_is_over(shop: Shop) -> None:
    release_and_deliver(shop, "v2")
    for _ in range(3):
        shop.wait(30)
        shop.turn()

    assert shop.answers() == {"v2": "pass for good"}
    assert len(shop.figures.asked) == 2
    assert shop.released("dev") == "v2"


def test_a_gate_is_not_asked_all_the_time(shop: Shop) -> None:
    for _ in range(20):
        shop.wait(0.25)
        shop.turn()

    assert len(shop.figures.asked) == 3


def test_a_release_that_fails_is_taken_back_in_git_and_quarantined(shop: Shop) -> None:
    release_and_deliver(shop, "v2")
    shop.figures.answer = BAD
    shop.turn()

    assert shop.released() == "v1"
    message = shop.git("log", "-1", "--format=%B")
    assert message.startswith("Roll web back to v1 in dev\n")
    assert "The gate errors failed in dev: 20 % errors of 500 samples is more than 1 %" in message
    assert shop.git("show", "--stat", "--format=").startswith("releases/dev.yaml")
    assert "v1  # by hand" in (shop.folder / "releases/dev.yaml").read_text()
    shop.look()
    assert shop.house.view.quarantines["web", "v2"].who == "kiban"


def test_too_few_samples_decide_nothing(shop: Shop) -> None:
    release_and_deliver(shop, "v2")
    shop.figures.answer = Measured(1.0, 9)
    for _ in range(10):
        shop.wait(60)
        shop.turn()

    assert shop.answers() == {"v2": "unknown"}
    assert (shop.released("dev"), shop.released("stg")) == ("v2", "v1")


def test_answers_that_stay_the_same_are_written_once(shop: Shop) -> None:
    for _ in range(10):
        shop.wait(3)
        shop.turn()

    assert len(shop.journal.entries(kind="gate")) == 1


def test_what_failed_first_of_all_stays_and_is_quarantined(shop: Shop) -> None:
    shop.figures.answer = BAD
    shop.turn()

    assert shop.released() == "v1"
    shop.look()
    assert ("web", "v1") in shop.house.view.quarantines


def test_git_that_has_moved_on_is_left_alone(shop: Shop) -> None:
    release_and_deliver(shop, "v2")
    shop.release("v3")
    shop.figures.answer = BAD
    shop.turn()

    assert shop.released() == "v3"
    assert shop.figures.asked == []


def test_an_earlier_failure_does_not_count_once_the_release_runs_anew(shop: Shop) -> None:
    release_and_deliver(shop, "v2")
    shop.figures.answer = BAD
    shop.turn()
    shop.deliver()
    shop.put(Event(LIFTED, "web", "it was the database", data={"tag": "v2", "who": "ada"}))
    shop.figures.answer = Measured(0.0, 100)
    release_and_deliver(shop, "v2")
    shop.wait(61)
    shop.turn()

    assert shop.answers()["v2"] == "pass for good"
    assert shop.released() == "v2"


def test_a_rollback_skips_what_is_quarantined_as_well(shop: Shop) -> None:
    release_and_deliver(shop, "v2")
    release_and_deliver(shop, "v3")
    shop.put(Event("release/quarantined", "web", "why", data={"tag": "v2", "who": "ada"}))
    shop.figures.answer = BAD
    shop.turn()

    assert shop.released() == "v1"
