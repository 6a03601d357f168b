"""Attaching to a container: whoever does hears what it says from then on and may give it input.

All attachments share the container's one input. Where that is meant for one attachment only
(`stdinOnce`), it ends with the first.
"""

import asyncio
from collections import deque

from kiban.adapters.processes.inputs import Input
from kiban.adapters.processes.programs import STDOUT

# What waits for a listener that is slow; what it does not hear in time, it misses.
WAITING_LIMIT_BYTES = 8 * 1024 * 1024


class Console:
    """One container's input, and those who listen to it."""

    def __init__(self, input: Input, *, once: bool = False) -> None:
        self.input = input
        self._once = once
        self._attached: dict[Attachment, None] = {}

    def attach(self) -> "Attachment":
        attachment = Attachment(self)
        self._attached[attachment] = None
        return attachment

    def hear(self, data: bytes) -> None:
        """The container says something."""
        for attachment in self._attached:
            attachment.hear(data)

    def leave(self, attachment: "Attachment") -> None:
        self._attached.pop(attachment, None)
        if self._once:
            self.input.close()

    async def finish_input(self) -> None:
        """A listener has no more to say; others may, unless the input was meant for one."""
        if self._once:
            await self.input.finish()

    def end(self) -> None:
        """The container is over."""
        self.input.close()
        for attachment in self._attached:
            attachment.note_end()


class Attachment:
    """One listener's side; to the streams it looks like a program of its own."""

    def __init__(self, console: Console) -> None:
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        # Containers have one output for everything, which is also what their log holds.
        self.outputs = {STDOUT: -1}
        self._console = console
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._came = asyncio.Event()

    def hear(self, data: bytes) -> None:
        if self._size + len(data) <= WAITING_LIMIT_BYTES:
            self._waiting.append(data)
            self._size += len(data)
            self._came.set()

    def note_end(self) -> None:
        if not self.ended.done():
            # How the container ended is in its pod's status; the attachment itself went well.
            self.ended.set_result(0)
        self._came.set()

    async def read(self, output: int) -> bytes:
        """What it says; empty at the end."""
        while not self._waiting:
            if self.ended.done():
                return b""
            self._came.clear()
            await self._came.wait()
        data = self._waiting.popleft()
        self._size -= len(data)
        return data

    async def write(self, data: bytes) -> None:
        await self._console.input.write(data)

    async def finish_input(self) -> None:
        await self._console.finish_input()

    def resize(self, width: int, height: int) -> None:
        self._console.input.resize(width, height)

    async def end(self) -> None:
        """Go away; the container goes on."""
        self._console.leave(self)
        self.note_end()
