"""Patches: changes to compiled objects that were meant for a while."""

import re
from collections.abc import Iterator

from kiban.audit.findings import Said, Severity, rule
from kiban.audit.view import View
from kiban.compiler.patches import PATCHED_ANNOTATION
from kiban.kube.objects import annotations_of
from kiban.primitives.instants import parse_rfc3339

_UNTIL = re.compile(r"([^;]*) \(until (\d{4}-\d{2}-\d{2})\)")
_DAY = 86_400 * 1_000_000


@rule(
    Severity.ERROR,
    why="what was to hold for a while still holds, and nobody asks why",
    fix="delete the patch, or agree on a new `expires`",
    example="kind: Deployment\nmetadata:\n  name: api\n  annotations:\n"
    f"    {PATCHED_ANNOTATION}: 'hostAliases: the old machine has no name (until 2020-03-31)'",
)
def patch_expired(view: View) -> Iterator[Said]:
    now = view.around.now
    for key, manifest in view.by_key.items():
        said = annotations_of(manifest).get(PATCHED_ANNOTATION, "") if now is not None else ""
        for what, day in _UNTIL.findall(said):
            if now is not None and now >= parse_rfc3339(f"{day}T00:00:00Z") + _DAY:
                path = f'metadata.annotations["{PATCHED_ANNOTATION}"]'
                yield Said(key, path, f"the patch of {what.strip()} expired on {day}")


RULES = (patch_expired,)
