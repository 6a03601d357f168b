"""Promotion that nobody asks for."""

import pytest
from tests.wiring.tending.conftest import PLATFORM, Shop

from kiban.operations.gates import Measured
from kiban.operations.promotion import APPROVED, LIFTED
from kiban.plans.records import Event


def into_stg(shop: Shop, words: str) -> None:
    text = PLATFORM.replace("stg: {after: dev,", f"stg: {{{words}, after: dev,")
    shop.write("platform.yaml", text)
    shop.commit("Change the rules")


def test_what_passed_its_gates_goes_further_by_itself(shop: Shop) -> None:
    shop.release("v2")
    shop.deliver()
    shop.turn()
    assert shop.released("stg") == "v1"

    shop.wait(60)
    shop.turn()
    shop.turn()

    assert shop.released("stg") == "v2"
    message = shop.git("log", "-1", "--format=%B")
    assert message.startswith("Promote web=v2 from dev to stg\n")
    assert "web gate errors: 0 % errors of 1000 samples" in message


def test_without_figures_nothing_goes_further(shop: Shop) -> None:
    shop.figures.answer = Measured(None)
    shop.release("v2")
    shop.deliver()
    for _ in range(10):
        shop.wait(60)
        shop.turn()

    assert shop.released("stg") == "v1"


def test_a_manual_environment_waits_for_a_person(shop: Shop) -> None:
    shop.write("platform.yaml", PLATFORM.replace(", promotion: automatic", ""))
    shop.release("v2")
    shop.commit("Ask people")
    shop.deliver()
    shop.wait(61)
    shop.turn()
    shop.turn()

    assert shop.released("stg") == "v1"


@pytest.mark.parametrize("words", ["soak: 1h", "approvals: 1"])
def test_every_other_gate_counts_too(shop: Shop, words: str) -> None:
    into_stg(shop, words)
    shop.release("v2")
    shop.deliver()
    shop.wait(61)
    shop.turn()
    shop.turn()
    assert shop.released("stg") == "v1"

    shop.put(Event(APPROVED, "web", "", data={"tag": "v2", "environment": "stg", "who": "ada"}))
    shop.wait(3600)
    shop.turn()

    assert shop.released("stg") == "v2"


def test_a_release_that_was_taken_back_is_not_brought_again(shop: Shop) -> None:
    shop.release("v2")
    shop.deliver()
    shop.wait(61)
    shop.turn()
    shop.turn()
    assert shop.released("stg") == "v2"

    shop.release("v1", "stg", "Roll web back to v1 in stg")
    for _ in range(5):
        shop.wait(60)
        shop.turn()
    assert shop.released("stg") == "v1"

    shop.put(Event(LIFTED, "web", "good after all", data={"tag": "v2", "who": "ada"}))
    shop.turn()
    assert shop.released("stg") == "v2"


def test_a_new_process_goes_on_with_what_is_on_record(shop: Shop) -> None:
    shop.release("v2")
    shop.deliver()
    shop.turn()
    shop.start()
    shop.wait(61)
    shop.turn()
    shop.start()
    shop.turn()

    assert shop.released("stg") == "v2"
