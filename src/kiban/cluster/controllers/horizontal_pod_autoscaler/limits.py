"""From what the metrics propose to what is done: stabilised over time, limited in speed, in range.

Source: normalizeDesiredReplicas{,WithBehaviors} in pkg/controller/podautoscaler/horizontal.go.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kiban.primitives.instants import Instant, later

DOWN_WINDOW_SECONDS = 300.0
UP_FACTOR = 2
UP_AT_LEAST = 4
_DEFAULT_UP: tuple[dict[str, Any], ...] = (
    {"type": "Pods", "value": 4, "periodSeconds": 15},
    {"type": "Percent", "value": 100, "periodSeconds": 15},
)
_DEFAULT_DOWN: tuple[dict[str, Any], ...] = (
    {"type": "Percent", "value": 100, "periodSeconds": 15},
)
# No window and no period may be longer: what is older is forgotten.
LONGEST_SECONDS = 3600.0

WITHIN = ("DesiredWithinRange", "the desired count is within the acceptable range")
_TOO_FEW = (
    "TooFewReplicas",
    "the desired replica count is less than the minimum replica count",
)
_TOO_MANY = (
    "TooManyReplicas",
    "the desired replica count is more than the maximum replica count",
)
_UP_LIMIT = (
    "ScaleUpLimit",
    "the desired replica count is increasing faster than the maximum scale rate",
)
_DOWN_LIMIT = (
    "ScaleDownLimit",
    "the desired replica count is decreasing faster than the maximum scale rate",
)
READY = ("ReadyForNewScale", "recommended size matches current size")
_UP_STABILIZED = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
)
_DOWN_STABILIZED = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, "
    "applying the highest recent recommendation",
)

Reason = tuple[str, str]


@dataclass
class Memory:
    """What was recommended and what was changed lately, for one autoscaler."""

    recommendations: list[tuple[Instant, int]] = field(default_factory=list)
    changes: list[tuple[Instant, int]] = field(default_factory=list)

    def forget(self, now: Instant) -> None:
        """Drop what no window reaches back to."""
        cutoff = later(now, -LONGEST_SECONDS)
        oldest = [entries[0][0] for entries in (self.recommendations, self.changes) if entries]
        if all(at >= cutoff for at in oldest):
            return
        self.recommendations = [entry for entry in self.recommendations if entry[0] >= cutoff]
        self.changes = [entry for entry in self.changes if entry[0] >= cutoff]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The size now, and the smallest and largest allowed."""

    current: int
    smallest: int
    largest: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The size to have, why it waits or does not, and whether a limit cut it."""

    replicas: int
    able: Reason
    limited: bool
    limit: Reason


def decided(
    wanted: int, bounds: Bounds, behavior: Mapping[str, Any] | None, memory: Memory, now: Instant
) -> Decision:
    """What becomes of a proposal, which is remembered."""
    if behavior is None:
        stable, able = _highest_recent(wanted, memory, now)
        replicas, limit = _in_legacy_range(stable, bounds)
    else:
        stable, able = _stabilized(wanted, bounds.current, behavior, memory, now)
        replicas, limit = _at_speed(stable, bounds, behavior, memory, now)
    memory.recommendations.append((now, wanted))
    return Decision(replicas, able, replicas != stable, limit)


def _highest_recent(wanted: int, memory: Memory, now: Instant) -> tuple[int, Reason]:
    cutoff = later(now, -DOWN_WINDOW_SECONDS)
    recent = [size for at, size in memory.recommendations if at >= cutoff]
    stable = max([wanted, *recent])
    return stable, (READY if stable == wanted else _DOWN_STABILIZED)


def _in_legacy_range(stable: int, bounds: Bounds) -> tuple[int, Reason]:
    limit = max(UP_FACTOR * bounds.current, UP_AT_LEAST)
    largest, reason = (limit, _UP_LIMIT) if bounds.largest > limit else (bounds.largest, _TOO_MANY)
    if stable < bounds.smallest:
        return bounds.smallest, _TOO_FEW
    return (largest, reason) if stable > largest else (stable, WITHIN)


def _stabilized(
    wanted: int, current: int, behavior: Mapping[str, Any], memory: Memory, now: Instant
) -> tuple[int, Reason]:
    """Up no further than the lowest, down no further than the highest of the window."""
    up_window = (behavior.get("scaleUp") or {}).get("stabilizationWindowSeconds") or 0
    down_window = (behavior.get("scaleDown") or {}).get("stabilizationWindowSeconds")
    down_window = DOWN_WINDOW_SECONDS if down_window is None else down_window
    up = min([wanted, *_since(memory.recommendations, up_window, now)])
    down = max([wanted, *_since(memory.recommendations, down_window, now)])
    stable = min(max(current, up), down) if up <= down else down
    if stable == wanted:
        return stable, READY
    return stable, (_UP_STABILIZED if wanted >= current else _DOWN_STABILIZED)


def _since(entries: Sequence[tuple[Instant, int]], seconds: float, now: Instant) -> list[int]:
    cutoff = later(now, -seconds)
    found = []
    # In order of time, so the recent ones are at the end.
    for at, value in reversed(entries):
        if at <= cutoff:
            break
        found.append(value)
    return found


def _at_speed(
    stable: int, bounds: Bounds, behavior: Mapping[str, Any], memory: Memory, now: Instant
) -> tuple[int, Reason]:
    current = bounds.current
    if stable > current:
        limit = max(current, _up_limit(current, behavior.get("scaleUp") or {}, memory, now))
        largest, reason = (
            (limit, _UP_LIMIT) if bounds.largest > limit else (bounds.largest, _TOO_MANY)
        )
        return (largest, reason) if stable > largest else (stable, WITHIN)
    if stable < current:
        limit = min(current, _down_limit(current, behavior.get("scaleDown") or {}, memory, now))
        smallest, reason = (
            (limit, _DOWN_LIMIT) if bounds.smallest < limit else (bounds.smallest, _TOO_FEW)
        )
        return (smallest, reason) if stable < smallest else (stable, WITHIN)
    return stable, WITHIN


def _up_limit(current: int, rules: Mapping[str, Any], memory: Memory, now: Instant) -> int:
    select = rules.get("selectPolicy") or "Max"
    if select == "Disabled":
        return current
    found: list[int] = []
    for policy in rules.get("policies") or _DEFAULT_UP:
        start = _at_period_start(current, policy, memory, now)
        if policy["type"] == "Pods":
            found.append(start + policy["value"])
        else:
            found.append(math.ceil(start * (1 + policy["value"] / 100)))
    return min(found) if select == "Min" else max(found)


def _down_limit(current: int, rules: Mapping[str, Any], memory: Memory, now: Instant) -> int:
    select = rules.get("selectPolicy") or "Max"
    if select == "Disabled":
        return current
    found: list[int] = []
    for policy in rules.get("policies") or _DEFAULT_DOWN:
        start = _at_period_start(current, policy, memory, now)
        if policy["type"] == "Pods":
            found.append(start - policy["value"])
        else:
            found.append(math.trunc(start * (1 - policy["value"] / 100)))
    return max(found) if select == "Min" else min(found)


def _at_period_start(current: int, policy: Mapping[str, Any], memory: Memory, now: Instant) -> int:
    """The size before the changes of the policy's period."""
    return current - sum(_since(memory.changes, policy["periodSeconds"], now))
