"""Reading what processes use from this machine."""

import asyncio
import os
import shutil
import sys
import time

import pytest

from kiban.adapters.api_server.driver import wall_clock
from kiban.adapters.processes.usage import (
    UsageSource,
    from_ps,
    from_ps_line,
    from_stat,
    read_processes,
)
from kiban.cluster.asks import ContainerId
from kiban.cluster.usage.processes import NANO, Leader, ProcessReading
from kiban.primitives.instants import later

STAT = (
    b"42 (a) odd (name) S 7 42 41 0 -1 4194560 100 0 0 0 30 20 5 1 20 0 3 0 5555 1000000 25 "
    b"18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n"
)


def test_a_stat_line_is_read_whatever_the_program_is_called() -> None:
    tick = NANO // os.sysconf("SC_CLK_TCK")
    memory = 25 * os.sysconf("SC_PAGE_SIZE")
    expected = ProcessReading(42, 7, 41, "5555", 50 * tick, 56 * tick, memory)
    assert from_stat(42, STAT) == expected


@pytest.mark.parametrize(
    ("time_told", "seconds"),
    [("0:01.50", 1.5), ("00:00:07", 7), ("12:34:56", 45_296), ("2-01:00:00", 176_400)],
)
def test_the_times_of_ps_are_read(time_told: str, seconds: float) -> None:
    reading = from_ps_line(f"  42     7    42  2048 {time_told}")
    nano = round(seconds * NANO)
    assert reading == ProcessReading(42, 7, 42, "", nano, nano, 2048 * 1024)


def test_a_line_that_is_none_of_ours_is_skipped() -> None:
    assert from_ps_line("ps: nothing to see") is None


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="there is no /proc")  # noqa: PTH110
def test_this_process_is_seen_with_its_own_time() -> None:
    (ours,) = [process for process in read_processes() if process.pid == os.getpid()]
    assert (ours.parent, ours.session) == (os.getppid(), os.getsid(0))
    assert abs(ours.own_nano - time.process_time_ns()) < NANO
    assert ours.resident_bytes > 1 << 20


@pytest.mark.skipif(shutil.which("ps") is None, reason="there is no ps")
def test_ps_sees_this_process_too() -> None:
    (ours,) = [process for process in from_ps() if process.pid == os.getpid()]
    assert ours.parent == os.getppid()
    assert ours.resident_bytes > 1 << 20


def test_the_work_of_a_real_process_is_measured() -> None:
    """It works for 0.3 s of processor time in a child of its own, and then waits."""
    work = "import time\nwhile time.process_time() < 0.3: pass"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}]); input()"

    async def story() -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", program),
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        # As if it had been started ten seconds ago, so that it counts already.
        leader = Leader(process.pid, later(wall_clock(), -10))
        source = UsageSource(lambda: {ContainerId("u", "app", 0): leader}, wall_clock)
        try:
            async with asyncio.timeout(20):
                while not await _worked(source, wanted_nano=round(0.3 * NANO)):
                    source = UsageSource(source._leaders, wall_clock)
                    await asyncio.sleep(0.02)
        finally:
            process.kill()
            await process.wait()

    asyncio.run(story())


async def _worked(source: UsageSource, wanted_nano: int) -> bool:
    usage = (await source.read())["u"]
    used = usage.containers["app"]
    assert used.memory_bytes > 1 << 20
    return used.cpu_nano * usage.window_seconds >= wanted_nano
