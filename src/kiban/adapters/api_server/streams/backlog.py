"""Input that waits for a program to read it.

It lies between the connection and the program, so that a client's farewell is heard although the
program reads slowly or not at all; it is bounded, so that a client cannot fill the memory.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

LIMIT_BYTES = 8 * 1024 * 1024


class Backlog:
    """What a client sent and a program has not read yet."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._came = asyncio.Event()
        self._went = asyncio.Event()

    @property
    def is_full(self) -> bool:
        return self._size > LIMIT_BYTES

    def add(self, data: bytes) -> None:
        """Let more wait; nothing at all stands for the end."""
        self._waiting.append(data)
        self._size += len(data)
        self._came.set()

    async def until_less(self) -> None:
        """Wait until the program has read some."""
        self._went.clear()
        await self._went.wait()

    async def carry(
        self, write: Callable[[bytes], Awaitable[None]], finish: Callable[[], Awaitable[None]]
    ) -> None:
        """Pass everything on, for ever."""
        while True:
            while self._waiting:
                data = self._waiting.popleft()
                await (write(data) if data else finish())
                self._size -= len(data)
                self._went.set()
            self._came.clear()
            await self._came.wait()
