"""SARIF 2.1.0, for code scanning: results with places, fingerprints and the edits that solve them.

Source: docs.oasis-open.org/sarif/sarif/v2.1.0.
"""

from typing import Any

import orjson

from kiban import __version__
from kiban.audit.findings import Severity
from kiban.audit.results import Change, Report, Result, Status
from kiban.audit.rules import RULES

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "note"}


def written(report: Report) -> str:
    used = {one.finding.rule for one in report.results}
    rules = [rule for rule in RULES if rule.name in used]
    index = {rule.name: number for number, rule in enumerate(rules)}
    driver = {
        "name": "kiban",
        "version": __version__,
        "informationUri": "https://github.com/kiban-dev/kiban",
        "rules": [
            {
                "id": rule.name,
                "shortDescription": {"text": rule.name.replace("-", " ")},
                "fullDescription": {"text": rule.why},
                "help": {"text": rule.fix, "markdown": f"{rule.fix}\n\n```yaml\n{rule.example}```"},
                "defaultConfiguration": {"level": _LEVELS[rule.severity]},
            }
            for rule in rules
        ],
    }
    run = {
        "tool": {"driver": driver},
        "results": [_result(one, index) for one in report.results],
        "columnKind": "unicodeCodePoints",
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


def _result(result: Result, index: dict[str, int]) -> dict[str, Any]:
    finding = result.finding
    found: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVELS[finding.severity],
        "kind": "open" if result.status is Status.UNKNOWN else "fail",
        "message": {"text": f"{finding.what}: {finding.why}"},
        "partialFingerprints": {"kiban/v1": result.fingerprint},
        "locations": [_location(result)],
    }
    if result.status is Status.UNKNOWN:
        # A level other than none says that something failed.
        found["level"] = "none"
    if result.status in (Status.WAIVED, Status.KNOWN):
        found["suppressions"] = [{"kind": "external", "status": "accepted"}]
    if result.changes:
        found["fixes"] = [{"description": {"text": finding.fix}, "artifactChanges": _edits(result)}]
    return found


def _location(result: Result) -> dict[str, Any]:
    place = result.place
    region = {"startLine": max(1, place.line), "startColumn": max(1, place.column)}
    physical = {"artifactLocation": {"uri": place.file or "cluster"}, "region": region}
    name = f"{result.finding.object} {result.finding.path}".strip()
    return {"physicalLocation": physical, "logicalLocations": [{"fullyQualifiedName": name}]}


def _edits(result: Result) -> list[dict[str, Any]]:
    return [
        {"artifactLocation": {"uri": change.file}, "replacements": [_replacement(change)]}
        for change in result.changes
    ]


def _replacement(change: Change) -> dict[str, Any]:
    (line, column), (end_line, end_column) = change.start, change.end
    region = {
        "startLine": line,
        "startColumn": column,
        "endLine": end_line,
        "endColumn": end_column,
    }
    return {"deletedRegion": region, "insertedContent": {"text": change.text}}
