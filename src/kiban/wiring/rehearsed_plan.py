"""`kiban plan --rehearse`: what a rehearsal of both revisions, under the same dice, says about a
change before it is merged."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kiban.adapters.git import CommitFiles
from kiban.delivery.planning import Proposal, Rehearsed
from kiban.rehearsal.comparing import Turned
from kiban.rehearsal.report.text import comparison_text
from kiban.spec import load_platform
from kiban.wiring.rehearsing import Rehearsed as Outcome
from kiban.wiring.rehearsing import Wish, rehearse_revisions
from kiban.wiring.revisions import SHORT, Revision, span

# What a change meets first: its own rollout under the usual traffic.
USUAL = ("deploy",)


def with_rehearsal(
    proposal: Proposal,
    start: Path,
    words: str,
    environment: str,
    scenarios: Sequence[str],
    seeds: int,
) -> Proposal:
    """The proposal with the verdict, for the environment or the last one that is touched. One
    that is new or goes has nothing to be compared with."""
    before, after = span(start, words)
    touched = [plan.environment for plan in proposal.environments]
    chosen = environment or (touched[-1] if touched else "")
    if not (_has(before, chosen) and _has(after, chosen)):
        return proposal
    base = before.files.commit[:SHORT] if isinstance(before.files, CommitFiles) else ""
    wish = Wish(tuple(scenarios) or USUAL, chosen, seeds=seeds, against=base)
    found = rehearse_revisions(start, [after, before], wish, lambda share: None)
    return replace(proposal, rehearsed=_said(found))


def _has(revision: Revision, environment: str) -> bool:
    if "platform.yaml" not in revision.files:
        return False
    return environment in load_platform(revision.files).environments


def _said(found: Outcome) -> Rehearsed:
    assert found.comparison is not None
    rehearsal = found.summary.rehearsal
    worse = [each for each in found.comparison.turned if _is_worse(each)]
    others = [each for each in found.comparison.turned if not _is_worse(each)]
    _, *lines = comparison_text(replace(found.comparison, turned=others)).splitlines() or [""]
    return Rehearsed(
        rehearsal.environment,
        rehearsal.scenario,
        len(rehearsal.runs),
        rehearsal.answer,
        tuple(map(_words, worse)),
        tuple(line.strip() for line in lines),
        found.wish.command,
    )


def _is_worse(each: Turned) -> bool:
    """Whether it was met before and is not now. What can no longer be judged is told besides: an
    autoscaler that is gone is not a calm one, and no worse."""
    return each.before == "pass" and each.after == "fail"


def _words(each: Turned) -> str:
    subject = f"{each.subject}: " if each.subject else ""
    return f"{subject}{each.expectation}: {each.before} before, {each.after} now"
