"""How a process that serves a cluster runs.

In uvloop where there is one, for it needs half the time for each request that TLS and sockets take
in the standard library's. And with rarer searches for unreachable cycles: objects are plain data
without any, and looking through all that lives a long time again and again finds nothing.
"""

import asyncio
import gc
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

# How many more objects make Python look for cycles among the new ones; how many such searches make
# it look among older ones, and among all. Its own: 700, 10, 10.
COLLECTION_THRESHOLDS = (20_000, 10, 20)

Result = TypeVar("Result")


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end, as `asyncio.run` does."""
    gc.set_threshold(*COLLECTION_THRESHOLDS)
    factory = None
    with suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)
