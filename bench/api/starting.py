"""A cluster with many objects, from its store on disk to its first step.

The baseline is what any program must do at least: read the same SQLite rows and parse each with
`json.loads`. `restore` fills the store, checks included; the start shows every object to every
controller and to the kubelet as well.
"""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.api import objects
from bench.api.report import Row
from bench.api.served import Served
from kiban.adapters.api_server.driver import WallDriver, wall_clock
from kiban.adapters.store_journal import StoreJournal
from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.controllers.catalog import controllers
from kiban.cluster.kubelet.kubelet import Kubelet
from kiban.cluster.networking.addresses import AddressPlan
from kiban.cluster.store import Store
from kiban.primitives.chance import Chance
from kiban.primitives.instants import rfc3339


def restart(directory: Path, scale: float) -> list[Row]:
    path = directory / "store.db"
    count = int(50_000 * scale)
    fill(path, count)
    baseline = timed(lambda: parsed(path))
    restored = timed(lambda: StoreJournal(path, print, print).restore(Store(Chance(1))))
    answers, decides = asyncio.run(start(path))
    note = f"{path.stat().st_size / 1e6:.0f} MB; json.loads of its rows takes {baseline:.1f} s"
    with Served(directory, "alone") as server:
        first = server.wait()
    return [
        Row(f"{count:,} objects read and checked", restored, "s", note=note),
        Row(f"start with {count:,} objects until it answers", answers, "s"),
        Row(f"start with {count:,} objects until controllers decide", decides, "s"),
        Row(f"process start with {count:,} objects to its first answer", first, "s"),
    ]


def timed(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def parsed(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return [json.loads(row[0]) for row in connection.execute("SELECT data FROM objects")]


async def start(path: Path) -> tuple[float, float]:
    """Seconds until a driver answers for a whole cluster, and until its controllers decide."""
    began = time.perf_counter()
    driver = WallDriver(whole_cluster(), journal=path)
    await driver.start()
    answers = time.perf_counter() - began
    while driver.cluster.is_resuming:
        await asyncio.sleep(0)
    decides = time.perf_counter() - began
    await driver.stop()
    return answers, decides


def whole_cluster() -> Cluster:
    plan = AddressPlan(0)
    return assembled(1, controllers(root_ca=""), kubelet=Kubelet(plan), plan=plan)


def fill(path: Path, count: int) -> None:
    """A store with pods as a platform has them, on nodes that are not there: nothing to run."""
    store = Store(Chance(1))
    journal = StoreJournal(path, lambda _: None, print)
    journal.restore(store)
    journal.start()
    now = rfc3339(wall_clock())
    for number in range(count):
        store.put(pod(number, now))
    journal.append(store.take_unwritten())
    journal.close()


def pod(number: int, now: str) -> dict[str, Any]:
    made = objects.pod(number)
    given = {"uid": f"uid-{number}", "creationTimestamp": now, "namespace": f"space-{number % 20}"}
    metadata = {**made["metadata"], **given, "name": f"pod-{number}"}
    del metadata["ownerReferences"]
    return {**made, "metadata": metadata, "status": objects.pod_status(number)}
