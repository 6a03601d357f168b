"""Every rule finds what its own example shows, and nothing where there is nothing."""

import pytest
from tests.audit.shop import NOW, Surroundings, asked, sound

from kiban.audit import RULES, Rule, check


def test_a_sound_shop_has_no_finding() -> None:
    assert check(sound(), around=Surroundings(now=NOW)) == ()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_finds_what_its_example_shows(rule: Rule) -> None:
    assert rule.name in asked(rule.name, rule.example)


def test_names_are_unique() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_says_why_and_what_to_do(rule: Rule) -> None:
    for sentence in (rule.why, rule.fix):
        assert sentence
        assert not sentence.endswith(".")
