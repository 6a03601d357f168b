"""The input of a running program as a descriptor of this event loop: the writing end of a pipe, or
a terminal, which also has a size."""

import asyncio
import fcntl
import os
import struct
import termios
from collections.abc import Callable

_END_OF_TRANSMISSION = b"\x04"


class Input:
    """Where a program reads from. Takes over the descriptor; -1 stands for no input at all."""

    def __init__(self, descriptor: int = -1, *, is_terminal: bool = False) -> None:
        self._descriptor = descriptor
        self._is_terminal = is_terminal
        if descriptor >= 0:
            os.set_blocking(descriptor, False)

    @property
    def is_open(self) -> bool:
        return self._descriptor >= 0

    async def write(self, data: bytes) -> None:
        """Pass data on; dropped when the program reads no more."""
        loop = asyncio.get_running_loop()
        while data and self._descriptor >= 0:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                await when_ready(loop.add_writer, loop.remove_writer, self._descriptor)
            except OSError:
                self.close()

    async def finish(self) -> None:
        """There is no more; a terminal is told by its own sign."""
        if self._is_terminal:
            await self.write(_END_OF_TRANSMISSION)
        else:
            self.close()

    def resize(self, width: int, height: int) -> None:
        """Set the size of the terminal, if it is one."""
        if self._is_terminal and self._descriptor >= 0:
            size = struct.pack("HHHH", height & 0xFFFF, width & 0xFFFF, 0, 0)
            fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, size)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


async def when_ready(
    add: Callable[..., object], remove: Callable[[int], object], descriptor: int
) -> None:
    """Wait until a descriptor is ready. A copy of it is watched, so that it may be closed."""
    ready = asyncio.Event()
    watched = os.dup(descriptor)
    add(watched, ready.set)
    try:
        await ready.wait()
    finally:
        remove(watched)
        os.close(watched)
