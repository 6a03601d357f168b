"""A whole embedded cluster in a process of its own, to be killed at any moment.

Processes are forked from one that has everything imported, so that a round is about the cluster
and not about loading Python.
"""

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from kiban.adapters import store_file
from kiban.adapters.store_backup import back_up
from kiban.cluster.nodes import NodeGroup
from kiban.wiring.local_cluster import start_cluster
from kiban.wiring.places import STORE_FILE, State

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])
PATIENCE_SECONDS = 30.0
# A fault that a test plants in the cluster's process, to see that it is found.
Plant = Callable[[], None] | None


@dataclass(frozen=True, slots=True)
class Reached:
    """Where a cluster answers, and with what it is spoken to."""

    server: str
    token: str
    authority: str


class Process:
    """One run of the cluster that lives in a directory."""

    def __init__(self, directory: Path, checkpoint_pages: int, plant: Plant = None) -> None:
        self._told, telling = FORKS.Pipe(duplex=False)
        arguments = (directory, checkpoint_pages, plant, telling)
        self._process = FORKS.Process(target=_serve, args=arguments)
        self._process.start()
        telling.close()

    async def ready(self) -> Reached:
        """Wait until it answers."""
        if not await asyncio.to_thread(self._told.poll, PATIENCE_SECONDS):
            raise AssertionError("the cluster does not come up")
        try:
            found = self._told.recv()
        except EOFError:
            raise AssertionError("the cluster ended while it started; see above") from None
        assert isinstance(found, Reached)
        return found

    def kill(self) -> None:
        """As `kill -9`: nothing is finished."""
        kill(self._process)
        self._told.close()


def start_backup(directory: Path, file: Path) -> multiprocessing.process.BaseProcess:
    """Begin a backup of the cluster in a directory, in a process of its own."""
    backup = FORKS.Process(target=back_up, args=(State(directory).cluster / STORE_FILE, file))
    backup.start()
    return backup


def kill(process: multiprocessing.process.BaseProcess) -> None:
    process.kill()
    process.join()


def _serve(directory: Path, checkpoint_pages: int, plant: Plant, telling: Connection) -> None:
    if plant is not None:
        plant()
    threading.Thread(target=_end_with_the_test, daemon=True).start()
    # A lower figure than usual folds the log into the file many times in a round.
    store_file.CHECKPOINT_PAGES = checkpoint_pages
    asyncio.run(_run(directory, telling))


def _end_with_the_test() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


async def _run(directory: Path, telling: Connection) -> None:
    cluster = await start_cluster(State(directory), gateway_port=None, modelled=True)
    cluster.add_nodes([NodeGroup("node", zones=("a",), count=1)])
    telling.send(Reached(cluster.server, cluster.token, str(cluster.identity.authority)))
    telling.close()
    await cluster.finished()
