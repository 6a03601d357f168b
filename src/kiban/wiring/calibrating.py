"""`kiban rehearse --calibrate`: the example under real load on the embedded cluster, the model's
parameters fitted to it, and the model's answer to the same load beside what was measured."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import nan
from pathlib import Path

import orjson

from kiban.adapters.gateway import PortStatistics
from kiban.adapters.gateway.statistics import growth, mean_ms, percentile_ms
from kiban.adapters.load import LoadProcess, Shot
from kiban.adapters.processes.usage import UsageSource
from kiban.compiler.bundle import SERVICE_LABEL
from kiban.kube.objects import POD, labels_of
from kiban.primitives.instants import Instant, seconds_between
from kiban.primitives.problems import Exit, KibanError, Problem
from kiban.rehearsal.calibration import Calibration, calibrate
from kiban.rehearsal.modelling import Modelled, modelled
from kiban.rehearsal.recordings import Recording
from kiban.rehearsal.report.calibrated import calibration_document, calibration_page, side_by_side
from kiban.rehearsal.running import Arrivals, Case, prepared
from kiban.spec import read_directory
from kiban.wiring.local_cluster import LocalCluster
from kiban.wiring.tour import example_of
from kiban.wiring.up import Up

# Requests a second, one step after another; the machine must not be busy with the load alone.
RATES = (20.0, 40.0, 70.0, 100.0, 70.0, 40.0)
STEP_SECONDS = 20.0
SAMPLE_SECONDS = 5.0
# Connections and caches are warm after this; what came before is not measured.
WARM_UP_SECONDS = 10.0
# What is asked from outside: the service behind each kind of request, and its share.
SHOTS = (Shot("GET", "/?user=ada", 1), Shot("GET", "/stamp/ada", 2), Shot("POST", "/stamp/ada", 1))
ENTRIES: Mapping[str, float] = {"web": 0.25, "stamp": 0.75}
FIGURES = ("requests", "pods", "cpu", "memory", "latency", "p50", "p99")


@dataclass(slots=True)
class Sampler:
    """Reads the gateway's counters and the machine's processes, and keeps rates by service."""

    local: LocalCluster
    clock: Callable[[], Instant]
    times: list[float] = field(default_factory=list)
    rows: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    _counted: Mapping[str, PortStatistics] = field(default_factory=dict)
    _at: Instant | None = None
    _usage: UsageSource | None = None

    async def look(self, seconds: float, *, keep: bool) -> None:
        """Read once; what happened since the last time is kept under this time, or forgotten."""
        if self._usage is None:
            self._usage = UsageSource(lambda: self.local.runtime.leaders, self.clock)
        assert self.local.gateway is not None
        at, pods = self.clock(), await self._usage.read()
        counted = await self.local.gateway.statistics()
        before, since = self._counted, self._at
        self._counted, self._at = counted, at
        if since is None or not keep:
            return
        span = seconds_between(since, at)
        self.times.append(seconds)
        found = _requests(before, counted, span)
        for pod in self.local.cluster.store.list(POD):
            usage, service = pods.get(pod["metadata"]["uid"]), labels_of(pod).get(SERVICE_LABEL)
            if usage is not None and service:
                row = found.setdefault(service, {})
                row["pods"] = row.get("pods", 0.0) + 1
                for container in usage.containers.values():
                    row["cpu"] = row.get("cpu", 0.0) + container.cpu_nano / 1e9
                    row["memory"] = row.get("memory", 0.0) + container.memory_bytes
        for service, row in found.items():
            columns = self.rows.setdefault(service, {figure: [] for figure in FIGURES})
            for figure, column in columns.items():
                column += [nan] * (len(self.times) - 1 - len(column))
                column.append(row.get(figure, nan))

    def recordings(self) -> dict[str, Recording]:
        """What was measured of every service that was asked."""
        return {
            service: Recording(
                self.times,
                {name: [*column, *[nan] * (len(self.times) - len(column))]
                 for name, column in columns.items()},
            )
            for service, columns in sorted(self.rows.items())
            if any(value > 0 for value in columns["requests"])
        }  # fmt: skip


def calibration_of(out: Path, say: Callable[[str], None]) -> Callable[[Up], Awaitable[int]]:
    """The calibration as what `kiban up` does once all is ready."""

    async def then(up: Up) -> int:
        rates, recordings = await _recorded(up, say)
        case = Case(_files(up), up.drivers[0].scope.environment, ("day",))
        ready = prepared(case)
        found = calibrate(ready.assumptions.models, recordings, "the embedded cluster")
        say("the same load in the model …")
        calm = replace(case, measured=found.measured)
        answer = await asyncio.to_thread(modelled, calm, rates, _seconds())
        _write(out, found, recordings, answer)
        say(side_by_side(found, recordings, answer))
        say(f"The whole report: {out / 'calibration.html'}")
        return Exit.DONE

    return then


async def _recorded(
    up: Up, say: Callable[[str], None]
) -> tuple[Mapping[str, Arrivals], dict[str, Recording]]:
    """The load by entry service, and what was measured under it."""
    local = example_of(up)
    if local.gateway is None:
        raise KibanError(Problem("rehearsal/no-gateway", "there is no gateway to measure"))
    url = f"http://{local.gateway_address}"
    host = next(iter(up.drivers[0].status().addresses["web"])).partition("/")[0]
    sampler = Sampler(local, local.driver.clock)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for rate in RATES:
        say(f"{rate:g} requests a second")
        load = await LoadProcess.start(url, host=host, rate=rate, shots=SHOTS)
        try:
            await asyncio.sleep(WARM_UP_SECONDS if not sampler.times else SAMPLE_SECONDS / 2)
            await sampler.look(loop.time() - began, keep=False)
            end = loop.time() + STEP_SECONDS
            while loop.time() < end:
                await asyncio.sleep(SAMPLE_SECONDS)
                await sampler.look(loop.time() - began, keep=True)
        finally:
            with suppress(RuntimeError, ConnectionError):
                await load.stop()
    steps = [rate for rate in RATES for _ in range(round(STEP_SECONDS / SAMPLE_SECONDS))]
    rates: Mapping[str, Arrivals] = {
        service: (sampler.times, [rate * share for rate in steps[: len(sampler.times)]])
        for service, share in ENTRIES.items()
    }
    return rates, sampler.recordings()


def _seconds() -> float:
    return WARM_UP_SECONDS + len(RATES) * (STEP_SECONDS + SAMPLE_SECONDS)


def _files(up: Up) -> Mapping[str, str]:
    return read_directory(up.home.directory)


def _requests(
    before: Mapping[str, PortStatistics], after: Mapping[str, PortStatistics], seconds: float
) -> dict[str, dict[str, float]]:
    """Rates and times by service, in seconds."""
    found: dict[str, dict[str, float]] = {}
    for id_ in sorted(before.keys() & after.keys()):
        grown = growth(before[id_], after[id_])
        if not grown.requests:
            continue
        found[id_.split("/")[1]] = {
            "requests": grown.requests / seconds,
            "latency": mean_ms(grown.latency_buckets) / 1000,
            "p50": percentile_ms(grown.latency_buckets, 0.5) / 1000,
            "p99": percentile_ms(grown.latency_buckets, 0.99) / 1000,
        }
    return found


def _write(
    out: Path, found: Calibration, recordings: Mapping[str, Recording], answer: Modelled
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "calibration.html").write_text(calibration_page(found, recordings, answer))
    (out / "calibration.json").write_bytes(
        orjson.dumps(calibration_document(found, recordings, answer)) + b"\n"
    )
