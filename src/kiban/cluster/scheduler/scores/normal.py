"""Raw numbers of nodes as scores from 0 to 100 (framework/plugins/helper/normalize_score.go)."""

from collections.abc import Sequence

from kiban.cluster.scheduler.scores.resources import TOP_SCORE


def normalised(raw: Sequence[int], *, reverse: bool = False) -> list[int]:
    """In proportion to the largest; reversed, the largest gets 0."""
    largest = max(raw, default=0)
    if largest == 0:
        return [TOP_SCORE if reverse else 0] * len(raw)
    if reverse:
        return [TOP_SCORE - TOP_SCORE * value // largest for value in raw]
    return [TOP_SCORE * value // largest for value in raw]
