"""The renewal of a pool's machines under Karpenter: its NodePool changes, and what was launched
before drifts. Karpenter replaces the drifted machines one after the other within its budgets; one
on which a pod must not be disturbed stays as it is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kiban.cluster.autoscaling.cluster_autoscaler.drainability import Budgets
from kiban.cluster.autoscaling.karpenter.objects import (
    DO_NOT_DISRUPT,
    HASH,
    NODE_CLAIM,
    NODE_POOL,
    POOL_LABEL,
    pool_of,
)
from kiban.kube.objects import Key, Manifest, annotations_of, get_in, is_deleting, labels_of
from kiban.primitives.instants import Instant, later, seconds_between
from kiban.rehearsal.cloud.draining import leaving_pods
from kiban.rehearsal.cloud.upgrade import Renewal

if TYPE_CHECKING:
    from kiban.rehearsal.cloud.cloud import Cloud

POLL_SECONDS = 10.0
# With no machine replaced for so long, the rest is taken to stay.
STUCK_SECONDS = 3600.0
BLOCKED = "DisruptionBlocked"
VERSION = "kiban.dev/version"


class PoolRenewal(Renewal):
    """One renewal of one pool."""

    def __init__(self, cloud: "Cloud", pool: str, version: int) -> None:
        super().__init__()
        self._cloud, self._pool, self._version = cloud, pool, version
        self._old = 0
        self._moved_at = Instant(0)

    def begin(self, now: Instant) -> None:
        self.phase = "upgrade"
        annotations = {"annotations": {VERSION: str(self._version)}}
        patch: Manifest = {"spec": {"template": {"metadata": annotations}}}
        self._cloud.note(now, "upgrade.began", group=self._pool, surge=0)
        self._cloud.world.api.patch(self._key, patch, now)
        self._moved_at = now
        self._cloud.world.at(later(now, POLL_SECONDS), self._look)

    @property
    def _key(self) -> Key:
        return Key(*NODE_POOL, "", self._pool)

    def _look(self, now: Instant) -> None:
        old = self._claims()
        if not old:
            self.phase = "done"
            self._cloud.note(now, "upgrade.done", group=self._pool)
            return
        if len(old) != self._old:
            self._old, self._moved_at = len(old), now
        if seconds_between(self._moved_at, now) >= STUCK_SECONDS:
            self.phase, self.error = "failed", BLOCKED
            self.blocked = tuple(self._disturbed(old))
            fields = {"group": self._pool, "error": self.error, "pods": sorted(self.blocked)}
            self._cloud.note(now, "upgrade.failed", **fields)
            return
        self._cloud.world.at(later(now, POLL_SECONDS), self._look)

    def _claims(self) -> list[Manifest]:
        """The claims of the pool that are not of its present version, or are on their way out."""
        store = self._cloud.world.cluster.store
        pool = store.get(self._key)
        wanted = pool_of(pool).hash if pool is not None else ""
        return [
            claim
            for claim in store.list(NODE_CLAIM)
            if labels_of(claim).get(POOL_LABEL) == self._pool
            and (is_deleting(claim) or annotations_of(claim).get(HASH) != wanted)
        ]

    def _disturbed(self, claims: Sequence[Manifest]) -> list[str]:
        """The pods that keep these machines."""
        world = self._cloud.world
        budgets = Budgets.of(world.cluster.store)
        return [
            pod["metadata"]["name"]
            for claim in claims
            for pod in leaving_pods(world, get_in(claim, "status", "nodeName", default=""))
            if annotations_of(pod).get(DO_NOT_DISRUPT) == "true" or not budgets.allow([pod])
        ]
