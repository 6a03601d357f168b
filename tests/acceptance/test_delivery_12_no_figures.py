"""12. The provider of metrics answers with nothing for the whole analysis: not promoted."""

from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from tests.wiring.tending.conftest import PLATFORM, Shop

from kiban.adapters.metrics import MetricSources, open_sources
from kiban.operations.gates import Measured, Question
from kiban.spec.gates import MetricSource

GATE = "errors: {source: prom, query: 'errors{service=\"$service\"}', atMost: 0.01, window: 60s}"
ANSWERS = {
    "nothing": {"status": "success", "data": {"resultType": "vector", "result": []}},
    "not a number": {
        "status": "success",
        "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "NaN"]}]},
    },
    "an error": {"status": "error", "errorType": "timeout", "error": "query timed out"},
}


class Prometheus:
    """A port that asks a real server, started for each question, which always says the same."""

    def __init__(self, answer: object) -> None:
        self.answer, self.asked = answer, 0

    async def measure(self, question: Question) -> Measured:
        async def handle(request: web.Request) -> web.Response:
            self.asked += 1
            return web.json_response(self.answer)

        app = web.Application()
        app.router.add_get("/api/v1/query", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            async with aiohttp.ClientSession() as session:
                source = MetricSource.model_validate({"type": "prometheus", "url": site.name})
                opened = open_sources({"prom": source}, session, {}, lambda: question.until)
                return await MetricSources(opened).measure(question)
        finally:
            await runner.cleanup()


def analysed(answer: object, folder: Path) -> Shop:
    """A new release in dev, ten minutes later."""
    line = next(line for line in PLATFORM.splitlines() if "errors:" in line)
    platform = PLATFORM.replace(line, f"      {GATE}")
    platform += "metrics: {prom: {type: prometheus, url: 'http://prometheus'}}\n"
    shop = Shop(folder, platform)
    prometheus = Prometheus(answer)
    shop.house.metrics = prometheus
    shop.deliver("dev")
    shop.deliver("stg")
    shop.release("v2")
    shop.deliver("dev")
    for _ in range(20):
        shop.wait(30)
        shop.turn()

    assert prometheus.asked > 0
    shop.journal.close()
    return shop


@pytest.mark.parametrize("said", sorted(ANSWERS))
def test_without_a_figure_for_the_whole_analysis_nothing_is_promoted(
    said: str, tmp_path: Path
) -> None:
    shop = analysed(ANSWERS[said], tmp_path / "shop")

    assert (shop.released("dev"), shop.released("stg")) == ("v2", "v1")
    assert shop.answers() == {"v2": "unknown"}


def test_with_a_figure_the_same_release_is_promoted(tmp_path: Path) -> None:
    figure = {"resultType": "scalar", "result": [1, "0.001"]}
    shop = analysed({"status": "success", "data": figure}, tmp_path / "shop")

    assert (shop.released("dev"), shop.released("stg")) == ("v2", "v2")
