"""A baseline: the findings that were there when somebody began, so that only new ones fail.

A line holds one finding by what does not change when files are moved or reordered: scope, rule,
object, path. What was solved since is said, so that the file can only become shorter.
"""

from collections import Counter
from collections.abc import Iterable

from kiban.audit.results import Result
from kiban.primitives.problems import KibanError, Place, Problem

_HEADER = "# Findings that were known when this file was written; new ones fail.\n"
_PARTS = 4


def written(results: Iterable[Result]) -> str:
    """The baseline of what a check found."""
    lines = sorted({line_of(one) for one in results if one.status.value in ("stands", "known")})
    return _HEADER + "".join(f"{line}\n" for line in lines)


def line_of(result: Result) -> str:
    finding = result.finding
    return "\t".join((result.scope or "-", finding.rule, str(finding.object), finding.path or "-"))


def load_baseline(text: str, file: str) -> Counter[str]:
    """The lines of a baseline. Raises `KibanError` for a line that is none."""
    found: Counter[str] = Counter()
    problems = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        if line.count("\t") != _PARTS - 1:
            what = "a line of a baseline has four parts with tabs between them"
            fix = "write it anew: kiban check --write-baseline"
            problems.append(Problem("audit/baseline", what, Place(file, number, 1), fix=fix))
        found[line] += 1
    if problems:
        raise KibanError(problems)
    return found
