"""`kiban rehearse --calibrate`: the example under real load on the embedded cluster, the model's
parameters fitted to it, and the model's answer to the same load beside what was measured."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import accumulate
from math import isfinite, nan
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
from kiban.rehearsal.calibration import Calibration, Evidence, calibrate
from kiban.rehearsal.modelling import Modelled, modelled
from kiban.rehearsal.recordings import Recording, written_csv
from kiban.rehearsal.report.calibrated import calibration_document, calibration_page, side_by_side
from kiban.rehearsal.running import Case, prepared
from kiban.spec import load_platform, read_directory
from kiban.wiring.local_cluster import LocalCluster
from kiban.wiring.places import find_platform
from kiban.wiring.tour import example_of
from kiban.wiring.up import Up

STEP_SECONDS = 20.0
SAMPLE_SECONDS = 10.0
# Connections and caches are warm after this; what came before is not measured.
WARM_UP_SECONDS = 10.0
PAUSE_SECONDS = 5.0
FIGURES = ("requests", "pods", "cpu", "memory", "latency", "p50", "p99")
# A percentile of fewer requests than this is that of chance.
LEAST_FOR = {"p50": 20, "p99": 100}


@dataclass(frozen=True, slots=True)
class Step:
    """Requests a second for a while, of which `pages` in eight are for a page of `web`, four
    collect a stamp, and the others look at one; each of them asks `stamp` once."""

    rate: float
    pages: int

    @property
    def shots(self) -> tuple[Shot, ...]:
        return (
            Shot("GET", "/?user=ada", self.pages),
            Shot("GET", "/stamp/ada", 4 - self.pages),
            Shot("POST", "/stamp/ada", 4),
        )


# The mix changes with the rate, or nobody could tell whose calls a backend gets. The machine must
# not be busy with the load alone.
STEPS = (Step(40, 2), Step(60, 3), Step(80, 1), Step(110, 2), Step(90, 3), Step(60, 1), Step(40, 3))


@dataclass(slots=True)
class Sampler:
    """Reads the gateway's counters and the machine's processes, and keeps rates by service. What
    else runs on the cluster, in other namespaces, does not count."""

    local: LocalCluster
    namespace: str
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
        found = measured_between(self.namespace, before, counted, span)
        for pod in self.local.cluster.store.list(POD, self.namespace):
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
        """What was measured of every service; that none came to one is known too."""
        return {
            service: Recording(
                self.times,
                {name: [*column, *[nan] * (len(self.times) - len(column))]
                 for name, column in columns.items()},
            )
            for service, columns in sorted(self.rows.items())
            if any(isfinite(value) for column in columns.values() for value in column)
        }  # fmt: skip


def check_example(start: Path) -> None:
    """Raises `KibanError` for anybody's own platform, before anything is brought up."""
    if not load_platform(read_directory(find_platform(start))).spec.example:
        what = "the calibration sends the example's requests, so it runs on the example only"
        fix = "cd examples/arcade; or record your own figures, and: kiban rehearse --measured FILE"
        raise KibanError(Problem("rehearsal/not-an-example", what, fix=fix), Exit.REFUSED)


def calibration_of(out: Path, say: Callable[[str], None]) -> Callable[[Up], Awaitable[int]]:
    """The calibration as what `kiban up` does once all is ready."""

    async def then(up: Up) -> int:
        outside, recordings = await _recorded(up, say)
        case = Case(_files(up), up.drivers[0].scope.environment, ("day",))
        evidence = Evidence(recordings, "the embedded cluster", outside, overrules=True)
        found = calibrate(prepared(case).assumptions, evidence)
        say("the same load in the model …")
        calm = replace(case, measured=found.measured)
        answer = await asyncio.to_thread(modelled, calm, outside)
        _write(out, found, recordings, answer)
        say(side_by_side(found, recordings, answer))
        say(f"The whole report: {out / 'calibration.html'}")
        return Exit.DONE

    return then


async def _recorded(
    up: Up, say: Callable[[str], None]
) -> tuple[Mapping[str, Sequence[float]], dict[str, Recording]]:
    """The load by entry service in each sample, and what was measured under it."""
    local = example_of(up)
    if local.gateway is None:
        raise KibanError(Problem("rehearsal/no-gateway", "there is no gateway to measure"))
    url = f"http://{local.gateway_address}"
    host = next(iter(up.drivers[0].status().addresses["web"])).partition("/")[0]
    sampler = Sampler(local, up.drivers[0].scope.namespace, local.driver.clock)
    loop = asyncio.get_running_loop()
    began = loop.time()
    sent: list[float] = []
    for step, left in zip(STEPS, _left(), strict=True):
        say(f"{step.rate:g} requests a second, {left:.0f} s to go")
        load = await LoadProcess.start(url, host=host, rate=step.rate, shots=step.shots)
        try:
            await asyncio.sleep(PAUSE_SECONDS if sampler.times else WARM_UP_SECONDS)
            await sampler.look(loop.time() - began, keep=False)
            end = loop.time() + STEP_SECONDS
            while loop.time() < end:
                await asyncio.sleep(SAMPLE_SECONDS)
                await sampler.look(loop.time() - began, keep=True)
                sent += [step.rate] * (len(sampler.times) - len(sent))
        finally:
            with suppress(RuntimeError, ConnectionError):
                await load.stop()
    recordings = sampler.recordings()
    return sent_to(sent, recordings), recordings


def sent_to(
    sent: Sequence[float], recordings: Mapping[str, Recording]
) -> dict[str, Sequence[float]]:
    """What was sent to each entry: to `web` what it got, for nobody else asks it, and to `stamp`
    the rest."""
    pages = [value if isfinite(value) else 0.0 for value in recordings["web"].figures["requests"]]
    stamps = [rate - page for rate, page in zip(sent, pages, strict=True)]
    return {"web": pages, "stamp": stamps}


def _left() -> list[float]:
    """The seconds that are left at the beginning of each step."""
    steps = [WARM_UP_SECONDS + STEP_SECONDS, *[PAUSE_SECONDS + STEP_SECONDS] * (len(STEPS) - 1)]
    return [_seconds() - before for before in (0.0, *accumulate(steps[:-1]))]


def _seconds() -> float:
    return WARM_UP_SECONDS + STEP_SECONDS * len(STEPS) + PAUSE_SECONDS * (len(STEPS) - 1)


def _files(up: Up) -> Mapping[str, str]:
    return read_directory(up.home.directory)


def measured_between(
    namespace: str,
    before: Mapping[str, PortStatistics],
    after: Mapping[str, PortStatistics],
    seconds: float,
) -> dict[str, dict[str, float]]:
    """Rates and times of a namespace's services, in seconds."""
    found: dict[str, dict[str, float]] = {}
    for id_ in sorted(before.keys() & after.keys()):
        where, service, _ = id_.split("/")
        if where != namespace:
            continue
        grown = growth(before[id_], after[id_])
        row = found.setdefault(service, {"requests": 0.0})
        if grown.requests:
            row["requests"] = grown.requests / seconds
            row["latency"] = mean_ms(grown.latency_buckets) / 1000
        for name, least in LEAST_FOR.items():
            if grown.requests >= least:
                share = int(name[1:]) / 100
                row[name] = percentile_ms(grown.latency_buckets, share) / 1000
    return found


def _write(
    out: Path, found: Calibration, recordings: Mapping[str, Recording], answer: Modelled
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "recorded.csv").write_text(written_csv(recordings))
    (out / "calibration.html").write_text(calibration_page(found, recordings, answer))
    (out / "calibration.json").write_bytes(
        orjson.dumps(calibration_document(found, recordings, answer)) + b"\n"
    )
