"""What is measured, part by part; each part starts servers of its own in a fresh directory."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.api.inside import inside
from bench.api.report import Row
from bench.api.served import Served
from bench.api.starting import restart

MANY = 20
PODS = 5_000
# kube-apiserver's, of each act: by one client, by twenty.
_THEIR_RATES = {"create": (385.0, 1_050.0), "change": (385.0, 1_050.0), "no-op": (None, 1_300.0)}


def start(directory: Path, scale: float) -> list[Row]:
    """The whole cluster: controllers, scheduler, kubelets and gateway in one go."""
    with Served(directory, "whole") as first:
        rows = [Row("start of a new cluster to its first answer", first.wait(), "s", 3.6)]
        _settle(first)
        rows.append(Row("memory of the whole cluster, idle", first.memory_mib, "MiB", 495.0))
        first.stop(signal.SIGINT)
    with Served(directory, "whole") as again:
        rows.append(Row("start again to its first answer", again.wait(), "s", 3.6))
        again.stop(signal.SIGINT)
    return rows


def _settle(server: Served) -> None:
    """Wait until a second passes in which the server does next to nothing."""
    used = -1.0
    while server.cpu_seconds - used > 0.03:
        used = server.cpu_seconds
        time.sleep(1.0)


def writes(directory: Path, scale: float) -> list[Row]:
    """Server-side applies, each acknowledged when it is on disk."""
    rows = []
    for kind in ("ConfigMap", "Deployment"):
        place = directory / kind
        place.mkdir()
        with Served(place, "alone") as server:
            server.wait()
            server.load("apply", kind=kind, first=90_000, count=200, clients=1, change=0)
            rows += [_apply(server, kind, act, scale) for act in _acts()]
    return rows


def _acts() -> list[tuple[str, int, int]]:
    """The act, by how many clients, and what the objects say: a no-op says what was said last."""
    return [
        ("create", 1, 0), ("change", 1, 1), ("no-op", 1, 1),
        ("create", MANY, 0), ("change", MANY, 1), ("no-op", MANY, 1),
    ]  # fmt: skip


def _apply(server: Served, kind: str, wish: tuple[str, int, int], scale: float) -> Row:
    act, clients, change = wish
    count = int((400 if clients == 1 else 2_000) * scale)
    first = 0 if clients == 1 else 10_000
    found = server.load(
        "apply", kind=kind, first=first, count=count, clients=clients, change=change
    )
    theirs = _THEIR_RATES[act][clients > 1]
    who = "one client" if clients == 1 else f"{clients} clients"
    return _rate(f"apply {kind}: {act}, {who}", found, count, theirs)


def _rate(name: str, found: dict[str, Any], count: int, theirs: float | None) -> Row:
    own = found["generator_cpu_seconds"] / count * 1000
    busy = found["server_cpu_seconds"] / found["seconds"]
    note = f"server busy {busy:.0%} of a core; the generator takes {own:.2f} ms each"
    cpu = found["server_cpu_seconds"] / count * 1000
    return Row(name, found["per_second"], "/s", theirs, True, cpu, note)


def floor(directory: Path, scale: float) -> list[Row]:
    """The same requests at a server that only parses and commits."""
    rows = []
    for clients in (1, MANY):
        place = directory / str(clients)
        place.mkdir()
        count = int((600 if clients == 1 else 3_000) * scale)
        job = {"kind": "Deployment", "count": count, "clients": clients, "change": 0}
        with Served(place, "floor") as server:
            server.wait()
            server.load("apply", first=90_000, **{**job, "count": 200})
            found = server.load("apply", **job)
        who = "one client" if clients == 1 else f"{clients} clients"
        rows.append(_rate(f"floor: parse, commit, answer; {who}", found, count, None))
    return rows


def lists(directory: Path, scale: float) -> list[Row]:
    """Five thousand pods, fetched whole over TLS: small ones, and ones that run."""
    rows = []
    for act, what in (("small_pods", "small pods"), ("pods", "running pods")):
        place = directory / act
        place.mkdir()
        with Served(place, "alone") as server:
            server.wait()
            rows += _filled(server, act, what, int(PODS * scale))
            rows += _listed(server, what, compared=act == "small_pods")
    return rows


def _filled(server: Served, act: str, what: str, count: int) -> list[Row]:
    before = server.memory_mib
    filled = server.load(act, count=count, clients=MANY)
    note = f"{before:.0f} MiB without them"
    return [
        _rate(f"{what} created{', status written' * (act == 'pods')}", filled, count, None),
        Row(f"memory of the API server with {count:,} {what}", server.memory_mib, "MiB", note=note),
    ]


def _listed(server: Served, what: str, *, compared: bool) -> list[Row]:
    rows = []
    for form, table, theirs in (("JSON", False, 101.0), ("a table", True, 92.0)):
        found = server.load("list", count=11, table=table)
        cpu = found["server_cpu_seconds"] / 11 * 1000
        note = f"{found['bytes'] / 1e6:.1f} MB; the quickest {found['best_seconds'] * 1000:.0f} ms"
        name = f"list of all {what} as {form}"
        rival = theirs if compared else None
        rows.append(Row(name, found["seconds"] * 1000, "ms", rival, False, cpu, note))
    return rows


def watches(directory: Path, scale: float) -> list[Row]:
    """One write, seen by a thousand."""
    watchers = int(1_000 * scale)
    with Served(directory, "alone") as server:
        server.wait()
        found = server.load("watch", watchers=watchers, count=50)
    name = f"to {watchers:,} watchers"
    events = 150 * watchers
    cpu = found["server_cpu_seconds"] / events * 1000
    return [
        Row(f"a write {name}, the last: half within", found["p50_seconds"] * 1000, "ms"),
        Row(f"a write {name}, the last: 99 % within", found["p99_seconds"] * 1000, "ms"),
        Row(f"events delivered {name}", found["events_per_second"], "/s", None, True, cpu),
    ]


PARTS: dict[str, Callable[[Path, float], list[Row]]] = {
    "start": start,
    "writes": writes,
    "floor": floor,
    "lists": lists,
    "watches": watches,
    "restart": restart,
    "inside": inside,
}
