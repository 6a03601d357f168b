"""Figures of a span from the gateway's growing counters."""

import asyncio

from kiban.adapters.gateway import PortStatistics
from kiban.adapters.metrics.gateway import GatewayFigures, Reading, thinned
from kiban.operations.gates import Measured, Question, Subject
from kiban.primitives.instants import Instant, later, seconds_between

NOW = Instant(1_800_000_000_000_000)
SUBJECT = Subject("stamp", "dev", "arcade-dev")


class World:
    """A gateway whose counters the test moves, and its clock."""

    def __init__(self) -> None:
        self.now = NOW
        self.ports: dict[str, PortStatistics] = {}
        self.figures = GatewayFigures(self.read, lambda: self.now)

    async def read(self) -> dict[str, PortStatistics]:
        return dict(self.ports)

    async def at(self, seconds: float, requests: int, errors: int = 0) -> None:
        self.now = later(NOW, seconds)
        self.ports["arcade-dev/stamp/80"] = PortStatistics(
            requests, errors, latency_buckets={10.0: requests // 2, 100.0: requests}
        )
        self.ports["arcade-dev/web/80"] = PortStatistics(9999, 9999)
        await self.figures.look()

    async def ask(self, indicator: str, since: float, until: float) -> Measured:
        span = later(NOW, since), later(NOW, until)
        return await self.figures.measure(Question("gateway", SUBJECT, *span, indicator))


def test_only_what_grew_in_the_span_counts() -> None:
    async def play() -> list[Measured]:
        world = World()
        await world.at(0, 1000, 500)
        await world.at(10, 1100, 500)
        await world.at(20, 1300, 520)
        return [
            await world.ask("errors", 0, 10),
            await world.ask("errors", 10, 20),
            await world.ask("requests", 10, 20),
            await world.ask("p99", 10, 20),
            await world.ask("errors", 12, 18),
        ]

    before, after, rate, slow, between = asyncio.run(play())

    assert before == Measured(0.0, 100)
    assert after == Measured(0.1, 200)
    assert rate == Measured(20.0, 200)
    assert slow.value is not None and 0.09 < slow.value <= 0.1
    # No reading lies within, and none is made up.
    assert between.value is None


def test_a_service_that_nobody_asked_has_no_figure() -> None:
    async def play() -> Measured:
        world = World()
        await world.at(0, 100)
        await world.at(10, 100)
        return await world.ask("errors", 0, 10)

    assert asyncio.run(play()) == Measured(None, 0)


def test_time_before_the_first_reading_is_not_known() -> None:
    async def play() -> Measured:
        world = World()
        await world.at(0, 100)
        await world.at(10, 200)
        return await world.ask("errors", -100, -50)

    assert "was not read then" in asyncio.run(play()).fault


def test_old_readings_are_kept_apart_and_very_old_ones_forgotten() -> None:
    readings: list[Reading] = []
    for index in range(5_000):
        readings = thinned([*readings, Reading(later(NOW, 2.0 * index), {})])

    ages = [seconds_between(one.at, readings[-1].at) for one in readings]
    assert max(ages) <= 7_200
    assert sum(age <= 120 for age in ages) == 61
    assert 400 < len(ages) < 600
