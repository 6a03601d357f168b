"""Waits for processes to end without a thread or a timer each.

What the process leaves in its group is killed before its id is given back to the system, so that
no other group can be meant. On Linux a pidfd becomes readable when its process ends, so a thousand
of them cost nothing while they run. Elsewhere each process has a small thread that waits for it.
"""

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress


def when_ended(process: "subprocess.Popen[bytes]", then: Callable[[int], None]) -> None:
    """Call `then` with the return code (negative: the signal) in the running event loop."""
    loop = asyncio.get_running_loop()
    if not hasattr(os, "pidfd_open"):
        threading.Thread(target=_wait, args=(process, loop, then), daemon=True).start()
        return
    descriptor = os.pidfd_open(process.pid)

    def ended() -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        then(_reap(process))

    loop.add_reader(descriptor, ended)


def _reap(process: "subprocess.Popen[bytes]") -> int:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def _wait(
    process: "subprocess.Popen[bytes]",
    loop: asyncio.AbstractEventLoop,
    then: Callable[[int], None],
) -> None:
    with suppress(ChildProcessError):
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    code = _reap(process)
    if not loop.is_closed():
        loop.call_soon_threadsafe(then, code)
