"""Agenda."""

from hypothesis import given
from hypothesis import strategies as st

from kiban.primitives.instants import Instant
from kiban.reconcile.agenda import Agenda


def test_an_urgent_wish_is_not_held_behind_a_later_one() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.add("pod", Instant(3600))
    agenda.add("pod", Instant(5))
    assert agenda.next_due() == 5
    assert agenda.pop(Instant(5)) == "pod"
    assert agenda.next_due() is None


def test_a_later_wish_does_not_delay_an_earlier_one() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.add("pod", Instant(5))
    agenda.add("pod", Instant(3600))
    assert agenda.next_due() == 5


def test_nothing_comes_out_before_it_is_due() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.add("pod", Instant(5))
    assert agenda.pop(Instant(4)) is None
    agenda.discard("pod")
    assert agenda.pop(Instant(9)) is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20))))
def test_items_come_out_once_at_their_earliest_time(wishes: list[tuple[str, int]]) -> None:
    agenda: Agenda[str] = Agenda()
    for item, at in wishes:
        agenda.add(item, Instant(at))
    earliest = {item: min(at for name, at in wishes if name == item) for item, _ in wishes}
    found: dict[str, int] = {}
    for now in range(21):
        while (item := agenda.pop(Instant(now))) is not None:
            assert item not in found
            found[item] = now
    assert found == earliest
