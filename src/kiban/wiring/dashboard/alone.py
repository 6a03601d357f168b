"""The dashboard without the engine: another process delivers, this one looks again and again."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial

from kiban.delivery.status import DeliveryStatus
from kiban.kube.ports import ApiError
from kiban.primitives.problems import KibanError
from kiban.wiring.dashboard.serving import DashboardWish, Source, dashboard_of
from kiban.wiring.deliveries import chosen_environments
from kiban.wiring.looking import View, looking, status_of
from kiban.wiring.repository import platform_here

LOOK_SECONDS = 3.0


async def serve(
    wish: DashboardWish, environments: Sequence[str], context: str, say: Callable[[str], None]
) -> None:
    """Serve until interrupted. Raises `KibanError` for what is not there."""
    names = chosen_environments(platform_here(), environments)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        views = [await stack.enter_async_context(looking(name, context)) for name in names]
        first = views[0]
        source = Source(
            first.repository,
            first.cluster,
            None,
            first.home.state,
            [partial(_looks, view) for view in views],
            first.platform.spec.access,
        )
        say(await stack.enter_async_context(dashboard_of(wish, source)))
        await stopping.wait()


async def _looks(view: View) -> AsyncIterator[DeliveryStatus]:
    """The status whenever it has changed. A cluster that does not answer is asked again."""
    shown: DeliveryStatus | None = None
    while True:
        with suppress(ApiError, KibanError):
            status = await status_of(view)
            if status != shown:
                shown = status
                yield status
        await asyncio.sleep(LOOK_SECONDS)
