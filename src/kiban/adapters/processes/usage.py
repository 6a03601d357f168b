"""Measures what the containers on this machine use: one look at all processes, every time.

Linux: /proc/PID/stat of every process, a file each; memory is the resident set, so that pages
shared between processes of one container are counted for each. Elsewhere (macOS) `ps`, which knows
nothing of the time of ended children. Without either there are no figures.
"""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping

from kiban.cluster.asks import ContainerId
from kiban.cluster.usage.measurements import PodUsage
from kiban.cluster.usage.processes import (
    NANO,
    ContainerReading,
    Leader,
    ProcessReading,
    container_readings,
    pod_usages,
)
from kiban.primitives.instants import Instant

_PROC = "/proc"
_PS = ("ps", "-axo", "pid=,ppid=,pgid=,rss=,time=")
# Days, hours, minutes and seconds of `ps`; macOS gives hundredths.
_TIME = re.compile(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+(?:\.\d+)?)")


class UsageSource:
    """Remembers the last look, so that the next one can say what was used in between."""

    def __init__(
        self, leaders: Callable[[], Mapping[ContainerId, Leader]], clock: Callable[[], Instant]
    ) -> None:
        self._leaders = leaders
        self._clock = clock
        self._before: Mapping[ContainerId, ContainerReading] = {}

    async def read(self) -> dict[str, PodUsage]:
        """The use of every pod by uid since the last look, or since its containers started."""
        leaders = self._leaders()
        if not leaders or not can_measure():
            self._before = {}
            return {}
        at = self._clock()
        processes = await asyncio.to_thread(read_processes)
        after = container_readings(leaders, processes, at)
        before, self._before = self._before, after
        return pod_usages(leaders, before, after)


def can_measure() -> bool:
    """Whether this machine tells what processes use."""
    return os.path.exists(f"{_PROC}/self/stat") or shutil.which(_PS[0]) is not None  # noqa: PTH110


def read_processes() -> list[ProcessReading]:
    """Every process that can be seen."""
    if not os.path.exists(f"{_PROC}/self/stat"):  # noqa: PTH110
        return from_ps()
    found = []
    for name in os.listdir(_PROC):  # noqa: PTH208 - a path for each process costs more than the rest
        if not name.isdecimal():
            continue
        try:
            with open(f"{_PROC}/{name}/stat", "rb", buffering=0) as file:  # noqa: PTH123
                text = file.read()
        except OSError:
            # It has ended since the directory was listed.
            continue
        found.append(from_stat(int(name), text))
    return found


def from_stat(pid: int, text: bytes) -> ProcessReading:
    """A process from its /proc/PID/stat (proc_pid_stat(5)); its name may hold anything."""
    fields = text.rpartition(b") ")[2].split(b" ")
    tick = NANO // _TICKS
    own = (int(fields[11]) + int(fields[12])) * tick
    children = (int(fields[13]) + int(fields[14])) * tick
    return ProcessReading(
        pid=pid,
        parent=int(fields[1]),
        session=int(fields[3]),
        started=fields[19].decode(),
        own_nano=own,
        total_nano=own + children,
        resident_bytes=int(fields[21]) * _PAGE_BYTES,
    )


def from_ps() -> list[ProcessReading]:
    """Every process by `ps`. Sessions are not told everywhere: the process group stands in, which
    a container's first process leads as well."""
    told = subprocess.run(_PS, capture_output=True, text=True, check=False).stdout
    return [reading for line in told.splitlines() if (reading := from_ps_line(line)) is not None]


def from_ps_line(line: str) -> ProcessReading | None:
    """One line of `ps`: pid, parent, group, resident KiB, processor time."""
    words = line.split()
    match = _TIME.fullmatch(words[4]) if len(words) == 5 else None
    if match is None:
        return None
    days, hours, minutes, seconds = match.groups()
    whole = (int(days or 0) * 24 + int(hours or 0)) * 60 + int(minutes)
    nano = whole * 60 * NANO + round(float(seconds) * NANO)
    pid, parent, group, kibibytes = map(int, words[:4])
    return ProcessReading(pid, parent, group, "", nano, nano, kibibytes * 1024)


_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
