"""The process that ends everything when Kiban dies, and the facts by which it knows what is ours.

Run as a script with nothing but the standard library (`python -I -S reaper.py RUN_MARKER`), in a
session of its own. It reads `+pgid start` and `-pgid` lines from Kiban; when the pipe ends, for
whatever reason, it sends TERM and then KILL to every group it was told of and, on Linux, to every
process that carries the marker in its environment. A process whose start time differs from the
one it was told is somebody else's and left alone.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping

PATIENCE_SECONDS = 5.0
POLL_SECONDS = 0.05
KILL_ROUNDS = 5
_PROC = "/proc"


def has_proc() -> bool:
    return os.path.exists(f"{_PROC}/self/stat")  # noqa: PTH110 - pathlib doubles the start-up time


def start_time(pid: int) -> str:
    """When a living process started, in the machine's own words; empty when there is none.

    A process that ended and waits for its parent counts as gone.
    """
    if has_proc():
        fields = _stat(pid)
        return "" if fields is None or fields[0] == "Z" else fields[19]
    asked = ["ps", "-o", "lstart=,stat=", "-p", str(pid)]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    text, _, state = answer.rpartition(" ")
    return "" if state.startswith("Z") else text.strip()


def boot_id() -> str:
    """What differs between two boots of this machine."""
    try:
        with open(f"{_PROC}/sys/kernel/random/boot_id") as file:  # noqa: PTH123
            return file.read().strip()
    except OSError:
        asked = ["sysctl", "-n", "kern.boottime"]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


def marked(marker: str) -> dict[int, str]:
    """The living processes whose environment has the entry `marker`, with their start times.

    Empty where there is no /proc: there only recorded groups are known.
    """
    if not has_proc():
        return {}
    wanted = marker.encode()
    spared = _ancestors()
    found: dict[int, str] = {}
    for name in os.listdir(_PROC):  # noqa: PTH208
        if not name.isdecimal() or int(name) in spared:
            continue
        try:
            with open(f"{_PROC}/{name}/environ", "rb") as file:  # noqa: PTH123
                is_ours = wanted in file.read().split(b"\0")
        except OSError:
            continue
        if is_ours and (started := start_time(int(name))):
            found[int(name)] = started
    return found


def end(groups: Mapping[int, str], markers: Iterable[str], patience_seconds: float) -> int:
    """TERM, wait, KILL: everything in these groups and with these markers. How many there were."""
    markers = tuple(markers)
    ours = _living(groups, markers)
    count = len(ours)
    _signal(ours, groups, signal.SIGTERM)
    deadline = time.monotonic() + patience_seconds
    while ours and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        ours = _living(groups, markers)
    for _ in range(KILL_ROUNDS):
        if not ours:
            break
        _signal(ours, groups, signal.SIGKILL)
        time.sleep(POLL_SECONDS)
        ours = _living(groups, markers)
    return count


def _living(groups: Mapping[int, str], markers: Iterable[str]) -> dict[int, str]:
    found = {pid: started for pid, started in groups.items() if start_time(pid) == started}
    for marker in markers:
        found |= marked(marker)
    return found


def _signal(ours: Mapping[int, str], groups: Mapping[int, str], number: int) -> None:
    for pid, started in ours.items():
        if start_time(pid) != started:
            continue
        try:
            if pid in groups:
                os.killpg(pid, number)
            else:
                os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the command, the state first."""
    try:
        with open(f"{_PROC}/{pid}/stat") as file:  # noqa: PTH123
            return file.read().rpartition(") ")[2].split()
    except OSError:
        return None


def _ancestors() -> set[int]:
    """This process and those it descends from: they are never a target."""
    pid, found = os.getpid(), set[int]()
    while pid > 0 and pid not in found:
        found.add(pid)
        fields = _stat(pid)
        pid = int(fields[1]) if fields else 0
    return found


def main(marker: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    groups: dict[int, str] = {}
    clean = False
    for line in sys.stdin:
        word, _, started = line.strip().partition(" ")
        if word == "bye":
            clean = True
        elif word.startswith("+"):
            groups[int(word[1:])] = started
        elif word.startswith("-"):
            groups.pop(int(word[1:]), None)
    if not clean or groups:
        end(groups, [marker], PATIENCE_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
