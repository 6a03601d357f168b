"""Measure how long a cluster with many objects takes from its store on disk to its first step.

    python -m bench.store_start [--objects 50000]

Prints one line of JSON. The baseline is what any program must do at least: read the same SQLite
rows and parse each with `json.loads`. `restore` fills the store, checks included; `resume` shows
every object to every controller and to the kubelet.
"""

import argparse
import asyncio
import json
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from kiban.adapters.api_server.driver import WallDriver, wall_clock
from kiban.adapters.store_journal import StoreJournal
from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.controllers.catalog import controllers
from kiban.cluster.kubelet.kubelet import Kubelet
from kiban.cluster.networking.addresses import AddressPlan
from kiban.cluster.store import Store
from kiban.primitives.chance import Chance
from kiban.primitives.instants import rfc3339


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=50_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "store.db"
        fill(path, arguments.objects)
        baseline = timed(lambda: parsed(path))
        restore = timed(lambda: StoreJournal(path, print, print).restore(Store(Chance(1))))
        started = asyncio.run(start(path))
        size = path.stat().st_size
    figures = {
        "objects": arguments.objects,
        "megabytes": round(size / 1e6, 1),
        "json_loads_seconds": round(baseline, 2),
        "restore_seconds": round(restore, 2),
        "start_seconds": round(started, 2),
        "start_to_json_loads": round(started / baseline, 2),
    }
    print(json.dumps(figures))


def timed(act: Any) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def parsed(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return [json.loads(row[0]) for row in connection.execute("SELECT data FROM objects")]


async def start(path: Path) -> float:
    """Seconds until a driver has restored, resumed and stepped a whole cluster."""
    began = time.perf_counter()
    driver = WallDriver(whole_cluster(), journal=path)
    await driver.start()
    await asyncio.sleep(0)
    taken = time.perf_counter() - began
    await driver.stop()
    return taken


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
    conditions = ("Ready", "Initialized", "PodScheduled", "ContainersReady")
    env = [{"name": f"SETTING_{index}", "value": "v" * 20} for index in range(10)]
    resources = {"requests": {"cpu": "100m", "memory": "128Mi"}}
    container = {"name": "app", "image": "registry.example/app:1", "env": env}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"pod-{number}",
            "namespace": f"space-{number % 20}",
            "uid": f"uid-{number}",
            "creationTimestamp": now,
            "labels": {"app": f"app-{number % 300}"},
        },
        "spec": {
            "nodeName": f"node-{number % 100}",
            "containers": [{**container, "resources": resources}],
        },
        "status": {
            "phase": "Running",
            "podIP": AddressPlan(0).pod_address(number),
            "conditions": [
                {"type": type_, "status": "True", "lastTransitionTime": now} for type_ in conditions
            ],
        },
    }


if __name__ == "__main__":
    main()
