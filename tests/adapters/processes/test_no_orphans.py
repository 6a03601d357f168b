"""No process outlives its cluster: not a killed Kiban, not a killed reaper, not a daemon."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.processes import stage

from kiban.adapters.processes import Warden, reaper, sweep
from kiban.adapters.processes.warden import CLUSTER_VARIABLE, cluster_id
from kiban.primitives.problems import KibanError

SLEEPER = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
linux_only = pytest.mark.skipif(not reaper.has_proc(), reason="needs /proc")


def ours(directory: Path) -> dict[int, str]:
    return reaper.marked(f"{CLUSTER_VARIABLE}={cluster_id(directory)}")


def until(holds: object, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def start_kiban(directory: Path, slot: int) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, stage.__file__, str(directory), str(slot)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ready")
    return process


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """A test that fails must not leave behind what it is about."""
    yield
    reaper.end({}, [f"{CLUSTER_VARIABLE}={cluster_id(tmp_path)}"], patience_seconds=0)


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


@linux_only
def test_the_reaper_ends_everything_when_kiban_is_killed(tmp_path: Path) -> None:
    kiban = start_kiban(tmp_path, 90)
    # The server, the deaf one, the daemon's parent and the daemon itself.
    until(lambda: len(ours(tmp_path)) == 4)
    kill(kiban)
    until(lambda: not ours(tmp_path))


@linux_only
def test_the_next_start_sweeps_what_a_killed_reaper_left(tmp_path: Path) -> None:
    kiban = start_kiban(tmp_path, 91)
    until(lambda: len(ours(tmp_path)) == 4)
    before = ours(tmp_path)
    for pid in children(kiban.pid):
        if "reaper.py" in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGKILL)
    kill(kiban)
    assert ours(tmp_path) == before
    again = start_kiban(tmp_path, 91)
    until(lambda: len(ours(tmp_path)) == 4)
    assert not before.keys() & ours(tmp_path).keys()
    kill(again)
    until(lambda: not ours(tmp_path))


@linux_only
def test_sweep_finds_what_records_do_not_know(tmp_path: Path) -> None:
    marker = {CLUSTER_VARIABLE: cluster_id(tmp_path)}
    process = subprocess.Popen(SLEEPER, env={**os.environ, **marker})
    until(lambda: ours(tmp_path))
    assert sweep(tmp_path) == 1
    assert process.wait() == -signal.SIGTERM


@pytest.mark.parametrize("wrong", ["started", "boot", "cluster"])
def test_a_record_of_somebody_elses_process_harms_nobody(tmp_path: Path, wrong: str) -> None:
    """The number was given to another process, the machine was started anew, or the state was
    copied from a cluster that runs."""
    process = subprocess.Popen(SLEEPER, start_new_session=True)
    try:
        (tmp_path / "run").mkdir()
        record = {
            "pid": process.pid,
            "started": reaper.start_time(process.pid),
            "boot": reaper.boot_id(),
            "cluster": cluster_id(tmp_path),
            wrong: "another",
        }
        (tmp_path / "run" / f"{process.pid}.json").write_text(json.dumps(record))
        assert sweep(tmp_path) == 0
        assert process.poll() is None
        assert not list((tmp_path / "run").glob("*.json"))
    finally:
        process.kill()
        process.wait()


def test_two_kibans_never_share_a_cluster(tmp_path: Path) -> None:
    first = Warden(tmp_path)
    first.open()
    try:
        with pytest.raises(KibanError, match="already running"):
            Warden(tmp_path).open()
        with pytest.raises(KibanError, match="already running"):
            sweep(tmp_path)
    finally:
        first.close()
    assert sweep(tmp_path) == 0


def test_a_supervised_program_ends_with_the_pipe(tmp_path: Path) -> None:
    warden = Warden(tmp_path)
    warden.open()
    process = warden.start(
        SLEEPER, dict(os.environ), directory=tmp_path, output=subprocess.DEVNULL, name="sleeper"
    )
    assert warden._reaper is not None and warden._reaper.stdin is not None
    # What the kernel does when Kiban dies.
    warden._reaper.stdin.close()
    assert process.wait(timeout=10) == -signal.SIGTERM
    warden.close()


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]
