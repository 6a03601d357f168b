"""Ends everything in good order: programs get TERM and their grace, what keeps data goes last."""

import asyncio
from collections.abc import Callable

from kiban.adapters.processes.runtime import ProcessRuntime
from kiban.adapters.processes.warden import Warden
from kiban.cluster.kubelet import Kubelet
from kiban.primitives.instants import Instant

POLL_SECONDS = 0.02
# Beyond the kubelet's own two limits of 10 s; then everything is killed.
LONGEST_SECONDS = 25.0


async def shut_down(
    kubelet: Kubelet,
    runtime: ProcessRuntime,
    warden: Warden,
    *,
    clock: Callable[[], Instant],
    wake: Callable[[], None],
) -> None:
    """Stop every pod's processes while the driver still runs, then whatever is left, then the
    reaper. `wake` has the driver step. The stored pods run again at the next start."""
    kubelet.shut_down(clock())
    wake()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LONGEST_SECONDS
    while kubelet.busy() and loop.time() < deadline:
        await asyncio.sleep(POLL_SECONDS)
    await runtime.close()
    warden.close()
