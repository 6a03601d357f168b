"""Kiban's own long-running process seen from another command: is it there, end it, start it.

A running Kiban says who it is in a small file, with its process id and the kernel's start time of
that process, so that a number that was given to somebody else meanwhile is never taken for it.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from kiban.adapters.processes import sweep
from kiban.adapters.processes.reaper import start_time
from kiban.primitives.problems import Exit, KibanError, Place, Problem
from kiban.wiring.places import State

# Pods get their grace period, 30 s unless told otherwise, and the gateway its drain.
STOP_SECONDS = 60.0
POLL_SECONDS = 0.02


def announce(state: State, facts: dict[str, object]) -> None:
    """Write down who runs here and what it says about itself."""
    data = {**facts, "pid": os.getpid(), "started": start_time(os.getpid())}
    draft = state.ready_file.with_suffix(".new")
    draft.write_text(json.dumps(data, sort_keys=True))
    draft.chmod(0o600)
    draft.replace(state.ready_file)


def retire(state: State) -> None:
    """Nobody runs here any more."""
    state.ready_file.unlink(missing_ok=True)


def running(state: State) -> dict[str, object] | None:
    """What the process that runs here says about itself; None when there is none."""
    try:
        data: dict[str, object] = json.loads(state.ready_file.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    pid = int(str(data["pid"]))
    return data if start_time(pid) == data.get("started") else None


def stop(state: State) -> str:
    """End what runs here and every process of it; what was done, in words."""
    found = running(state)
    if found is not None:
        pid = int(str(found["pid"]))
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while start_time(pid) == found["started"] and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        if start_time(pid) == found["started"]:
            os.kill(pid, signal.SIGKILL)
    left = sweep(state.cluster) if state.cluster.is_dir() else 0
    retire(state)
    words = "stopped" if found else "nothing was running"
    return f"{words}; {left} processes that an earlier run had left were ended" if left else words


def detach(
    state: State, arguments: Sequence[str], patience_seconds: float, *, until_ready: bool = False
) -> dict[str, object]:
    """Start Kiban with these arguments in the background and wait until it has announced itself,
    or that it is ready.

    Raises `KibanError` with the end of its log when it ends before.
    """
    state.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    retire_stale(state)
    with state.log.open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "kiban", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline and child.poll() is None:
        found = running(state)
        if found is not None and (found.get("ready") or not until_ready):
            return found
        time.sleep(POLL_SECONDS)
    code = child.poll()
    raise KibanError(
        Problem(
            "process/not-ready",
            f"it ended with {code}" if code is not None else "it takes too long to come up",
            Place(file=str(state.log)),
            why=_tail(state.log),
        ),
        Exit(code) if code in list(Exit) and code else Exit.WORLD_FAILED,
    )


def retire_stale(state: State) -> None:
    """Remove the announcement of a process that is gone."""
    if running(state) is None:
        retire(state)


def _tail(path: Path, lines: int = 15) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
