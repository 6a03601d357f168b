"""Conditions of a status as values: read, set, remove, with Kubernetes' rules for their times.

Lists of conditions are never changed in place; every function returns a new one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kiban.primitives.instants import Instant, rfc3339

Condition = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a controller holds to be true of an object."""

    type: str
    status: str
    reason: str
    message: str


def condition_in(conditions: Sequence[Condition], type_: str) -> Condition | None:
    """The condition of that type, if there is one."""
    for entry in conditions:
        if entry.get("type") == type_:
            return entry
    return None


def without(conditions: Sequence[Condition], type_: str) -> list[Condition]:
    """The conditions but for the one of that type."""
    return [entry for entry in conditions if entry.get("type") != type_]


def condition_from(claim: Claim, now: Instant, times: Sequence[str]) -> Condition:
    """A condition that is new at `now`; `times` names its time fields."""
    return {
        "type": claim.type,
        "status": claim.status,
        **{field: rfc3339(now) for field in times},
        "reason": claim.reason,
        "message": claim.message,
    }


def with_condition(
    conditions: Sequence[Condition], condition: Mapping[str, Any]
) -> list[Condition]:
    """The conditions with this one set.

    One that says the same (status and reason) is left alone; one with the same status keeps the
    time of its transition.
    """
    present = condition_in(conditions, condition["type"])
    added = dict(condition)
    if present is not None:
        if present["status"] == added["status"] and present.get("reason") == added.get("reason"):
            return list(conditions)
        if present["status"] == added["status"] and "lastTransitionTime" in present:
            added["lastTransitionTime"] = present["lastTransitionTime"]
    return [*without(conditions, added["type"]), added]
