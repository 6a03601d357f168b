"""SARIF 2.1.0, for code scanning: results with places, fingerprints and the edits that solve them.

Source: docs.oasis-open.org/sarif/sarif/v2.1.0.
"""

from typing import Any
from urllib.parse import quote

import orjson

from kiban import __version__
from kiban.audit.findings import Severity
from kiban.audit.results import Change, Report, Result, Status
from kiban.audit.rules import RULES
from kiban.primitives.problems import Place

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
        "invocations": [_invocation(report)],
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


def _invocation(report: Report) -> dict[str, Any]:
    """What is wrong beside the findings: files that cannot be read, waivers that have expired."""
    notes = [
        {
            "level": "error",
            "descriptor": {"id": problem.code},
            "message": {"text": f"{problem.what}; {problem.fix}" if problem.fix else problem.what},
            "locations": [{"physicalLocation": _physical(problem.place)}],
        }
        for problem in report.problems
    ]
    return {"executionSuccessful": not notes, "toolExecutionNotifications": notes}


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
    name = f"{result.finding.object} {result.finding.path}".strip()
    return {
        "physicalLocation": _physical(result.place),
        "logicalLocations": [{"fullyQualifiedName": name}],
    }


def _physical(place: Place) -> dict[str, Any]:
    region = {"startLine": max(1, place.line), "startColumn": max(1, place.column)}
    return {"artifactLocation": {"uri": _uri(place.file)}, "region": region}


def _uri(file: str) -> str:
    """A file as a URI reference; what is in no file is in the cluster."""
    return quote("stdin" if file == "-" else file or "cluster")


def _edits(result: Result) -> list[dict[str, Any]]:
    return [
        {"artifactLocation": {"uri": _uri(change.file)}, "replacements": [_replacement(change)]}
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
