"""The load, in a process of its own: told by one line of JSON what to do, answers with one.

    echo '{"port": 6443, "token": "…", "act": "apply", "count": 1000, "clients": 20, …}' | \
        python -m bench.api.load

It reports its own processor time, which is what the generator itself costs.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import orjson
import uvloop

from bench.api import objects
from bench.api.fanout import fan_out
from bench.api.wire import Address, Connection, checked, connections

Job = dict[str, Any]
_KINDS: dict[str, tuple[str, Callable[[int, int], objects.Manifest]]] = {
    "ConfigMap": ("/api/v1/namespaces/default/configmaps/settings-{}", objects.config_map),
    "Deployment": ("/apis/apps/v1/namespaces/default/deployments/app-{}", objects.deployment),
}
_APPLY = "application/apply-patch+yaml"
_PODS = "/api/v1/namespaces/default/pods"
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


async def apply(job: Job, address: Address) -> Job:
    """Server-side applies of distinct objects, each by whichever client is free."""
    path, make = _KINDS[job["kind"]]
    paths = {number: path.format(number) + "?fieldManager=bench&force=true" for number in _of(job)}
    bodies = {number: orjson.dumps(make(number, job["change"])) for number in _of(job)}

    async def act(connection: Connection, number: int) -> None:
        body = await connection.ask("PATCH", paths[number], bodies[number], kind=_APPLY)
        checked(connection, body, 200, 201)

    return await _spread(job, address, act)


async def small_pods(job: Job, address: Address) -> Job:
    """Pods that wait for a node."""
    made = {number: orjson.dumps(objects.small_pod(number)) for number in _of(job)}

    async def act(connection: Connection, number: int) -> None:
        checked(connection, await connection.ask("POST", _PODS, made[number]), 201)

    return await _spread(job, address, act)


async def pods(job: Job, address: Address) -> Job:
    """Pods that run: each is created, then its status written."""
    made = {number: orjson.dumps(objects.pod(number)) for number in _of(job)}

    async def act(connection: Connection, number: int) -> None:
        body = await connection.ask("POST", _PODS, made[number])
        name = orjson.loads(checked(connection, body, 201))["metadata"]["name"]
        status = orjson.dumps({"status": objects.pod_status(number)})
        kind = "application/merge-patch+json"
        body = await connection.ask("PATCH", f"{_PODS}/{name}/status", status, kind=kind)
        checked(connection, body, 200)

    return await _spread(job, address, act)


async def listing(job: Job, address: Address) -> Job:
    """One list, some times; the quickest and the median."""
    (connection,) = await connections(address, 1)
    kind = _TABLE if job.get("table") else "application/json"
    times, body = [], b""
    for _ in range(job["count"]):
        begun = time.perf_counter()
        body = await connection.ask("GET", job.get("path", _PODS), kind=kind)
        times.append(time.perf_counter() - begun)
        checked(connection, body, 200)
    times.sort()
    return {"seconds": times[len(times) // 2], "best_seconds": times[0], "bytes": len(body)}


def _of(job: Job) -> range:
    return range(job.get("first", 0), job.get("first", 0) + job["count"])


async def _spread(
    job: Job, address: Address, act: Callable[[Connection, int], Awaitable[None]]
) -> Job:
    """Every number once, by as many clients as wished."""
    numbers = iter(_of(job))
    free = await connections(address, job["clients"])
    begun, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(_work(connection, numbers, act) for connection in free))
    seconds = time.perf_counter() - begun
    return {
        "per_second": job["count"] / seconds,
        "seconds": seconds,
        "generator_cpu_seconds": time.process_time() - used,
    }


async def _work(
    connection: Connection,
    numbers: Iterator[int],
    act: Callable[[Connection, int], Awaitable[None]],
) -> None:
    for number in numbers:
        await act(connection, number)


_ACTS: dict[str, Callable[[Job, Address], Awaitable[Job]]] = {
    "apply": apply,
    "pods": pods,
    "small_pods": small_pods,
    "list": listing,
    "watch": fan_out,
}


def main() -> None:
    job = orjson.loads(sys.stdin.read())
    address = Address(job["port"], job["token"], job.get("authority", ""))
    uvloop.install()
    print(orjson.dumps(asyncio.run(_do(job, address))).decode())


async def _do(job: Job, address: Address) -> Job:
    return await _ACTS[job["act"]](job, address)


if __name__ == "__main__":
    main()
