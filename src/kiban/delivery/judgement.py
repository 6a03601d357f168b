"""How well a delivered object is, with the reason people can act on.

The verdict is that of its kind; for a workload that is not well it is made again together with
its pods, of which the first that cannot start says more than the workload's own conditions.
"""

from collections.abc import Sequence

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
    get_in,
)
from kiban.primitives.instants import Instant, later, parse_rfc3339

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


# An ingress without an address after so long is of a class that publishes none.
ADDRESS_SECONDS = 600.0
# What is judged by the time is judged so often.
LOOK_SECONDS = 60.0
TIMED_KINDS = frozenset({CRON_JOB, INGRESS})


class Judge:
    """The health of objects as they were last seen; an object is judged once for each state.

    Whoever steps tells the time, by which schedules and addresses are judged; `looks` grows when
    these have to be judged again.
    """

    def __init__(self, live: Live) -> None:
        self.live = live
        self.now = self._looked = Instant(0)
        self.looks = 0
        self._verdicts: dict[Key, tuple[Manifest, Health]] = {}

    def __call__(self, key: Key) -> Health:
        """The verdict on one object, with what keeps its pods from starting."""
        verdict = self._verdict(key)
        manifest = self.live.get(key)
        if manifest is None:
            return verdict
        if key.group_kind == CRON_JOB:
            return health(manifest, (), self.now)
        if verdict.status in WELL:
            return verdict
        if key.group_kind == INGRESS:
            return self._addressed(manifest, verdict)
        if key.group_kind == PERSISTENT_VOLUME_CLAIM:
            return self._claimed(manifest, verdict)
        return _explained(manifest, verdict, self.live.pods_of(manifest))

    def tell(self, now: Instant) -> None:
        """What time it is."""
        self.now = now
        if now >= later(self._looked, LOOK_SECONDS):
            self._looked, self.looks = now, self.looks + 1

    def next_due(self) -> Instant | None:
        """When a verdict may change although nothing happens, or None."""
        return later(self._looked, LOOK_SECONDS) if self.live.has_any(TIMED_KINDS) else None

    def _addressed(self, manifest: Manifest, verdict: Health) -> Health:
        if verdict.reason != "NoAddress" or _given_up(manifest) > self.now:
            return verdict
        name = get_in(manifest, "spec", "ingressClassName", default="") or "the default one"
        text = f"no address was ever published; the class is {name}"
        return Health("Healthy", "NoAddress", text)

    def _claimed(self, claim: Manifest, verdict: Health) -> Health:
        """A claim that no pod uses waits for nothing that delivery could wait for."""
        if verdict.reason != "Pending" or self.live.users_of(claim):
            return verdict
        return Health("Healthy", "Unused", "bound when the first pod uses it")

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


def _given_up(ingress: Manifest) -> Instant:
    """When the address of an ingress is waited for no longer."""
    created = ingress["metadata"].get("creationTimestamp")
    return later(parse_rfc3339(created) if created else Instant(0), ADDRESS_SECONDS)


def _explained(manifest: Manifest, verdict: Health, pods: Sequence[Manifest]) -> Health:
    """The verdict with what keeps a pod from starting; one that finds no node says so, as long as
    nothing worse is known."""
    found = health(manifest, pods) if pods else verdict
    if found != verdict:
        return found
    stuck = (one for pod in pods if (one := health(pod)).reason == "Unschedulable")
    if (homeless := next(stuck, None)) is None:
        return verdict
    return Health(verdict.status, homeless.reason, f"{verdict.message}; {homeless.message}")
