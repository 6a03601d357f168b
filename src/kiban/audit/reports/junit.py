"""JUnit XML, which every CI shows: a suite for each scope, a case for each finding, and a case
that passed for each rule that nothing broke."""

from xml.sax.saxutils import quoteattr

from kiban.audit.results import Report, Result, by_scope
from kiban.audit.rules import RULES


def written(report: Report) -> str:
    scopes = {**{scope: [] for scope in report.objects}, **by_scope(report.results)}
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for scope in sorted(scopes):
        lines += _suite(scope, scopes[scope])
    if report.problems:
        count = len(report.problems)
        lines.append(f'<testsuite name="files" tests="{count}" failures="{count}">')
        for problem in report.problems:
            name = quoteattr(str(problem.place) or problem.code)
            lines.append(f"<testcase classname={quoteattr(problem.code)} name={name}>")
            lines.append(f"<failure message={quoteattr(problem.what)}/></testcase>")
        lines.append("</testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _suite(scope: str, results: list[Result]) -> list[str]:
    broken = {one.finding.rule for one in results}
    passed = [rule.name for rule in RULES if rule.name not in broken and not rule.optional]
    failures = sum(one.counts for one in results)
    skipped = len(results) - failures
    name = quoteattr(scope or "manifests")
    tests = len(results) + len(passed)
    lines = [
        f'<testsuite name={name} tests="{tests}" failures="{failures}" skipped="{skipped}">',
    ]
    lines += [f"<testcase classname={quoteattr(rule)} name={name}/>" for rule in passed]
    lines += [_case(one) for one in results]
    return [*lines, "</testsuite>"]


def _case(result: Result) -> str:
    finding = result.finding
    name = quoteattr(f"{finding.object} {finding.path}".strip())
    said = quoteattr(f"{finding.what}: {finding.why}; {finding.fix}")
    where = quoteattr(result.place.file) if result.place.file else ""
    file = f" file={where} line={quoteattr(str(result.place.line))}" if where else ""
    if result.counts:
        kind = quoteattr(finding.severity.name.lower())
        inner = f"<failure type={kind} message={said}/>"
    else:
        inner = f"<skipped message={quoteattr(f'{result.status.value}: {finding.what}')}/>"
    return f"<testcase classname={quoteattr(finding.rule)} name={name}{file}>{inner}</testcase>"
