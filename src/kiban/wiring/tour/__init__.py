"""The tour: what the platform does under load while it is released, drained, killed and broken.

It runs on the example, in the same process as the cluster it breaks, and reports what it measured.
The load comes from a process of its own, so that its clock does not stop when ours is busy.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from kiban.adapters.load import LoadProcess, Shot
from kiban.operations.tour import REQUESTS_PER_SECOND, Facts, Phase, TourReport, judge, lines_of
from kiban.primitives.problems import Exit, KibanError, Problem
from kiban.wiring.local_cluster import LocalCluster
from kiban.wiring.tour.changes import drain, release, scale_in, scale_web
from kiban.wiring.tour.failures import delete, freeze, kill
from kiban.wiring.tour.releases import promote, release_badly
from kiban.wiring.tour.stage import Stage
from kiban.wiring.up import Up

# A release goes from the first to the second by itself.
ENVIRONMENTS = ("dev", "stg")
PLANNED = ("steady", "release", "new version", "promotion", "taken back", "scale-in", "drain")
BAD = "bad release"
# What a release that fails answers with; anything else is a fault of ours.
BAD_ANSWER = "status 500"
# A page asks four backends; with more of them two shared cores would be busy with nothing else.
SHOTS = (Shot("GET", "/?user=ada", 1), Shot("GET", "/stamp/ada", 2), Shot("POST", "/stamp/ada", 1))
STEADY_SECONDS = 6.0
REQUEST_SECONDS = 2.0


def tour_of(out: Path, *, stay: bool) -> Callable[[Up], Awaitable[int]]:
    """The tour as what `kiban up` does once all is ready; with `stay` it goes on until Ctrl-C."""

    async def then(up: Up) -> int:
        report = await run_tour(up)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(orjson.dumps(report.as_data(), option=orjson.OPT_INDENT_2) + b"\n")
        for line in [*lines_of(report), f"wrote {out}"]:
            up.screen.say(line)
        if stay:
            up.screen.say("the platform stays up; Ctrl-C ends it")
            await up.stopping.wait()
        return Exit.DONE if report.held else Exit.PROBLEMS

    return then


async def run_tour(up: Up) -> TourReport:
    """All phases in order, and the verdict. Raises `KibanError` for what is not the example."""
    local = example_of(up, environments=len(ENVIRONMENTS))
    await scale_web(up, 3)
    await up.until_delivered()
    url = f"http://{local.gateway_address}"
    host = next(iter(up.drivers[0].status().addresses["web"])).partition("/")[0]
    timeout = aiohttp.ClientTimeout(REQUEST_SECONDS)
    async with aiohttp.ClientSession(headers={"Host": host}, timeout=timeout) as client:
        load = await LoadProcess.start(
            url, host=host, rate=REQUESTS_PER_SECOND, shots=SHOTS, phase="steady"
        )
        try:
            return await under_load(Stage(up, local, load, client, url))
        finally:
            with suppress(RuntimeError, ConnectionError):
                await load.stop()


async def under_load(stage: Stage) -> TourReport:
    """What is planned first, then what is not."""
    stage.say(f"{REQUESTS_PER_SECOND} requests a second against {stage.url}")
    await asyncio.sleep(STEADY_SECONDS)
    tag, serving = await release(stage)
    promoted = await promote(stage, tag)
    bad = await release_badly(stage)
    await scale_in(stage)
    await drain(stage)
    killed = await kill(stage)
    restored = await delete(stage)
    thawed = await freeze(stage)
    summary = await stage.load.stop()
    phases = summary["phases"]
    versions: dict[str, int] = phases["new version"]["versions"]
    facts = Facts(
        requests=summary["total"]["requests"],
        failed=summary["total"]["failed"],
        rate_per_second=summary["total"]["requests"] / max(summary["total"]["seconds"], 0.001),
        commit_to_serving_seconds=serving,
        kill_to_ready_seconds=killed,
        delete_to_restored_seconds=restored,
        thaw_to_whole_seconds=thawed,
        old_version_answers_after_release=sum(
            count for version, count in versions.items() if version != tag
        ),
        answered_while_backend_down=defaulted(phases["points down"]),
        gates_to_promoted_seconds=promoted,
        bad_release_to_rollback_seconds=bad.seconds,
        bad_release_promotions=bad.promotions,
        other_failures_of_bad_release=others(phases[BAD]["errors"]),
        bad_answers_after_rollback=bad_answers(phases, bad.tag),
    )
    return judge([phase_of(name, found) for name, found in phases.items()], facts)


def example_of(up: Up, *, environments: int = 1) -> LocalCluster:
    """The embedded cluster of the example, with so many of its environments. Raises `KibanError`
    for anybody's own platform."""
    if not up.platform.spec.example or up.local is None or len(up.drivers) < environments:
        raise KibanError(
            Problem(
                "tour/not-an-example",
                "the tour breaks things on purpose, so it runs on the example only",
                fix="kiban up examples/arcade --tour",
            ),
            Exit.REFUSED,
        )
    return up.local


def phase_of(name: str, found: dict[str, Any]) -> Phase:
    """One phase of the load's summary."""
    latency = found["latencyMs"]
    return Phase(
        name,
        planned=name in PLANNED,
        requests=found["requests"],
        failed=found["failed"],
        defaulted=defaulted(found),
        p50_ms=latency["p50"],
        p99_ms=latency["p99"],
        longest_ms=latency["max"],
        errors=found["errors"],
    )


def others(errors: Mapping[str, int]) -> int:
    """Failures that are not a bad release's own."""
    return sum(count for error, count in errors.items() if error != BAD_ANSWER)


def bad_answers(phases: Mapping[str, Any], tag: str) -> int | None:
    """How often the bad release answered once it was taken back; None when it never was."""
    clean = phases.get("taken back")
    return None if clean is None else int(clean["versions"].get(tag, 0))


def defaulted(found: dict[str, Any]) -> int:
    return sum(found["defaults"].values())
