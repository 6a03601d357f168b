"""What is only seen while a rehearsal runs: how long pods wait for their start, and when jobs are
made."""

from collections.abc import Mapping
from dataclasses import dataclass

from kiban.cluster.history import Write
from kiban.kube.objects import JOB, POD, Manifest, get_in, is_deleting
from kiban.primitives.instants import Instant
from kiban.rehearsal.naming import service_of
from kiban.rehearsal.world import World


@dataclass(slots=True)
class Wait:
    """One pod's wait from its creation to its start; `why` is the last that was said of it. A pod
    that never started has no end."""

    service: str
    name: str
    since: float
    until: float | None = None
    why: str = ""

    def seconds(self, now: float) -> float:
        return (self.until if self.until is not None else now) - self.since


class Watch:
    """Sees every write of a world from its making on. Times are seconds since the start."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: dict[str, Wait] = {}
        # By service, the pod that waited longest.
        self._longest: dict[str, Wait] = {}
        self.jobs: list[tuple[float, str]] = []
        # By subnet, the fewest free addresses and when that was.
        self.fewest: dict[str, tuple[float, float]] = {}
        world.driver.watch(self._pod, POD)
        world.driver.watch(self._job, JOB)

    @property
    def count(self) -> int:
        """How many pods wait for their start now."""
        return len(self._waiting)

    def waits(self) -> list[Wait]:
        """The longest wait of every service, those that have not ended included."""
        now = self._world.seconds
        found = dict(self._longest)
        for wait in self._waiting.values():
            if wait.since >= 0:
                present = found.get(wait.service)
                if present is None or wait.seconds(now) > present.seconds(now):
                    found[wait.service] = wait
        return [found[name] for name in sorted(found)]

    def look(self, free: Mapping[str, int]) -> None:
        """See how many addresses are free in each subnet."""
        for subnet, count in free.items():
            known = self.fewest.get(subnet)
            if known is None or count < known[0]:
                self.fewest[subnet] = (float(count), self._world.seconds)

    def _job(self, write: Write, now: Instant) -> None:
        if write.before is None and write.after is not None:
            self.jobs.append((self._world.seconds, write.key.name))

    def _pod(self, write: Write, now: Instant) -> None:
        if write.after is None:
            if write.before is not None:
                self._over(write.before.object)
            return
        pod = write.after.object
        uid = pod["metadata"]["uid"]
        waiting = self._waiting.get(uid)
        if write.before is None:
            name = pod["metadata"]["name"]
            self._waiting[uid] = Wait(service_of(pod), name, self._world.seconds)
        elif waiting is not None:
            if get_in(pod, "status", "phase") != "Pending" or is_deleting(pod):
                self._over(pod)
            else:
                waiting.why = _why(pod) or waiting.why

    def _over(self, pod: Manifest) -> None:
        wait = self._waiting.pop(pod["metadata"]["uid"], None)
        if wait is None or wait.since < 0:
            return
        wait.until = self._world.seconds
        present = self._longest.get(wait.service)
        if present is None or wait.seconds(wait.until) > present.seconds(wait.until):
            self._longest[wait.service] = wait


def _why(pod: Manifest) -> str:
    """What the scheduler or the machine says of a pod that waits."""
    for condition in get_in(pod, "status", "conditions", default=[]):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            message: str = condition.get("message", "")
            return message
    return ""
