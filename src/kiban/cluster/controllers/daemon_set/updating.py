"""Which old pods of a DaemonSet a rolling update removes next.

Source: rollingUpdate in pkg/controller/daemon/update.go.
"""

import math
from collections.abc import Mapping, Sequence

from kiban.cluster.controllers.controller_revisions import REVISION_HASH
from kiban.cluster.controllers.pods import is_available
from kiban.kube.objects import Manifest, get_in, is_deleting, labels_of
from kiban.primitives.instants import Instant


def pods_to_replace(
    daemon_set: Manifest,
    by_node: Mapping[str, Sequence[Manifest]],
    digest: str,
    desired: int,
    now: Instant,
) -> list[Manifest]:
    """Old pods that serve nobody at once; of the others as many as may be missing."""
    if get_in(daemon_set, "spec", "updateStrategy", "type") == "OnDelete":
        return []
    min_ready = daemon_set["spec"].get("minReadySeconds", 0)
    idle: list[Manifest] = []
    candidates: list[Manifest] = []
    unavailable = 0
    for node in sorted(by_node):
        staying = [pod for pod in by_node[node] if not is_deleting(pod)]
        new = [pod for pod in staying if labels_of(pod).get(REVISION_HASH) == digest]
        old = [pod for pod in staying if labels_of(pod).get(REVISION_HASH) != digest]
        if bool(new) == bool(old):
            unavailable += 1
        elif new:
            unavailable += not is_available(new[0], min_ready, now)
        elif is_available(old[0], min_ready, now):
            candidates.append(old[0])
        else:
            idle.append(old[0])
    room = max(0, _max_unavailable(daemon_set, desired) - unavailable)
    return [*idle, *candidates[:room]]


def _max_unavailable(daemon_set: Manifest, desired: int) -> int:
    value = get_in(
        daemon_set, "spec", "updateStrategy", "rollingUpdate", "maxUnavailable", default=1
    )
    if isinstance(value, int):
        return value
    return math.ceil(int(value.removesuffix("%")) * desired / 100)
