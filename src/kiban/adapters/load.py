"""An open-loop load: requests leave when they are due, whether or not others were answered.

A closed loop waits for a slow server and so hides how slow it is; here latency counts from the
moment a request was due. It runs in a process of its own (`python -m kiban.adapters.load`), told
over standard input in JSON lines, so that the pauses of whoever measures do not distort it.
"""

import argparse
import asyncio
import contextlib
import math
import random
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# Not the loop's time: uvloop's stands still for a millisecond.
from time import monotonic
from typing import Any

import aiohttp
import orjson

REQUEST_SECONDS = 10.0
# An hour at 300 requests a second.
MAX_RECORDS = 1_080_000
VERSION_HEADER = "x-release"
DEFAULTS_HEADER = "x-defaults"
FIRST_PHASE = "load"
PERCENTILES = (50, 90, 99)
MAX_ERRORS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Shot:
    """One kind of request and its share of all."""

    method: str
    path: str
    weight: int = 1

    @staticmethod
    def parse(text: str) -> "Shot":
        """`GET /stamp/ada 3`; method and weight may be left out."""
        words = text.split()
        method = words.pop(0) if words[0].isupper() else "GET"
        weight = int(words.pop()) if words[-1].isdecimal() else 1
        return Shot(method, words[0], weight)


@dataclass(frozen=True, slots=True)
class Record:
    """What became of one request. `due_seconds` counts from the start of the load."""

    due_seconds: float
    latency_ms: float
    phase: str
    status: int
    version: str = ""
    defaults: str = ""
    error: str = ""

    @property
    def is_failed(self) -> bool:
        return bool(self.error) or self.status >= 500


@dataclass(slots=True)
class OpenLoad:
    """A running load. `phase` and `rate` may be set while it runs."""

    url: str
    shots: Sequence[Shot]
    rate: float
    host: str = ""
    seed: int = 1
    phase: str = FIRST_PHASE
    records: list[Record] = field(default_factory=list)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, seconds: float = math.inf) -> None:
        """Send until stopped, or for so long; returns when everything is answered."""
        chosen = random.Random(self.seed)
        weights = [shot.weight for shot in self.shots]
        headers = {"host": self.host} if self.host else {}
        # No limit on connections: waiting for a free one would close the loop.
        connector = aiohttp.TCPConnector(limit=0, force_close=False)
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, headers=headers
        ) as client:
            started, offset = monotonic(), 0.0
            while not self._stopping.is_set() and offset < seconds:
                due = started + offset
                await self._until(due)
                [shot] = chosen.choices(self.shots, weights)
                if len(self.records) + len(self._under_way) < MAX_RECORDS:
                    task = asyncio.create_task(self._send(client, shot, due, started))
                    self._under_way.add(task)
                    task.add_done_callback(self._under_way.discard)
                # Rounded, so that many small steps end where they should.
                offset = round(offset + 1 / self.rate, 9)
            while self._under_way:
                await asyncio.wait(self._under_way)

    def stop(self) -> None:
        """Send nothing more."""
        self._stopping.set()

    async def _until(self, due: float) -> None:
        # Even when it is late it lets the answers in.
        await asyncio.sleep(max(due - monotonic(), 0))

    async def _send(
        self, client: aiohttp.ClientSession, shot: Shot, due: float, started: float
    ) -> None:
        phase, status, version, defaults, error = self.phase, 0, "", "", ""
        try:
            async with client.request(shot.method, self.url + shot.path) as answer:
                await answer.read()
                status = answer.status
                version = answer.headers.get(VERSION_HEADER, "")
                defaults = answer.headers.get(DEFAULTS_HEADER, "")
        except TimeoutError:
            error = f"no answer within {REQUEST_SECONDS:g} s"
        except (aiohttp.ClientError, OSError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        latency = (monotonic() - due) * 1000
        record = Record(due - started, latency, phase, status, version, defaults, error)
        self.records.append(record)

    def summary(self) -> dict[str, Any]:
        """Figures for all requests and for each phase, in the order of the phases."""
        phases: dict[str, list[Record]] = {}
        for record in sorted(self.records, key=lambda record: record.due_seconds):
            phases.setdefault(record.phase, []).append(record)
        return {
            "rate": self.rate,
            "underWay": len(self._under_way),
            "total": summary_of(self.records),
            "phases": {name: summary_of(records) for name, records in phases.items()},
        }


def summary_of(records: Iterable[Record]) -> dict[str, Any]:
    """Counts, and latencies of what was answered, in milliseconds."""
    listed = list(records)
    failed = [record for record in listed if record.is_failed]
    latencies = sorted(record.latency_ms for record in listed if not record.error)
    errors = Counter(record.error or f"status {record.status}" for record in failed)
    return {
        "requests": len(listed),
        "failed": len(failed),
        "seconds": _span(listed),
        "statuses": _counted(str(record.status) for record in listed),
        "versions": _counted(record.version for record in listed if record.version),
        "defaults": _counted(record.defaults for record in listed if record.defaults),
        "errors": dict(errors.most_common(MAX_ERRORS_SHOWN)),
        "failedAt": [round(record.due_seconds, 3) for record in failed[:MAX_ERRORS_SHOWN]],
        "latencyMs": {
            **{f"p{p}": round(percentile(latencies, p), 2) for p in PERCENTILES},
            "max": round(latencies[-1], 2) if latencies else 0.0,
        },
    }


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest rank of sorted values; 0 without any."""
    if not values:
        return 0.0
    return values[max(0, math.ceil(percent / 100 * len(values)) - 1)]


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))


def _span(records: Sequence[Record]) -> float:
    if not records:
        return 0.0
    due = [record.due_seconds for record in records]
    return round(max(due) - min(due), 3)


class LoadProcess:
    """A load in a process of its own. It ends with us: its standard input closes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(
        cls,
        url: str,
        *,
        host: str,
        rate: float,
        shots: Sequence[Shot],
        phase: str = FIRST_PHASE,
    ) -> "LoadProcess":
        arguments = ["--url", url, "--host", host, "--rate", str(rate), "--phase", phase]
        for shot in shots:
            arguments += ["--shot", f"{shot.method} {shot.path} {shot.weight}"]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "kiban.adapters.load", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # A terminal's Ctrl-C is for us, who then ask for the summary.
            start_new_session=True,
        )
        load = cls(process)
        await load._answer()
        return load

    async def phase(self, name: str) -> None:
        """Requests from now on belong to this phase."""
        await self._ask({"phase": name})

    async def summary(self) -> dict[str, Any]:
        return await self._ask({"report": True})

    async def stop(self) -> dict[str, Any]:
        """Send nothing more, wait for what is under way, and give the last summary."""
        summary = await self._ask({"stop": True})
        await self._process.wait()
        return summary

    async def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(orjson.dumps(question) + b"\n")
        await self._process.stdin.drain()
        return await self._answer()

    async def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the load generator ended by itself")
        answer: dict[str, Any] = orjson.loads(line)
        return answer


async def _serve(load: OpenLoad, seconds: float, out: Path | None) -> None:
    """Run the load; without an end of its own it follows the orders on standard input, whose end
    means stop."""
    orders = asyncio.create_task(_follow(load)) if math.isinf(seconds) else None
    await load.run(seconds)
    if orders is not None:
        orders.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await orders
    summary = load.summary()
    if out is not None:
        out.write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2))
    _say(summary)


async def _follow(load: OpenLoad) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say({"started": True})
    while line := await reader.readline():
        order = orjson.loads(line)
        load.phase = order.get("phase", load.phase)
        load.rate = order.get("rate", load.rate)
        if order.get("stop"):
            break
        _say(load.summary() if order.get("report") else {"phase": load.phase, "rate": load.rate})
    load.stop()


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description="Send an open-loop load; orders on standard input")
    parser.add_argument("--url", required=True, help="where to, like http://127.0.0.1:8080")
    parser.add_argument("--host", default="", help="the Host header")
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second")
    parser.add_argument("--shot", action="append", help="'GET /path weight'; several may be given")
    parser.add_argument("--phase", default=FIRST_PHASE, help="the name of the first phase")
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--out", type=Path, help="file for the last summary")
    given = parser.parse_args()
    shots = [Shot.parse(text) for text in given.shot or ["/"]]
    load = OpenLoad(given.url.rstrip("/"), shots, given.rate, given.host, phase=given.phase)
    with contextlib.suppress(ImportError):
        import uvloop

        # Half the time per request of the loop in the standard library.
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(_serve(load, given.seconds, given.out))


if __name__ == "__main__":
    main()
