"""Waivers: findings that are accepted for a while, from waivers.yaml.

A waiver has an owner, a reason and an end. One that has expired accepts nothing any more, and one
that accepts nothing is reported, so that the file stays true.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydantic import Field

from kiban.audit.findings import Finding, Verdict
from kiban.audit.rules import BY_NAME
from kiban.primitives.instants import Instant, parse_rfc3339
from kiban.primitives.located import Located
from kiban.primitives.problems import KibanError, Place, Problem, nearest
from kiban.spec.reading import read_yaml
from kiban.spec.spelling import spelled
from kiban.spec.validation import validate
from kiban.spec.words import Words


class WaiverSpec(Words):
    """One entry of waivers.yaml."""

    rule: str = Field(description="The name of the rule.")
    object: str = Field(description="Kind/name, with * for any.")
    environment: str | None = Field(default=None, description="Its namespace, with * for any.")
    owner: str = Field(min_length=1, description="Who answers for it.")
    reason: str = Field(min_length=3, description="Why it is accepted.")
    expires: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="The last day it holds.")


@dataclass(frozen=True, slots=True)
class Waiver:
    """One accepted finding. `expires` is the first instant at which it holds no more."""

    name: str
    spec: WaiverSpec
    expires: Instant
    place: Place

    def accepts(self, finding: Finding) -> bool:
        key = finding.object
        return (
            finding.rule == self.spec.rule
            and fnmatchcase(f"{key.kind}/{key.name}", self.spec.object)
            and (self.spec.environment is None or fnmatchcase(key.namespace, self.spec.environment))
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """Findings that stand, findings that are waived, what is wrong with the waivers, and what
    could not be told."""

    standing: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    unknown: tuple[Finding, ...] = ()


def load_waivers(text: str, file: str = "waivers.yaml") -> tuple[Waiver, ...]:
    """The waivers of a file. Raises `KibanError` with every mistake in it."""
    tree, problems = read_yaml(file, text)
    found = []
    entries = tree.value if tree is not None and tree.value is not None else {}
    if not isinstance(entries, dict):
        raise KibanError(
            Problem("waiver/not-a-map", "waivers are a map by name", Place(file, 1, 1))
        )
    for name, node in entries.items():
        thing = f"waiver {name}"
        known = spelled(WaiverSpec, _dated(node), problems, thing)
        spec = validate(WaiverSpec, known, problems, thing=thing)
        expires = _end_of(spec.expires) if spec is not None else None
        if spec is not None and expires is None:
            place = node.nearest(("expires",)).place()
            problems.append(Problem("waiver/date", f"{spec.expires} is no day", place))
        elif spec is not None and spec.rule not in BY_NAME:
            problems.append(_unknown(spec.rule, node))
        elif spec is not None and expires is not None:
            found.append(Waiver(name, spec, expires, node.key_place()))
    if problems:
        raise KibanError(problems)
    return tuple(found)


def _unknown(rule: str, node: Located) -> Problem:
    """A waiver of nothing would stay in the file for ever."""
    meant = nearest(rule, BY_NAME)
    place = node.nearest(("rule",)).place()
    fix = f"write {meant}" if meant else "see docs/reference/checks.md"
    return Problem("waiver/unknown-rule", f"there is no rule {rule!r}", place, fix=fix)


def _dated(node: Located) -> Located:
    """A date is taken as it was written, quoted or not."""
    if not isinstance(node.value, dict) or "expires" not in node.value:
        return node
    date = node.value["expires"]
    return node.with_value({**node.value, "expires": date.with_value(date.text)})


def _end_of(day: str) -> Instant | None:
    try:
        start = parse_rfc3339(f"{day}T00:00:00Z")
    except ValueError:
        return None
    return Instant(start + 24 * 3600 * 1_000_000)


def judge(findings: Iterable[Finding], waivers: Iterable[Waiver], now: Instant) -> Judgement:
    """Which findings stand at an instant."""
    waivers = tuple(waivers)
    standing: list[Finding] = []
    waived: list[Finding] = []
    unknown: list[Finding] = []
    used: set[str] = set()
    for finding in findings:
        accepting = [one for one in waivers if one.accepts(finding)]
        used.update(one.name for one in accepting)
        if any(now < one.expires for one in accepting):
            waived.append(finding)
        else:
            (unknown if finding.verdict is Verdict.UNKNOWN else standing).append(finding)
    problems = _faults(waivers, used, now)
    return Judgement(tuple(standing), tuple(waived), tuple(problems), tuple(unknown))


def _faults(waivers: Iterable[Waiver], used: set[str], now: Instant) -> list[Problem]:
    problems = []
    for one in waivers:
        if now >= one.expires:
            what = f"the waiver {one.name!r} of {one.spec.owner} expired on {one.spec.expires}"
            fix = "solve the finding, or agree on a new date"
            problems.append(Problem("waiver/expired", what, one.place, fix=fix))
        elif one.name not in used:
            what = f"the waiver {one.name!r} accepts nothing"
            problems.append(Problem("waiver/unused", what, one.place, fix="delete it"))
    return problems
