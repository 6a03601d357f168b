"""What a Deployment asks for, with Kubernetes' defaults: size, fence posts, deadline, history.

Source: pkg/controller/deployment/util/deployment_util.go.
"""

import math

from kiban.kube.objects import Manifest, get_in

DEFAULT_FENCE = "25%"
DEFAULT_DEADLINE_SECONDS = 600
DEFAULT_HISTORY_LIMIT = 10
# The largest int32 stands for "no limit", for the deadline and for the history.
UNLIMITED = 2**31 - 1


def size_of(workload: Manifest) -> int:
    """`spec.replicas`, 1 when it says nothing."""
    size = workload["spec"].get("replicas")
    return 1 if size is None else int(size)


def scaled(value: int | str, total: int, *, up: bool) -> int:
    """A number, or a percentage of the total rounded up or down."""
    if isinstance(value, int):
        return value
    exact = int(value.removesuffix("%")) * total / 100
    return math.ceil(exact) if up else math.floor(exact)


def is_rolling(deployment: Manifest) -> bool:
    kind: str = get_in(deployment, "spec", "strategy", "type", default="RollingUpdate")
    return kind == "RollingUpdate"


def _fence_posts(deployment: Manifest) -> tuple[int, int]:
    rolling = get_in(deployment, "spec", "strategy", "rollingUpdate", default={})
    size = size_of(deployment)
    surge = scaled(rolling.get("maxSurge", DEFAULT_FENCE), size, up=True)
    unavailable = scaled(rolling.get("maxUnavailable", DEFAULT_FENCE), size, up=False)
    # Both zero would never move; the rounding may make them so.
    return (surge, unavailable) if surge or unavailable else (0, 1)


def max_surge(deployment: Manifest) -> int:
    """How many pods there may be beyond the size."""
    return _fence_posts(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Manifest) -> int:
    """How many pods of the size may be missing."""
    size = size_of(deployment)
    if not is_rolling(deployment) or size == 0:
        return 0
    return min(_fence_posts(deployment)[1], size)


def progress_deadline(deployment: Manifest) -> int | None:
    """Seconds without progress after which a rollout is said to have failed; None for never."""
    seconds = deployment["spec"].get("progressDeadlineSeconds", DEFAULT_DEADLINE_SECONDS)
    return None if seconds is None or seconds == UNLIMITED else int(seconds)


def history_limit(deployment: Manifest) -> int | None:
    """How many empty old sets to keep; None for all."""
    limit = deployment["spec"].get("revisionHistoryLimit", DEFAULT_HISTORY_LIMIT)
    return None if limit is None or limit == UNLIMITED else int(limit)
