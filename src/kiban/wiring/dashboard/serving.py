"""The dashboard of a running platform: found under one address, for as long as the platform is."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from kiban.adapters.api_server.credentials import kept_token
from kiban.adapters.gateway import Gateway
from kiban.adapters.git import GitRepository
from kiban.adapters.kubernetes import KubernetesCluster
from kiban.operations.catalogue import Action
from kiban.primitives.problems import Exit, KibanError, Problem
from kiban.rehearsal.cloud.catalogue import is_priced, price
from kiban.spec.access import Access
from kiban.web.board import Board
from kiban.web.serving.application import Dashboard, Parts
from kiban.web.serving.streaming import Bell
from kiban.wiring.dashboard.backstage import Backstage
from kiban.wiring.dashboard.login import PlatformLogin
from kiban.wiring.dashboard.telling import Changes, Teller, outline_at
from kiban.wiring.local_cluster import free_port
from kiban.wiring.places import State
from kiban.wiring.processes import running
from kiban.wiring.repository import home_of

PORT = 8090
TOKEN_FILE = "dashboard-token"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class DashboardWish:
    """Whether there is to be a dashboard, what it offers, and where. A port of None means none."""

    port: int | None = PORT
    actions: Mapping[str, Action] = field(default_factory=dict)
    listen: str = LOOPBACK


NO_DASHBOARD = DashboardWish(port=None)
NOBODY = Access()


@dataclass(frozen=True, slots=True)
class Source:
    """What a dashboard shows."""

    repository: GitRepository
    cluster: KubernetesCluster
    gateway: Gateway | None
    state: State
    statuses: Sequence[Changes]
    access: Access = NOBODY


@asynccontextmanager
async def dashboard_of(wish: DashboardWish, source: Source) -> AsyncIterator[str]:
    """Serve the dashboard; the link that opens it, with its token, or nothing without a port."""
    if wish.port is None:
        yield ""
        return
    board, bell = Board(), Bell()
    board.set_outline(
        await asyncio.to_thread(outline_at, source.repository, source.repository.head())
    )
    if source.gateway is not None:
        board.gateway = f"{source.gateway.place.address}:{source.gateway.place.port}"
    journal = source.state.journal
    backstage = Backstage(
        board, source.repository, source.cluster, journal, source.state.directory.parent
    )
    token = kept_token(source.state.directory / TOKEN_FILE)
    access = source.access
    login = PlatformLogin(access) if access.login is not None else None
    hosts = frozenset(access.hosts)
    parts = Parts(board, bell, backstage, wish.actions, price_of, token, hosts, login)
    runner = web.AppRunner(Dashboard(parts).application(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, wish.listen, free_port(wish.port))
    await site.start()
    port = runner.addresses[0][1]
    teller = Teller(board, bell, source.repository, source.cluster, source.gateway, journal)
    tasks = teller.tasks(source.statuses)
    try:
        yield link_of(f"http://{LOOPBACK}:{port}/", source.state)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await runner.cleanup()


def link_of(address: str, state: State) -> str:
    """The link that opens a running dashboard, with its token."""
    return f"{address}#token={kept_token(state.directory / TOKEN_FILE)}"


def link_here(source: str) -> str:
    """The link to the dashboard of what runs in a platform directory. Raises `KibanError`."""
    state = home_of(source).state
    facts = running(state)
    address = str(facts.get("dashboard", "")) if facts else ""
    if not address:
        what = "what runs here has no dashboard" if facts else "nothing runs here"
        fix = "kiban down && kiban up" if facts else "start it: kiban up"
        raise KibanError(Problem("dashboard/none", what, fix=fix), Exit.PROBLEMS)
    return link_of(address, state)


def price_of(instance: str, region: str, spot: bool) -> float | None:
    """Dollars an hour, where the price of the type is known in the region."""
    if not instance or not is_priced(instance, region):
        return None
    return price(instance, region, is_spot=spot)
