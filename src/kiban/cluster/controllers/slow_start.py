"""How many pods a controller tries to make at once: as many as have just succeeded, so 1, 2, 4, 8…

A quota or a webhook that refuses all pods is then asked once, not five hundred times. Source:
slowStartBatch in pkg/controller/replicaset/replica_set.go, which Jobs and DaemonSets use too.
"""

from collections.abc import Iterable

from kiban.cluster.controllers.pods import created_at
from kiban.kube.objects import Manifest
from kiban.primitives.instants import Instant, whole_second


def batch_size(pods: Iterable[Manifest], now: Instant) -> int:
    """The size of the next batch of an owner that has these pods."""
    return 1 + sum(created_at(pod) >= whole_second(now) for pod in pods)
