"""From two looks at a machine's processes to what each pod used in between.

A container is a session and whatever its processes have started. Time is counted for the whole of
it: a child that was waited for lives on in its parent's account of children.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kiban.cluster.asks import ContainerId
from kiban.cluster.usage.measurements import ContainerUsage, PodUsage
from kiban.primitives.instants import Instant, seconds_between

# A younger container says nothing yet (metrics-server: freshContainerMinMetricsResolution).
YOUNGEST_SECONDS = 10.0
NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ProcessReading:
    """One process. `started` tells two with the same pid apart; `total_nano` is its own processor
    time, `own_nano`, and that of the ended children that it waited for."""

    pid: int
    parent: int
    session: int
    started: str
    own_nano: int
    total_nano: int
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class Leader:
    """The first process of a container, which leads its session, and when it was started."""

    pid: int
    at: Instant


@dataclass(frozen=True, slots=True)
class ContainerReading:
    """A container's processes at one time, put together; `own` is by pid and start."""

    at: Instant
    total_nano: int
    own: Mapping[tuple[int, str], int]
    resident_bytes: int


def container_readings(
    leaders: Mapping[ContainerId, Leader], processes: Iterable[ProcessReading], at: Instant
) -> dict[ContainerId, ContainerReading]:
    """Every container that has a process, from one look at all processes."""
    by_pid = {process.pid: process for process in processes}
    of_leader = {leader.pid: id for id, leader in leaders.items()}
    owners: dict[int, ContainerId | None] = {}
    members: dict[ContainerId, list[ProcessReading]] = {}
    for process in by_pid.values():
        owner = _owner(process, by_pid, of_leader, owners)
        if owner is not None:
            members.setdefault(owner, []).append(process)
    return {
        id: ContainerReading(
            at,
            sum(process.total_nano for process in found),
            {(process.pid, process.started): process.own_nano for process in found},
            sum(process.resident_bytes for process in found),
        )
        for id, found in members.items()
    }


def _owner(
    process: ProcessReading,
    by_pid: Mapping[int, ProcessReading],
    of_leader: Mapping[int, ContainerId],
    known: dict[int, ContainerId | None],
) -> ContainerId | None:
    """The container of a process: that of its session, else that of its nearest ancestor."""
    path: list[int] = []
    owner, at = None, by_pid.get(process.pid)
    while at is not None and at.pid not in path:
        if at.pid in known:
            owner = known[at.pid]
            break
        path.append(at.pid)
        if at.session in of_leader:
            owner = of_leader[at.session]
            break
        at = by_pid.get(at.parent)
    known.update(dict.fromkeys(path, owner))
    return owner


def pod_usages(
    leaders: Mapping[ContainerId, Leader],
    before: Mapping[ContainerId, ContainerReading],
    after: Mapping[ContainerId, ContainerReading],
) -> dict[str, PodUsage]:
    """The use of every pod by uid. One with a container that is too young is left out."""
    found: dict[str, dict[str, tuple[ContainerUsage, ContainerReading, float]] | None] = {}
    for id in sorted(after, key=lambda id: (id.pod_uid, id.container, id.attempt)):
        containers = found.setdefault(id.pod_uid, {})
        used = _usage(before.get(id), after[id], leaders[id].at)
        if used is None:
            found[id.pod_uid] = None
        elif containers is not None:
            containers[id.container] = (used[0], after[id], used[1])
    return {
        uid: PodUsage(
            {name: usage for name, (usage, _, _) in containers.items()},
            min(reading.at for _, reading, _ in containers.values()),
            max(window for _, _, window in containers.values()),
        )
        for uid, containers in found.items()
        if containers
    }


def _usage(
    before: ContainerReading | None, after: ContainerReading, started: Instant
) -> tuple[ContainerUsage, float] | None:
    """What was used, and in how long; None when it is too early to say."""
    window = seconds_between(before.at if before else started, after.at)
    if window <= 0 or (before is None and window < YOUNGEST_SECONDS):
        return None
    nano = cpu_nano_between(before, after) if before else after.total_nano
    return ContainerUsage(round(nano / window), after.resident_bytes), window


def cpu_nano_between(before: ContainerReading, after: ContainerReading) -> int:
    """The processor time between two readings.

    The difference of the totals is exact while somebody in the container waits for every child.
    An orphan takes its account with it, and the total falls; then the growth of those that are
    still there is the least that can be said.
    """
    growth = sum(nano - before.own.get(which, 0) for which, nano in after.own.items())
    return max(after.total_nano - before.total_nano, growth, 0)
