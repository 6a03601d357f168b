"""Prefer nodes that have a pod's images already, the more so the larger they are.

An image counts less when few nodes have it, so that pods do not all gather there. Source:
pkg/scheduler/framework/plugins/imagelocality/image_locality.go.
"""

from collections.abc import Mapping, Sequence

from kiban.cluster.scheduler.scores.resources import TOP_SCORE

MEBIBYTE = 1024 * 1024
LEAST = 23 * MEBIBYTE
MOST_PER_CONTAINER = 1000 * MEBIBYTE


def image_locality(
    images: Sequence[str], there: Mapping[str, int], holders: Mapping[str, int], nodes: int
) -> int:
    """0 to 100. `there` gives the sizes of a node's images, `holders` how many nodes have each."""
    size = sum(int(there[image] * (holders[image] / nodes)) for image in images if image in there)
    most = MOST_PER_CONTAINER * len(images)
    return TOP_SCORE * (min(max(size, LEAST), most) - LEAST) // (most - LEAST)
