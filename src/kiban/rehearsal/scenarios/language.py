"""Scenarios by name: those that everybody has, and those of rehearsal.yaml, checked."""

from collections.abc import Iterator, Mapping, Sequence

from kiban.primitives.located import Located
from kiban.primitives.problems import KibanError, Problem, nearest
from kiban.rehearsal.scenarios.named import TEXT
from kiban.rehearsal.scenarios.scenario import Scenario, scenario_of, together
from kiban.rehearsal.scenarios.words import BESIDES, VERBS, ActWords, ScenarioWords, second_of
from kiban.spec.reading import read_yaml
from kiban.spec.spelling import spelled
from kiban.spec.validation import validate

DEFAULT = "day"
_PLAIN = ("at", "for_")


def known_scenarios(written: Mapping[str, Located] | None = None) -> dict[str, Scenario]:
    """All scenarios: one of rehearsal.yaml counts before one of everybody's with its name. Raises
    `KibanError` with every mistake."""
    problems: list[Problem] = []
    found = {name: _scenario(name, tree, problems) for name, tree in _everybodys().items()}
    for name, tree in (written or {}).items():
        found[name] = _scenario(name, tree, problems)
    if problems:
        raise KibanError(sorted(problems, key=lambda one: (one.place, one.what)))
    return found


def chosen(names: Sequence[str], written: Mapping[str, Located] | None = None) -> Scenario:
    """The scenarios of these names as one; the plain day without any."""
    known = known_scenarios(written)
    for name in names:
        if name not in known:
            meant = nearest(name, known)
            fix = f"did you mean {meant!r}?" if meant else f"use one of: {', '.join(known)}"
            what = f"there is no scenario {name!r}"
            raise KibanError(Problem("rehearsal/unknown-scenario", what, fix=fix))
    return together([known[name] for name in names or (DEFAULT,)])


def _everybodys() -> dict[str, Located]:
    tree, problems = read_yaml("scenarios", TEXT)
    assert tree is not None and not problems, problems
    found: dict[str, Located] = tree.value
    return found


def _scenario(name: str, tree: Located, problems: list[Problem]) -> Scenario:
    """One scenario; a broken one is an empty one, and its mistakes are noted."""
    thing = f"the scenario {name}"
    tree = spelled(ScenarioWords, tree, problems, thing)
    words = validate(ScenarioWords, tree, problems, thing=thing)
    if words is None:
        return Scenario(name, 0.0, 0.0)
    for index, act in enumerate(words.acts):
        problems += _check_act(act, tree.nearest(("acts", index)))
        problems += _check_time(act, words, tree.nearest(("acts", index)))
    return scenario_of(name, words)


def _check_act(act: ActWords, node: Located) -> Iterator[Problem]:
    """An act has one verb, and beside it only what belongs to it."""
    verbs = [verb for verb in VERBS if getattr(act, verb) is not None]
    if len(verbs) != 1:
        has = "no verb" if not verbs else "more than one verb: " + ", ".join(map(_word, verbs))
        fix = "say one of: " + ", ".join(map(_word, VERBS))
        yield Problem("rehearsal/act", f"the act has {has}", node.place(), fix=fix)
        return
    allowed = (*_PLAIN, verbs[0], *BESIDES.get(verbs[0], ()))
    for field in sorted(act.model_fields_set):
        if field not in allowed:
            word = _word(field)
            place = node.nearest((word,)).key_place()
            what = f"`{word}` does not belong to `{_word(verbs[0])}`"
            yield Problem("rehearsal/act", what, place, fix="remove it")


def _check_time(act: ActWords, words: ScenarioWords, node: Located) -> Iterator[Problem]:
    """What would happen after the end does not happen."""
    if second_of(act.at, words.from_) - words.from_ >= words.duration:
        end = f"{_clock(words.from_)} to {_clock(words.from_ + words.duration)}"
        what = f"{act.at} is not within the scenario, which is from {end}"
        fix = "say another `at`, an earlier `from`, or a longer `duration`"
        yield Problem("rehearsal/act", what, node.nearest(("at",)).place(), fix=fix)


def _clock(second: float) -> str:
    minutes = int(second // 60)
    days = f" {minutes // 1440} days later" if minutes > 1440 else ""
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}{days}"


def _word(field: str) -> str:
    """A field as people write it."""
    return ActWords.model_fields[field].alias or field
