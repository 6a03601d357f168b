"""SARIF as code scanning reads it: what the schema of 2.1.0 says of the parts that are written.

Source of the shapes: docs.oasis-open.org/sarif/sarif/v2.1.0, sections 3.14 to 3.58; where the
schema allows no other properties, this one does not either.
"""

import json
from typing import Any

import jsonschema

from kiban.audit import Settings, Surroundings, check
from kiban.audit.reports.sarif import written
from kiban.audit.results import Change, Report, Result, Status
from kiban.kube.documents import read_documents
from kiban.primitives.problems import Place, Problem

URI = {"type": "string", "format": "uri-reference", "pattern": r"^[^\s\\]+$"}
COUNT = {"type": "integer", "minimum": 1}


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }


def many(items: Any, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


TEXT = {"type": "string", "minLength": 1}
MESSAGE = closed(["text"], text=TEXT, markdown=TEXT)
ARTIFACT = closed(["uri"], uri=URI)
REGION = closed(["startLine"], startLine=COUNT, startColumn=COUNT, endLine=COUNT, endColumn=COUNT)
LOCATION = closed(
    ["physicalLocation"],
    physicalLocation=closed(["artifactLocation"], artifactLocation=ARTIFACT, region=REGION),
    logicalLocations=many(closed([], fullyQualifiedName=TEXT), uniqueItems=True),
)
LEVEL = {"enum": ["none", "note", "warning", "error"]}
REPLACEMENT = closed(
    ["deletedRegion"], deletedRegion=REGION, insertedContent=closed([], text={"type": "string"})
)
FIX = closed(
    ["artifactChanges"],
    description=MESSAGE,
    artifactChanges=many(
        closed(
            ["artifactLocation", "replacements"],
            artifactLocation=ARTIFACT,
            replacements=many(REPLACEMENT, minItems=1),
        ),
        minItems=1,
        uniqueItems=True,
    ),
)
RESULT = closed(
    ["message"],
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    kind={"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]},
    message=MESSAGE,
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
    locations=many(LOCATION),
    suppressions=many(
        closed(
            ["kind"],
            kind={"enum": ["inSource", "external"]},
            status={"enum": ["accepted", "underReview", "rejected"]},
        ),
        uniqueItems=True,
    ),
    fixes=many(FIX, uniqueItems=True),
)
RULE = closed(
    ["id"],
    id=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=closed([], level=LEVEL),
)
NOTE = closed(
    ["message"],
    message=MESSAGE,
    level=LEVEL,
    descriptor=closed([], id=TEXT),
    locations=many(LOCATION, uniqueItems=True),
)
RUN = closed(
    ["tool", "results"],
    tool=closed(
        ["driver"],
        driver=closed(
            ["name"],
            name=TEXT,
            version=TEXT,
            informationUri={**URI, "format": "uri"},
            rules=many(RULE, uniqueItems=True),
        ),
    ),
    results=many(RESULT),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    invocations=many(
        closed(
            ["executionSuccessful"],
            executionSuccessful={"type": "boolean"},
            toolExecutionNotifications=many(NOTE),
        )
    ),
)
LOG = {
    **closed(["version", "runs"], version={"const": "2.1.0"}, runs=many(RUN)),
}
LOG["properties"]["$schema"] = {"type": "string", "format": "uri"}

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: lonely}
spec: {hostNetwork: true, containers: [{name: app, image: 'app:v1'}]}
"""


def log(*, statuses: list[Status], problems: tuple[Problem, ...] = ()) -> dict[str, Any]:
    documents, _ = read_documents("my pods/pod.yaml", POD)
    found = check([one.manifest for one in documents], around=Surroundings(Settings()))
    change = Change("my pods/pod.yaml", (4, 8), (4, 27), "")
    results = [
        Result(one, statuses[index % len(statuses)], place=Place("my pods/pod.yaml", 4, 8),
               changes=(change,))
        for index, one in enumerate(found)
    ]  # fmt: skip
    told: dict[str, Any] = json.loads(written(Report(tuple(results), problems)))
    return told


def test_it_is_as_the_schema_says() -> None:
    problem = Problem("waiver/expired", "the waiver has expired", Place("waivers.yaml", 1, 1))
    told = log(statuses=list(Status), problems=(problem, Problem("check/cluster", "no answer")))
    jsonschema.validate(told, LOG)
    [run] = told["runs"]
    uris = {
        one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in run["results"]
    }
    assert uris == {"my%20pods/pod.yaml"}
    assert all(
        run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"]
        for one in run["results"]
    )


def test_what_is_no_failure_has_no_level_of_one() -> None:
    [run] = log(statuses=[Status.UNKNOWN])["runs"]
    assert {(one["kind"], one["level"]) for one in run["results"]} == {("open", "none")}


def test_what_is_accepted_is_suppressed() -> None:
    [run] = log(statuses=[Status.WAIVED])["runs"]
    assert all(one["suppressions"] for one in run["results"])


def test_what_is_wrong_with_files_and_waivers_is_told_too() -> None:
    problem = Problem("waiver/expired", "the waiver has expired", Place("waivers.yaml", 3, 1))
    [run] = log(statuses=[Status.STANDS], problems=(problem,))["runs"]
    [invocation] = run["invocations"]
    [note] = invocation["toolExecutionNotifications"]
    assert not invocation["executionSuccessful"]
    assert note["descriptor"]["id"] == "waiver/expired"
    assert note["locations"][0]["physicalLocation"]["region"]["startLine"] == 3
