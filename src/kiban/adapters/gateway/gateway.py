"""The running gateway: follows configurations, says what was refused, comes back when it dies."""

import asyncio
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import aiohttp

from kiban.adapters.gateway.admin import Admin
from kiban.adapters.gateway.files import DiscoveryFiles
from kiban.adapters.gateway.process import (
    DRAIN_SECONDS,
    Account,
    end,
    envoy_program,
    lowest_port,
    start_envoy,
)
from kiban.adapters.gateway.statistics import PATTERN, PortStatistics, statistics_of
from kiban.cluster.networking.gateway import PUBLIC, GatewayConfiguration, GatewayPlace
from kiban.primitives.problems import Exit, KibanError, Place, Problem
from kiban.reconcile.backoff import Backoff

START_SECONDS = 10.0
ACKNOWLEDGE_SECONDS = 5.0
POLL_SECONDS = 0.005
LONGEST_POLL_SECONDS = 0.1
LONGEST_RESTART_SECONDS = 10.0
# sun_path holds 104 bytes on macOS, 108 on Linux, with a zero at the end.
LONGEST_SOCKET_PATH = 100
_UNREACHABLE = (aiohttp.ClientError, TimeoutError, OSError)


class Gateway:
    """One Envoy in one private directory.

    `update` may be called from one task at a time or several: updates are carried out one after
    the other. `pid` is Envoy's process id and, with it, its process group. With a warden, no Envoy
    is left behind whatever happens to us.
    """

    def __init__(
        self,
        directory: Path,
        port: int,
        *,
        address: str = "127.0.0.1",
        warden: Account | None = None,
    ) -> None:
        directory = directory.absolute()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.place = GatewayPlace(port, str(directory), address, lowest_port())
        self.log = directory / "envoy.log"
        self.restarts = 0
        self._warden = warden
        self._files = DiscoveryFiles(directory)
        self._socket = _socket_in(directory)
        self._admin: Admin | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        # How many versions of each file Envoy had refused when we last looked.
        self._refused: dict[str, int] = {}

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def start(self, configuration: GatewayConfiguration) -> tuple[Problem, ...]:
        """Start Envoy and wait until it serves this configuration.

        Returns what it refused. Raises `KibanError` when it does not start, or may not have its
        public port.
        """
        self._files.clear()
        self._files.write(configuration)
        await self._launch()
        self._admin = Admin(self._socket)
        try:
            await self._until_ready()
            _, self._refused = await self._versions({})
            problems = await self._reasons()
            if any(problem.place.thing == PUBLIC for problem in problems):
                raise KibanError(problems, Exit.WORLD_FAILED)
        except BaseException:
            await self.stop(drain_seconds=0)
            raise
        self._keeper = asyncio.create_task(self._keep_alive(), name="gateway-keeper")
        return problems

    async def update(self, configuration: GatewayConfiguration) -> tuple[Problem, ...]:
        """Have Envoy serve this configuration; returns when it does, with what it refused."""
        async with self._lock:
            problems = await self._acknowledged(self._files.write(configuration))
            gone = self._files.take_away(configuration)
            return (*problems, *await self._acknowledged(gone))

    async def statistics(self) -> dict[str, PortStatistics]:
        """What was counted since Envoy started, by `namespace/service/port`; nothing while it is
        being restarted."""
        if self._admin is None:
            return {}
        try:
            return statistics_of(await self._admin.stats(PATTERN, histogram_buckets="cumulative"))
        except _UNREACHABLE:
            return {}

    async def stop(self, drain_seconds: float = DRAIN_SECONDS) -> None:
        """Take no more connections, let requests under way finish, and end Envoy."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        if self._process is not None:
            await self._drain(drain_seconds)
            await end(self._process, patience_seconds=1.0 if drain_seconds else 0.0)
            self._left(self._process.pid)
        if self._admin is not None:
            await self._admin.close()
        self._process = self._admin = self._keeper = None
        self._socket.unlink(missing_ok=True)

    async def _drain(self, seconds: float) -> None:
        if self._admin is None or not seconds:
            return
        with suppress(*_UNREACHABLE):
            await self._admin.drain()
            waited = 0.0
            while waited < seconds and await self._requests_under_way():
                await asyncio.sleep(LONGEST_POLL_SECONDS)
                waited += LONGEST_POLL_SECONDS
            await self._admin.quit()

    async def _requests_under_way(self) -> int:
        assert self._admin is not None
        found = await self._admin.stats(r"^http\..*\.downstream_rq_active$")
        # The question itself is one request, counted under `admin`.
        return sum(stat["value"] for stat in found if not stat["name"].startswith("http.admin."))

    async def _launch(self) -> None:
        self._socket.unlink(missing_ok=True)
        bootstrap = self._files.write_bootstrap(self._socket)
        self._process = await start_envoy(envoy_program(), bootstrap, self.log, self._warden)

    async def _until_ready(self) -> None:
        assert self._process is not None and self._admin is not None
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_SECONDS
        while loop.time() < deadline and self._process.returncode is None:
            with suppress(*_UNREACHABLE):
                if await self._admin.is_ready():
                    return
            await asyncio.sleep(POLL_SECONDS)
        raise KibanError(
            Problem(
                "gateway/not-started",
                "The gateway (Envoy) did not start.",
                Place(str(self.log)),
                why=_last_line(self.log),
                fix="Read the log; another kiban may be using the same directory.",
            ),
            Exit.WORLD_FAILED,
        )

    async def _keep_alive(self) -> None:
        """Start Envoy again whenever it ends; its files say what to serve."""
        backoff = Backoff(first_seconds=POLL_SECONDS, longest_seconds=LONGEST_RESTART_SECONDS)
        while True:
            assert self._process is not None
            await self._process.wait()
            self._left(self._process.pid)
            await asyncio.sleep(backoff.failed("envoy"))
            self.restarts += 1
            with suppress(KibanError):
                await self._launch()
                await self._until_ready()
                _, self._refused = await self._versions({})

    def _left(self, pid: int) -> None:
        if self._warden is not None:
            self._warden.left(pid)

    async def _versions(self, wanted: Mapping[str, str]) -> tuple[dict[str, str], dict[str, int]]:
        try:
            assert self._admin is not None, "the gateway is not started"
            return await self._admin.versions(wanted)
        except _UNREACHABLE:
            return {}, {}

    async def _acknowledged(self, wanted: Mapping[str, str]) -> tuple[Problem, ...]:
        """Wait until every file was accepted or refused."""
        if not wanted:
            return ()
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + ACKNOWLEDGE_SECONDS, POLL_SECONDS
        while loop.time() < deadline:
            accepted, refused = await self._versions(wanted)
            waiting = {name for name in wanted if accepted.get(name) != wanted[name]}
            refusals = {n for n in waiting if refused.get(n, 0) > self._refused.get(n, 0)}
            if waiting == refusals:
                self._refused |= refused
                return await self._reasons(refusals) if refusals else ()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_POLL_SECONDS)
        late = ", ".join(sorted(waiting))
        return (Problem("gateway/late", f"The gateway has not acknowledged {late} yet."),)

    async def _reasons(self, refused: Iterable[str] = ()) -> tuple[Problem, ...]:
        """Why listeners were refused, or at least which of the files `refused` were."""
        reasons: dict[str, str] = {}
        with suppress(*_UNREACHABLE):
            assert self._admin is not None
            reasons = await self._admin.refusals()
        fallback = dict.fromkeys(refused, f"its configuration is invalid; see {self.log}")
        return tuple(
            Problem(
                "gateway/refused",
                f"The gateway cannot serve {name}: {reason}",
                Place(thing=name),
                fix="If its address is in use, end the program that listens there.",
            )
            for name, reason in sorted((reasons or fallback).items())
        )


def _socket_in(directory: Path) -> Path:
    path = directory / "admin.sock"
    if len(str(path)) <= LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.mkdtemp(prefix="kiban-")) / "admin.sock"


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return lines[-1][:500] if lines else ""
