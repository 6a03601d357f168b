"""How well a delivered object is, with the reason people can act on.

The verdict is that of its kind; for a workload that is not well it is made again together with
its pods, of which the first that cannot start says more than the workload's own conditions.
"""

from kiban.delivery.live import Live
from kiban.kube.health import Health, health
from kiban.kube.objects import (
    CRON_JOB,
    HORIZONTAL_POD_AUTOSCALER,
    INGRESS,
    PERSISTENT_VOLUME_CLAIM,
    POD_DISRUPTION_BUDGET,
    GroupKind,
    Key,
    Manifest,
)

WELL = frozenset({"Healthy", "Suspended"})
# A rollout that Kubernetes itself has given up: waiting longer brings nothing.
GIVEN_UP = frozenset({"ProgressDeadlineExceeded", "BackoffLimitExceeded", "DeadlineExceeded"})
# What is reported and holds nothing up: last night's job, an autoscaler without its first
# measurement, an address that a cloud publishes in minutes, a claim whose pod says it better.
ADVISORY_KINDS = frozenset(
    {
        CRON_JOB,
        HORIZONTAL_POD_AUTOSCALER,
        INGRESS,
        PERSISTENT_VOLUME_CLAIM,
        POD_DISRUPTION_BUDGET,
        GroupKind("gateway.networking.k8s.io", "GRPCRoute"),
        GroupKind("gateway.networking.k8s.io", "HTTPRoute"),
    }
)


class Judge:
    """The health of objects as they were last seen; an object is judged once for each state."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self._verdicts: dict[Key, tuple[Manifest, Health]] = {}

    def __call__(self, key: Key) -> Health:
        """The verdict on one object, with what keeps its pods from starting."""
        verdict = self._verdict(key)
        manifest = self.live.get(key)
        if verdict.status in WELL or manifest is None:
            return verdict
        pods = self.live.pods_of(manifest)
        return health(manifest, pods) if pods else verdict

    def holds_up(self, key: Key) -> bool:
        """Whether what needs the object has to wait for it."""
        return key.group_kind not in ADVISORY_KINDS and self._verdict(key).status not in WELL

    def _verdict(self, key: Key) -> Health:
        manifest = self.live.get(key)
        if manifest is None:
            return health(None)
        known = self._verdicts.get(key)
        if known is None or known[0] is not manifest:
            known = self._verdicts[key] = (manifest, health(manifest))
        return known[1]
