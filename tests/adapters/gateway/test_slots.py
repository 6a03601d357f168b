import sys

import pytest

from kiban.adapters.gateway.slots import take_slot


@pytest.mark.skipif(sys.platform != "linux", reason="there is only one slot")
def test_a_slot_is_taken_once_and_free_again_when_it_is_closed() -> None:
    first = take_slot(97)
    second = take_slot(97)
    assert first.plan.slot < second.plan.slot
    taken = first.plan.slot
    first.close()

    again = take_slot(taken)
    assert again.plan.slot == taken
    again.close()
    second.close()
