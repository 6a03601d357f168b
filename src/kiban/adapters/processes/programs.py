"""A program started by somebody beside a container's own (`kubectl exec`), with its streams as
descriptors of this event loop: pipes, or a terminal.

Nothing outlives it. What it leaves in its group goes when it ends, and `end` also finds what left
the group (a shell's background jobs) by a marker in the environment, where there is /proc.
"""

import asyncio
import errno
import os
import pty
import secrets
import signal
import subprocess
import sys
from contextlib import suppress

from kiban.adapters.processes.commands import Launch
from kiban.adapters.processes.exits import when_ended
from kiban.adapters.processes.inputs import Input, when_ready
from kiban.adapters.processes.warden import Warden

PROGRAM_VARIABLE = "KIBAN_EXEC"
READ_BYTES = 32 * 1024
STDOUT, STDERR = 1, 2


class Program:
    """One running program. Whoever started it calls `end` when done, whatever happened."""

    def __init__(self, warden: Warden) -> None:
        self.marker = secrets.token_hex(8)
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.outputs: dict[int, int] = {}
        self.pid = 0
        self._warden = warden
        self._input = Input()

    async def read(self, output: int) -> bytes:
        """What it says on an output; empty at the end."""
        descriptor = self.outputs[output]
        loop = asyncio.get_running_loop()
        while True:
            try:
                return os.read(descriptor, READ_BYTES)
            except BlockingIOError:
                await when_ready(loop.add_reader, loop.remove_reader, descriptor)
            except OSError as error:
                # A terminal whose last user is gone says so with EIO.
                if error.errno == errno.EIO:
                    return b""
                raise

    async def write(self, data: bytes) -> None:
        """Give it input; dropped when it reads no more."""
        await self._input.write(data)

    async def finish_input(self) -> None:
        """There is no more input."""
        await self._input.finish()

    def resize(self, width: int, height: int) -> None:
        """Set the size of the terminal, if it is one."""
        self._input.resize(width, height)

    async def end(self) -> None:
        """Kill what is left of it and close its streams."""
        if not self.ended.done():
            self.kill()
            await asyncio.shield(self.ended)
        if sys.platform == "linux":
            marker = f"{PROGRAM_VARIABLE}={self.marker}"
            await asyncio.to_thread(self._warden.strays, marker)
        self._input.close()
        for descriptor in self.outputs.values():
            os.close(descriptor)
        self.outputs = {}

    def kill(self) -> None:
        if not self.ended.done():
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    # Start

    def start(self, launch: Launch, *, name: str, stdin: bool, tty: bool) -> None:
        """Start it. Raises `OSError` when it cannot be started."""
        launch.check_found()
        process = self._in_terminal(launch) if tty else self._with_pipes(launch, stdin=stdin)
        self.pid = process.pid
        self._warden.entered(process.pid, name)
        when_ended(process, self._note_end)

    def _note_end(self, code: int) -> None:
        self._warden.left(self.pid)
        if not self.ended.done():
            self.ended.set_result(code if code >= 0 else 128 - code)

    def _with_pipes(self, launch: Launch, *, stdin: bool) -> "subprocess.Popen[bytes]":
        out, err = os.pipe(), os.pipe()
        given = os.pipe() if stdin else None
        theirs = [out[1], err[1], *([given[0]] if given else [])]
        ours = [out[0], err[0], *([given[1]] if given else [])]
        try:
            process = self._popen(launch, given[0] if given else subprocess.DEVNULL, out[1], err[1])
        except OSError:
            _close(ours)
            raise
        finally:
            _close(theirs)
        for descriptor in (out[0], err[0]):
            os.set_blocking(descriptor, False)
        self.outputs = {STDOUT: out[0], STDERR: err[0]}
        self._input = Input(given[1] if given else -1)
        return process

    def _in_terminal(self, launch: Launch) -> "subprocess.Popen[bytes]":
        ours, theirs = pty.openpty()
        try:
            process = self._popen(launch.in_terminal(), theirs, theirs, theirs)
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        os.set_blocking(ours, False)
        self._input = Input(os.dup(ours), is_terminal=True)
        self.outputs = {STDOUT: ours}
        return process

    def _popen(
        self, launch: Launch, stdin: int, stdout: int, stderr: int
    ) -> "subprocess.Popen[bytes]":
        marked = {PROGRAM_VARIABLE: self.marker, **self._warden.environment()}
        return subprocess.Popen(
            launch.argv,
            env={**launch.env, **marked},
            cwd=launch.directory,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
