"""The text that says why a pod is not placed (pkg/scheduler/framework/types.go, FitError)."""

from collections.abc import Iterable

NO_NODES = "no nodes available to schedule pods"
# Dynamic resource allocation has its say in every message, and nothing to do here.
NO_CLAIMS = "no new claims to deallocate"


def summary(count: int, reasons: Iterable[str]) -> str:
    """`0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable`."""
    counted: dict[str, int] = {}
    for reason in reasons:
        counted[reason] = counted.get(reason, 0) + 1
    parts = sorted(f"{number} {reason}" for reason, number in counted.items())
    return f"0/{count} nodes are available: {', '.join(parts)}"


def failure(count: int, reasons: Iterable[str], preemption: str) -> str:
    """The whole message; without an answer of preemption it ends after the reasons."""
    text = summary(count, reasons) + "."
    return f"{text} {NO_CLAIMS}, preemption: {preemption}." if preemption else text
