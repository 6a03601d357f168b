"""What another revision changes, as rows: answers that turned, totals beyond the dice, findings
that are new or gone."""

from dataclasses import dataclass

from kiban.plans.records import Answer
from kiban.rehearsal.comparing import Comparison, Turned
from kiban.rehearsal.report.scale import short
from kiban.rehearsal.summary import Range, Seen

# What a comparison calls its totals, in words and with their unit.
_TOTALS = {
    "failed": ("failed requests", ""),
    "cost_dollars": ("cost", "$"),
    "nodes_launched": ("nodes launched", ""),
    "pods_started": ("pods started", ""),
}
_WORDS = {"pass": "passed", "fail": "failed", "unknown": "unknown", None: "not asked"}


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that differs. `answer` is the colour of what it is now."""

    what: str
    before: str
    now: str
    answer: Answer = "unknown"


def differences(comparison: Comparison) -> list[Row]:
    """Everything that differs, what got worse first."""
    found = [
        *(_turned(each) for each in comparison.turned),
        *(
            _total(change.name, change.before, change.after)
            for change in comparison.changes
            if change.is_real
        ),
        *(_finding(each, is_new=True) for each in comparison.new),
        *(_finding(each, is_new=False) for each in comparison.gone),
    ]
    return sorted(found, key=lambda row: ("fail", "unknown", "pass").index(row.answer))


def _turned(each: Turned) -> Row:
    subject = f"{each.subject}: " if each.subject else ""
    what, answer = f"{subject}{each.expectation}", each.after or "unknown"
    return Row(what, _WORDS[each.before], _WORDS[each.after], answer)


def _total(name: str, before: Range, after: Range) -> Row:
    """Less is better of each of them."""
    words, unit = _TOTALS.get(name, (name, ""))
    answer: Answer = "pass" if after.median < before.median else "fail"
    return Row(words, short(before.median, unit), short(after.median, unit), answer)


def _finding(each: Seen, *, is_new: bool) -> Row:
    finding = each.finding
    what = f"{finding.subject}: {finding.what}" if finding.subject else finding.what
    if is_new:
        return Row(what, "–", "new", finding.answer)
    return Row(what, "found", "gone", "pass" if finding.answer == "fail" else "unknown")
