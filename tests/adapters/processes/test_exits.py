"""Ends of processes are seen where there are pidfds and where there are none."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kiban.adapters.processes import reaper
from kiban.adapters.processes.exits import when_ended


@pytest.mark.parametrize("has_pidfd", [True, False])
def test_the_code_arrives_and_the_group_is_gone(
    has_pidfd: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if not has_pidfd:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    elif not hasattr(os, "pidfd_open"):
        pytest.skip("this system has no pidfd")
    # The child of the child outlives it, in the same group.
    text = """import subprocess as s, sys
print(s.Popen(['sleep', '60']).pid, flush=True)
sys.exit(7)"""

    async def play() -> tuple[int, int]:
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", text], stdout=subprocess.PIPE, start_new_session=True
        )
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        when_ended(process, ended.set_result)
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.stdout.close()
        async with asyncio.timeout(10):
            code = await ended
            while reaper.start_time(child):
                await asyncio.sleep(0.01)
        return code, child

    assert asyncio.run(play())[0] == 7


def test_groups_are_known_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaper, "has_proc", lambda: False)
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    started = reaper.start_time(process.pid)
    assert started
    assert reaper.end({process.pid: "another time"}, [], 0.1) == 0
    assert process.poll() is None
    assert reaper.end({process.pid: started}, ["X=y"], 5.0) == 1
    assert process.wait() == -15
    assert reaper.start_time(process.pid) == ""
