"""A proposal as text for a terminal, and as Markdown for a comment on a pull request."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from kiban.delivery.planning.fields import FieldChange
from kiban.delivery.planning.proposal import (
    Action,
    EnvironmentPlan,
    ObjectPlan,
    Proposal,
    Rehearsed,
)
from kiban.plans.records import Answer

SIGNS: dict[Action, str] = {
    "create": "+", "change": "~", "replace": "±", "refuse": "!", "delete": "-", "keep": "=",
    "run": ">",
}  # fmt: skip
WORDS: dict[Action, str] = {
    "create": "created", "change": "changed", "replace": "replaced", "refuse": "refused",
    "delete": "deleted", "keep": "kept", "run": "run",
}  # fmt: skip
VERDICTS: dict[Answer, str] = {
    "pass": "every expectation holds",
    "fail": "not every expectation holds",
    "unknown": "not every expectation could be judged",
}
# A value that is longer is cut; the whole is in the JSON.
LONGEST_VALUE = 100
# Forges cut comments at some 65,000 characters.
LONGEST_COMMENT = 60_000


def text(proposal: Proposal) -> str:
    """For a terminal, ending in a newline."""
    lines = [line for plan in proposal.environments for line in _environment(plan)]
    if not proposal.environments:
        lines.append(f"Nothing would change from {proposal.base} to {proposal.head}.")
    elif proposal.unchanged:
        lines += ["", f"unchanged: {', '.join(proposal.unchanged)}"]
    if proposal.left:
        lines += ["", f"no longer delivered, and left as it runs: {', '.join(proposal.left)}"]
    if proposal.new_findings:
        lines += ["", "New findings:"]
        lines += [f"  {line}" for each in proposal.new_findings for line in str(each).split("\n")]
    if proposal.rehearsed:
        lines += ["", *rehearsal_lines(proposal.rehearsed)]
    return "\n".join(lines).lstrip("\n") + "\n"


def markdown(proposal: Proposal) -> str:
    """For a comment: what matters first, details folded."""
    title = f"### Kiban plan: `{proposal.base}` → `{proposal.head}`"
    if not (proposal.environments or proposal.left or proposal.new_findings):
        return f"{title}\n\nNothing would change in any environment.\n"
    parts = [title, *(_table(proposal.environments) if proposal.environments else ())]
    parts += [part for plan in proposal.environments for part in _details(plan)]
    if proposal.unchanged:
        parts.append(f"Unchanged: {', '.join(proposal.unchanged)}.")
    if proposal.left:
        parts.append(f"No longer delivered, and left as it runs: {', '.join(proposal.left)}.")
    if proposal.new_findings:
        listed = "\n".join(f"- {_escaped(str(each.what))}" for each in proposal.new_findings)
        parts.append(f"**New findings ({len(proposal.new_findings)})**\n\n{listed}")
    if proposal.rehearsed:
        first, *rest = rehearsal_lines(proposal.rehearsed)
        listed = "".join(f"\n- {_escaped(line.strip())}" for line in rest)
        parts.append(f"**{_escaped(first)}**\n{listed}".rstrip())
    if proposal.trailers:
        listed = "\n".join(proposal.trailers)
        words = "To hold the syncs to these plans, put into the merge commit's message:"
        parts.append(f"{words}\n\n```\n{listed}\n```")
    whole = "\n\n".join(parts) + "\n"
    if len(whole) <= LONGEST_COMMENT:
        return whole
    return "\n\n".join([*parts[:2], "The details are too long for a comment; see the JSON."]) + "\n"


def summary(plan: EnvironmentPlan) -> str:
    """`2 created, 1 changed; restarts web (3 pods)`."""
    counts = ", ".join(
        f"{plan.counts[action]} {WORDS[action]}" for action in SIGNS if action in plan.counts
    )
    restarts = ", ".join(each.key.name for each in plan.restarted)
    return f"{counts}; restarts {restarts}" if restarts else counts


def rehearsal_lines(said: Rehearsed) -> list[str]:
    """The verdict, and under it what is worse, what else differs, and how to see more."""
    runs = "1 seed" if said.seeds == 1 else f"{said.seeds} seeds"
    first = f"Rehearsed {said.scenario} in {said.environment}, {runs}: {VERDICTS[said.answer]}"
    if not (said.worse or said.differences):
        return [f"{first}; no different from before"]
    return [
        first,
        *(f"  worse: {line}" for line in said.worse),
        *(f"  {line}" for line in said.differences),
        *([f"  more: {said.command}"] if said.command else []),
    ]


def _environment(plan: EnvironmentPlan) -> Iterator[str]:
    yield ""
    yield f"{plan.environment} on {plan.cluster}: {summary(plan)}  [plan {plan.hash}]"
    for each in plan.objects:
        yield from (f"  {line}" for line in _object(each))
    for number, stage in enumerate(plan.stages, 1):
        yield f"  {number}. {'; '.join(stage.words)}"
    for problem in plan.problems:
        yield from (f"  {line}" for line in str(problem).split("\n"))


def _object(each: ObjectPlan) -> Iterator[str]:
    restart = "  (pods restart)" if each.restarts else ""
    yield f"{SIGNS[each.action]} {each.key}{restart}"
    if each.why:
        yield f"    {WORDS[each.action]}: {each.why}"
    yield from (f"    {_field(change)}" for change in each.fields)


def _field(change: FieldChange) -> str:
    if change.before is None:
        return f"{change.path}: + {_shown(change.after)}"
    if change.after is None:
        return f"{change.path}: - {_shown(change.before)}"
    return f"{change.path}: {_shown(change.before)} -> {_shown(change.after)}"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text.replace("\n", "⏎")
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _table(plans: Sequence[EnvironmentPlan]) -> list[str]:
    rows = ["| environment | cluster | what happens | plan |", "|---|---|---|---|"]
    rows += [
        f"| {plan.environment} | {plan.cluster} | {_escaped(summary(plan))} | `{plan.hash}` |"
        for plan in plans
    ]
    return ["\n".join(rows)]


def _details(plan: EnvironmentPlan) -> Iterator[str]:
    for problem in plan.problems:
        yield f"> **{_escaped(problem.what)}** {_escaped(problem.fix)}"
    for each in plan.objects:
        if each.action in ("refuse", "replace", "delete"):
            yield f"- **{WORDS[each.action]}** `{each.key}` {_escaped(each.why)}".rstrip()
    lines = [line for each in plan.objects for line in _object(each)]
    order = [f"{number}. {'; '.join(s.words)}" for number, s in enumerate(plan.stages, 1)]
    fence = _fence(lines)
    yield "\n".join(
        [
            f"<details><summary>{plan.environment} on {plan.cluster}: every field</summary>",
            "",
            f"{fence}diff",
            *(_for_diff(line) for line in lines),
            fence,
            "",
            *order,
            "",
            "</details>",
        ]
    )


def _for_diff(line: str) -> str:
    """Colours come from the first character."""
    return line if line[:1] in "+-" else f" {line}"


def _fence(lines: Sequence[str]) -> str:
    """Longer than any run of backticks inside."""
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    return fence


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
