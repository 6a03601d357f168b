"""One lease held for as long as a block runs, renewed in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kiban.adapters.delivery_driver import LEASE_SECONDS, has_ended, now
from kiban.adapters.journal import Journal
from kiban.plans.plan import Lease
from kiban.primitives.problems import Exit, KibanError, Problem


@asynccontextmanager
async def held_lease(journal: Journal, name: str, holder: str) -> AsyncIterator[Lease]:
    """Hold a lease. Raises `KibanError` when a living process has it. One that is lost later
    fences off what is written under it."""
    lease = _taken(journal, name, holder)

    async def renew() -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            _taken(journal, name, holder)

    renewing = asyncio.create_task(renew())
    try:
        yield lease
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        journal.release(lease)


def _taken(journal: Journal, name: str, holder: str) -> Lease:
    lease = journal.take(name, holder, now(), LEASE_SECONDS)
    if lease is None and has_ended(other := journal.holder_of(name)):
        lease = journal.take(name, holder, now(), LEASE_SECONDS, instead_of=other)
    if lease is None:
        problem = Problem(
            "delivery/lease-held",
            f"Another process keeps {name} already: {journal.holder_of(name)}.",
            why="Two that act on the same fleet would undo each other's work.",
            fix="Use the one that runs, or stop it.",
        )
        raise KibanError(problem, Exit.REFUSED)
    return lease
