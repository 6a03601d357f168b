"""New pods beside the old ones, with a growing share of the traffic: what there is at each stage,
the steps that lead there, and the way back."""

from kiban.delivery.progressive.finding import Rolling, find_rollouts
from kiban.delivery.progressive.progress import Progress
from kiban.delivery.progressive.runs import RolloutRuns

__all__ = ["Progress", "Rolling", "RolloutRuns", "find_rollouts"]
