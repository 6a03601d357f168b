"""Chance."""

import re

from kiban.primitives.chance import Chance


def test_the_same_seed_draws_the_same() -> None:
    one, other = Chance(7), Chance(7)
    assert [one.uid(), one.suffix()] == [other.uid(), other.suffix()]
    assert Chance(8).uid() != Chance(7).uid()


def test_a_new_consumer_changes_nobody_elses_draws() -> None:
    alone, crowded = Chance(7), Chance(7)
    crowded.stream("something new").random()
    assert alone.stream("ties").random() == crowded.stream("ties").random()


def test_a_uid_is_a_version_4_uuid() -> None:
    form = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    assert re.fullmatch(form, Chance("x").uid())
