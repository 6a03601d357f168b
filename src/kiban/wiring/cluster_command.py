"""What `kiban cluster` does: the embedded cluster without a platform repo around it."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kiban.primitives.problems import Exit, KibanError, Place, Problem
from kiban.wiring.event_loop import run
from kiban.wiring.places import PLATFORM_FILE, State
from kiban.wiring.processes import announce, detach, retire, running, stop

START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ClusterWish:
    """How a cluster that runs alone is to be."""

    directory: Path | None
    port: int = 0
    nodes: int = 3
    modelled: bool = False
    # An address beside the loopback, which was checked before; empty for none.
    listen: str = ""


def state_at(directory: Path | None) -> State:
    """The state directory that is named, or the one of the platform repo around us, or ours."""
    if directory is not None:
        return State(directory.resolve())
    here = Path.cwd()
    around = [place for place in (here, *here.parents) if (place / PLATFORM_FILE).is_file()]
    return State((around[0] if around else here) / ".kiban")


def start_here(wish: ClusterWish, tell: Callable[[dict[str, Any]], None]) -> None:
    """Run the cluster in this process until it is interrupted."""
    run(_run(wish, tell))


def start_detached(wish: ClusterWish) -> dict[str, Any]:
    """Run the cluster in the background; what it says about itself once it answers."""
    state = state_at(wish.directory)
    if found := running(state):
        return found
    arguments = ["cluster", "start", "--state", str(state.directory), "--nodes", str(wish.nodes)]
    arguments += ["--port", str(wish.port)] if wish.port else []
    arguments += ["--modelled"] if wish.modelled else []
    arguments += ["--listen", wish.listen, "--expose"] if wish.listen else []
    return detach(state, arguments, START_SECONDS)


def stop_cluster(directory: Path | None) -> str:
    return stop(state_at(directory))


def cluster_status(directory: Path | None) -> dict[str, Any]:
    found = running(state_at(directory))
    return {"running": found is not None, **(found or {})}


def kubeconfig_path(directory: Path | None) -> Path:
    """Raises `KibanError` when no cluster was ever started there."""
    state = state_at(directory)
    if not state.kubeconfig.is_file():
        raise KibanError(
            Problem(
                "cluster/no-kubeconfig",
                "there is no embedded cluster here",
                Place(file=str(state.kubeconfig)),
                fix="start one: kiban up, or kiban cluster start",
            ),
            Exit.USAGE,
        )
    return state.kubeconfig


async def _run(wish: ClusterWish, tell: Callable[[dict[str, Any]], None]) -> None:
    from kiban.cluster.nodes import NodeGroup
    from kiban.wiring.local_cluster import start_cluster

    state = state_at(wish.directory)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    cluster = await start_cluster(state, port=wish.port, modelled=wish.modelled, listen=wish.listen)
    try:
        zones = ("local-1a", "local-1b", "local-1c")
        cluster.add_nodes([NodeGroup("node", zones=zones, count=wish.nodes)])
        announce(state, cluster.as_data())
        tell(cluster.as_data())
        ends = [asyncio.create_task(cluster.finished()), asyncio.create_task(stopping.wait())]
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await cluster.stop()
        retire(state)
