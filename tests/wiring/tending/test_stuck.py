"""Releases that never become well, taken back when they have had their time."""

from tests.wiring.tending.conftest import PLATFORM, Shop

from kiban.operations.gates import Measured

STARTS = "      starts: {indicator: rollout, window: 2m}\n"


def with_rollout_gate(shop: Shop) -> None:
    shop.write("platform.yaml", PLATFORM.replace("    gates:\n", f"    gates:\n{STARTS}"))
    shop.commit("Give a release two minutes")
    shop.deliver()


def test_a_release_that_does_not_start_is_taken_back_after_its_time(shop: Shop) -> None:
    with_rollout_gate(shop)
    shop.release("v2")
    shop.fail("the pods of web crash")
    shop.wait(60)
    shop.turn()
    assert shop.released() == "v2"

    shop.wait(61)
    shop.turn()

    assert shop.released() == "v1"
    message = shop.git("log", "-1", "--format=%B")
    assert "The gate starts failed in dev: it did not become well: the pods of web crash" in message
    shop.look()
    assert ("web", "v2") in shop.house.view.quarantines


def test_a_commit_that_changes_no_release_takes_none_back(shop: Shop) -> None:
    with_rollout_gate(shop)
    shop.write("services/web.yaml", "image: registry.example/web\nport: 9090\n")
    shop.commit("Move the port")
    shop.fail("the pods of web are not ready")
    shop.wait(600)
    shop.turn()

    assert shop.released() == "v1"
    assert shop.house.view.quarantines == {}


def test_what_became_well_in_another_attempt_stays(shop: Shop) -> None:
    with_rollout_gate(shop)
    shop.release("v2")
    shop.fail("the image cannot be pulled")
    shop.wait(200)
    shop.deliver()
    shop.turn()

    assert shop.released() == "v2"


def test_without_such_a_gate_a_failed_delivery_waits_for_a_person(shop: Shop) -> None:
    shop.release("v2")
    shop.fail("the pods of web crash")
    shop.wait(600)
    shop.turn()

    assert shop.released() == "v2"


def test_a_rollout_gate_holds_up_no_promotion(shop: Shop) -> None:
    with_rollout_gate(shop)
    shop.figures.answer = Measured(0.0, 1000)
    shop.release("v2")
    shop.deliver()
    shop.wait(61)
    shop.turn()
    shop.turn()

    assert shop.released("stg") == "v2"
