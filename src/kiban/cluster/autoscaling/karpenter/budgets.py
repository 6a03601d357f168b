"""How many nodes of a pool may be disrupted at once, by its budgets.

A budget is a number or a percentage (rounded up) of the pool's nodes, for some reasons or all,
always or for a while from the times of a schedule. The strictest one that is active counts.
Source: apis/v1/nodepool.go.
"""

from collections.abc import Mapping
from typing import Any

from kiban.cluster.autoscaling.karpenter.objects import Pool
from kiban.kube.schedule_times import parse_schedule
from kiban.primitives.instants import Instant, later, parse_span

UNBOUNDED = 2**31


def allowed(pool: Pool, reason: str, nodes: int, disrupting: int, now: Instant) -> int:
    """How many more may go now, for that reason."""
    limits = [
        _limit(budget, nodes)
        for budget in pool.budgets
        if _concerns(budget, reason) and is_active(budget, now)
    ]
    return max(min(limits, default=UNBOUNDED) - disrupting, 0)


def _concerns(budget: Mapping[str, Any], reason: str) -> bool:
    reasons = budget.get("reasons")
    return not reasons or reason in reasons


def _limit(budget: Mapping[str, Any], nodes: int) -> int:
    wanted = str(budget.get("nodes", "10%"))
    if wanted.endswith("%"):
        return -(-int(wanted[:-1]) * nodes // 100)
    return int(wanted)


def is_active(budget: Mapping[str, Any], now: Instant) -> bool:
    """Whether the budget holds now: without a schedule it always does."""
    schedule, duration = budget.get("schedule"), budget.get("duration")
    if not schedule or not duration:
        return True
    begun = parse_schedule(schedule).after(later(now, -parse_span(duration)))
    return begun is not None and begun <= now
