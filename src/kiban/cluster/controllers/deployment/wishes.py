"""What a Deployment asks for, with Kubernetes' defaults: size, fence posts, deadline, history.

Source: pkg/controller/deployment/util/deployment_util.go.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

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


class _Wishes(NamedTuple):
    """What a Deployment's spec asks for, read once; `spec` is held, so that no other can take its
    place in memory."""

    spec: Mapping[str, Any]
    is_rolling: bool
    max_surge: int
    max_unavailable: int
    deadline: int | None


READ_LIMIT = 4096
_READ: dict[int, _Wishes] = {}


def _read(deployment: Manifest) -> _Wishes:
    """The wishes of a Deployment, whose spec is never changed in place."""
    spec = deployment["spec"]
    known = _READ.get(id(spec))
    if known is not None and known.spec is spec:
        return known
    size = size_of(deployment)
    rolls = get_in(spec, "strategy", "type", default="RollingUpdate") == "RollingUpdate"
    surge, unavailable = _fence_posts(spec, size) if rolls else (0, 0)
    seconds = spec.get("progressDeadlineSeconds", DEFAULT_DEADLINE_SECONDS)
    deadline = None if seconds is None or seconds == UNLIMITED else int(seconds)
    found = _Wishes(spec, rolls, surge, min(unavailable, size), deadline)
    if len(_READ) >= READ_LIMIT:
        _READ.clear()
    _READ[id(spec)] = found
    return found


def _fence_posts(spec: Mapping[str, Any], size: int) -> tuple[int, int]:
    rolling = get_in(spec, "strategy", "rollingUpdate", default={})
    surge = scaled(rolling.get("maxSurge", DEFAULT_FENCE), size, up=True)
    unavailable = scaled(rolling.get("maxUnavailable", DEFAULT_FENCE), size, up=False)
    # Both zero would never move; the rounding may make them so.
    return (surge, unavailable) if surge or unavailable else (0, 1)


def is_rolling(deployment: Manifest) -> bool:
    return _read(deployment).is_rolling


def max_surge(deployment: Manifest) -> int:
    """How many pods there may be beyond the size."""
    return _read(deployment).max_surge


def max_unavailable(deployment: Manifest) -> int:
    """How many pods of the size may be missing."""
    return _read(deployment).max_unavailable


def progress_deadline(deployment: Manifest) -> int | None:
    """Seconds without progress after which a rollout is said to have failed; None for never."""
    return _read(deployment).deadline


def history_limit(deployment: Manifest) -> int | None:
    """How many empty old sets to keep; None for all."""
    limit = deployment["spec"].get("revisionHistoryLimit", DEFAULT_HISTORY_LIMIT)
    return None if limit is None or limit == UNLIMITED else int(limit)
