"""Keeps account of every process that is started, so that none is ever left behind.

Three nets, because each has a hole. Records on disk (pid, group, start time, boot) survive Kiban;
a marker in each child's environment finds, on Linux, what no record could be written for; a reaper
process ends everything the moment Kiban is gone. Without /proc (macOS) the marker cannot be
searched: a process that left its group, or that was being started in the very instant of a
`kill -9`, can be missed there.
"""

import fcntl
import json
import os
import resource
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import IO

from kiban.adapters.processes import reaper
from kiban.primitives.problems import Exit, KibanError, Place, Problem

CLUSTER_VARIABLE = "KIBAN_CLUSTER"
RUN_VARIABLE = "KIBAN_RUN"
SWEEP_PATIENCE_SECONDS = 3.0
# macOS gives no more than 10,240 to a process.
OPEN_FILES = 10_240


def cluster_id(state: Path) -> str:
    """The identity of the cluster in a state directory; it follows from the path, so that it is
    known even when the directory was removed under a running cluster."""
    return blake2b(str(state.resolve()).encode(), digest_size=8).hexdigest()


@dataclass
class Warden:
    """The account of one run of Kiban. `open` takes the lock; `close` lets go of everything."""

    state: Path
    run_id: str = field(default_factory=lambda: secrets.token_hex(8))
    _lock: IO[str] | None = None
    _reaper: "subprocess.Popen[bytes] | None" = None
    _boot_id: str = ""

    @property
    def directory(self) -> Path:
        return self.state / "run"

    def open(self) -> int:
        """Take the lock, end what an earlier run left, start the reaper; how much was left.

        Raises `KibanError` when another Kiban runs this cluster.
        """
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _take_lock(self.state)
        _allow_many_files()
        left = _end_all(self.state)
        self._boot_id = reaper.boot_id()
        script = str(Path(reaper.__file__).resolve())
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", script, f"{RUN_VARIABLE}={self.run_id}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin")},
            start_new_session=True,
        )
        return left

    def close(self) -> None:
        """Everything was ended in good order: dismiss the reaper and give the lock back."""
        if self._reaper is not None:
            self._tell("bye")
            assert self._reaper.stdin is not None
            with suppress(BrokenPipeError):
                self._reaper.stdin.close()
            self._reaper.wait()
            self._reaper = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def environment(self) -> dict[str, str]:
        """What every child must carry."""
        return {CLUSTER_VARIABLE: cluster_id(self.state), RUN_VARIABLE: self.run_id}

    def start(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        *,
        directory: Path,
        output: int,
        name: str,
        input: int = subprocess.DEVNULL,
    ) -> "subprocess.Popen[bytes]":
        """Start a program as a session of its own, entered into the account before this returns.

        `env` is its whole environment, but for the markers. Raises `OSError` when it cannot be
        started.
        """
        process = subprocess.Popen(
            argv,
            env={**env, **self.environment()},
            cwd=directory,
            stdin=input,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        self.entered(process.pid, name)
        return process

    def entered(self, pid: int, name: str) -> None:
        """A process group leader of ours is alive."""
        started = reaper.start_time(pid)
        self._tell(f"+{pid} {started}")
        record = {
            "pid": pid,
            "started": started,
            "boot": self._boot_id,
            "cluster": cluster_id(self.state),
            "name": name,
        }
        path = self._record(pid)
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(record))
        draft.replace(path)

    def left(self, pid: int) -> None:
        """A leader ended: strike it off."""
        self._tell(f"-{pid}")
        self._record(pid).unlink(missing_ok=True)

    def strays(self, marker: str) -> int:
        """End what left its group but carries this marker (Linux); how many there were."""
        found = reaper.marked(marker)
        for pid, started in found.items():
            if reaper.start_time(pid) == started:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
        return len(found)

    def _record(self, pid: int) -> Path:
        return self.directory / f"{pid}.json"

    def _tell(self, line: str) -> None:
        if self._reaper is not None and self._reaper.stdin is not None:
            # ValueError: the pipe is closed already.
            with suppress(BrokenPipeError, ValueError):
                os.write(self._reaper.stdin.fileno(), f"{line}\n".encode())


def sweep(state: Path) -> int:
    """End every process that an earlier run of this cluster left; how many there were.

    Raises `KibanError` when that run is alive: it must be asked to stop instead.
    """
    if not state.exists():
        return reaper.end({}, [f"{CLUSTER_VARIABLE}={cluster_id(state)}"], SWEEP_PATIENCE_SECONDS)
    (state / "run").mkdir(parents=True, exist_ok=True, mode=0o700)
    with _take_lock(state):
        return _end_all(state)


@contextmanager
def held(state: Path) -> Iterator[None]:
    """Keep a cluster from being started while its files are replaced.

    Raises `KibanError` when it runs.
    """
    (state / "run").mkdir(parents=True, exist_ok=True, mode=0o700)
    with _take_lock(state):
        yield


def _allow_many_files() -> None:
    """Every container costs three descriptors; the usual limit of 1,024 is soon reached."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _end_all(state: Path) -> int:
    groups: dict[int, str] = {}
    boot = reaper.boot_id()
    records = sorted((state / "run").glob("*.json"))
    for path in records:
        with suppress(OSError, ValueError, KeyError, TypeError):
            record = json.loads(path.read_text())
            # A copied state directory holds records of the original's processes.
            ours = record["cluster"] == cluster_id(state)
            if ours and record["boot"] == boot and record["started"]:
                groups[int(record["pid"])] = str(record["started"])
    marker = f"{CLUSTER_VARIABLE}={cluster_id(state)}"
    count = reaper.end(groups, [marker], SWEEP_PATIENCE_SECONDS)
    for path in records:
        path.unlink(missing_ok=True)
    return count


def _take_lock(state: Path) -> IO[str]:
    path = state / "run" / "lock"
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise KibanError(
            Problem(
                "cluster/already-running",
                f"this cluster is already running (process {holder or 'unknown'})",
                Place(file=str(state)),
                fix="use it, or stop it first: kiban down",
            ),
            Exit.WORLD_FAILED,
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
