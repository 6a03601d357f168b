"""What an adoption has to say: how much shorter, what was the same, what differed and perhaps by
accident, what is said in patches, and the proof."""

from collections.abc import Iterator
from typing import Any

from kiban.adopt.adoption import Adoption


def as_data(adoption: Adoption, accepted: tuple[str, ...] = ()) -> dict[str, Any]:
    proof = adoption.proof
    return {
        "linesBefore": adoption.lines_before,
        "linesAfter": adoption.lines_after,
        "services": sorted(adoption.folded.services),
        "objects": proof.objects,
        "deviations": [one.name for one in proof.deviations],
        "standing": [one.name for one in proof.standing(accepted)],
        "added": [one.name for one in proof.added],
        "workloads": proof.workloads,
        "restarts": [f"{one.object}@{one.environment}" for one in proof.restarts],
    }


def as_text(adoption: Adoption, accepted: tuple[str, ...] = ()) -> str:
    return "\n".join(_lines(adoption, accepted)) + "\n"


def _lines(adoption: Adoption, accepted: tuple[str, ...]) -> Iterator[str]:
    proof = adoption.proof
    yield f"{adoption.lines_before} lines before, {adoption.lines_after} after"
    for one in proof.standing(accepted):
        yield from one.lines()
    for added in proof.added:
        yield f"added: {added.name}"
    for restart in proof.restarts:
        yield f"restart: {restart.object}@{restart.environment}"
        yield from (f"  {line}" for line in restart.why)


def plan_text(adoption: Adoption) -> str:
    """Which running pods a take-over replaces."""
    proof = adoption.proof
    lines = [f"{restart.object}@{restart.environment}" for restart in proof.restarts]
    return "\n".join(lines or ["no pod template changes"]) + "\n"
