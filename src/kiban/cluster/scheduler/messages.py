"""The text that says why a pod is not placed (pkg/scheduler/framework/types.go, FitError)."""

from collections.abc import Mapping

NO_NODES = "no nodes available to schedule pods"
# Dynamic resource allocation has its say in every message, and nothing to do here.
NO_CLAIMS = "no new claims to deallocate"

NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"


def summary(count: int, reasons: Mapping[str, int]) -> str:
    """`0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable`."""
    parts = sorted(f"{number} {reason}" for reason, number in reasons.items() if number)
    return f"0/{count} nodes are available: {', '.join(parts)}"


def failure(count: int, reasons: Mapping[str, int], preemption: str) -> str:
    """The whole message; without an answer of preemption it ends after the reasons."""
    text = summary(count, reasons) + "."
    return f"{text} {NO_CLAIMS}, preemption: {preemption}." if preemption else text


def rejection_of_all(count: int, reason: str) -> str:
    """What is said when nodes are not even looked at. Dynamic resource allocation is asked for
    room nonetheless, and then finds none of its notes; that is all that the real one says."""
    return f"0/{count} nodes are available: {reason}. not found"
