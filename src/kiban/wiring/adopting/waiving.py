"""What the audit finds in what was adopted, accepted for a while: it was there before, and must
not keep anybody from delivering it."""

from kiban.adopt import Adoption
from kiban.adopt.writing import flow
from kiban.audit import Severity, check
from kiban.audit.findings import Verdict
from kiban.primitives.instants import Instant, later, rfc3339

# How long what was there before may stay without an owner.
WAIVED_DAYS = 90
DAY_SECONDS = 24 * 3600.0
# With more objects than this, a rule is waived for all.
FEW_OBJECTS = 3


def waivers(found: Adoption, now: Instant) -> str:
    """What the audit would refuse to deliver is accepted for a while, as it runs already."""
    rules: dict[str, dict[str, None]] = {}
    for bundle in found.bundles.values():
        for finding in check(bundle.manifests):
            if finding.severity == Severity.ERROR and finding.verdict is Verdict.FAIL:
                name = f"{finding.object.kind}/{finding.object.name}"
                rules.setdefault(finding.rule, {})[name] = None
    until = rfc3339(later(now, WAIVED_DAYS * DAY_SECONDS))[:10]
    entries: dict[str, dict[str, str]] = {}
    for rule, objects in sorted(rules.items()):
        for number, each in enumerate(sorted(objects) if len(objects) <= FEW_OBJECTS else ["*"]):
            entries[f"{rule}-{number}" if number else rule] = {
                "rule": rule,
                "object": each,
                "owner": "nobody",
                "reason": "known",
                "expires": until,
            }
    head = "# Findings that were there before. Find an owner for each, and solve it.\n"
    lines = [f"{name}: {flow(entry)}\n" for name, entry in entries.items()]
    return head + "".join(lines) if lines else ""
