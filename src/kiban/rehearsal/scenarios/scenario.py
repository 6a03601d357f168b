"""A scenario made ready: acts at seconds of a day, and several scenarios as one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kiban.rehearsal.scenarios.words import (
    VERBS,
    ActWords,
    ExpectWords,
    ScenarioWords,
    TrafficWords,
    second_of,
)

# Where the larger value is the stricter expectation, or where what one scenario may use up must
# not be forbidden by another.
_LARGEST = ("latency", "upgraded", "error_budget")


@dataclass(frozen=True, slots=True)
class Act:
    """What happens, in seconds since the start of the rehearsal."""

    at: float
    verb: str
    words: ActWords

    @property
    def value(self) -> object:
        return getattr(self.words, self.verb)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is rehearsed: `seconds` from the second of the day `begin` on."""

    name: str
    begin: float
    seconds: float
    traffic: TrafficWords = field(default_factory=TrafficWords)
    acts: tuple[Act, ...] = ()
    expect: ExpectWords = field(default_factory=ExpectWords)
    description: str = ""


def scenario_of(name: str, words: ScenarioWords) -> Scenario:
    """A scenario as it was written."""
    begin = words.from_
    acts = [Act(second_of(act.at, begin) - begin, verb_of(act), act) for act in words.acts]
    return Scenario(
        name,
        begin,
        words.duration,
        words.traffic,
        tuple(sorted(acts, key=lambda act: act.at)),
        words.expect,
        words.description,
    )


def verb_of(act: ActWords) -> str:
    """The first verb of an act; empty when it has none."""
    return next((verb for verb in VERBS if getattr(act, verb) is not None), "")


def together(scenarios: Sequence[Scenario]) -> Scenario:
    """Several scenarios in one: all acts at their times of day, in a span that holds them all,
    and of every expectation the strictest, but of error budgets the most generous, for they are
    shared. The first traffic that is not the usual one counts."""
    if len(scenarios) == 1:
        return scenarios[0]
    begin = min(one.begin for one in scenarios)
    end = max(one.begin + one.seconds for one in scenarios)
    usual = TrafficWords()
    acts = [
        Act(act.at + one.begin - begin, act.verb, act.words)
        for one in scenarios
        for act in one.acts
    ]
    return Scenario(
        name=" ".join(one.name for one in scenarios),
        begin=begin,
        seconds=end - begin,
        traffic=next((one.traffic for one in scenarios if one.traffic != usual), usual),
        acts=tuple(sorted(acts, key=lambda act: act.at)),
        expect=_strictest([one.expect for one in scenarios]),
        description=" ".join(one.description for one in scenarios if one.description),
    )


def _strictest(expectations: Sequence[ExpectWords]) -> ExpectWords:
    found = {}
    for name in ExpectWords.model_fields:
        said = [value for one in expectations if (value := getattr(one, name)) is not None]
        if said:
            found[name] = max(said) if name in _LARGEST else min(said)
    return ExpectWords.model_construct(**found)
