"""Recordings are read from files and asked of a Prometheus over HTTP."""

import json
import math
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.rehearsal.scenarios.towns import files

from kiban.primitives.problems import KibanError
from kiban.rehearsal.running import Case, prepared, staged
from kiban.rehearsal.scenarios import play
from kiban.wiring.recorded import measured, replays

START, STEP, COUNT = 1_800_000_000, 15, 41


class Prometheus(BaseHTTPRequestHandler):
    """Answers range queries: `web` was asked more and more, `api` twice as often; each request
    took 8 ms of CPU."""

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        if place.path != "/api/v1/query_range":
            self.send_error(404)
            return
        query = parse_qs(place.query)["query"][0]
        rates = {"web": 1.0, "api": 2.0} if "by (service)" in query else {"": 1.0}
        result = [
            {"metric": {"service": name} if name else {}, "values": self._values(times)}
            for name, times in rates.items()
        ]
        body = json.dumps(
            {"status": "success", "data": {"resultType": "matrix", "result": result}}
        ).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def _values(self, times: float) -> list[list[object]]:
        return [
            [START + STEP * n, f"{times * (30 + 20 * math.sin(n / 5)):.6f}"] for n in range(COUNT)
        ]

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def prometheus() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Prometheus)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/api/v1/query_range?query="
    server.shutdown()
    thread.join()
    server.server_close()


def replaying(place: str) -> Case:
    traffic = f"traffic: {{replay: {{web: '{place}'}}}}"
    return Case(files(f"{{from: 12:00, duration: 10m, {traffic}}}"), "prod", ("played",))


@pytest.mark.parametrize("query", ["rate(http[1m])", "sum by (service)(rate(http[1m]))"])
def test_what_prometheus_answers_is_replayed(prometheus: str, query: str, tmp_path: Path) -> None:
    ready = prepared(replaying(prometheus + query))
    found = replays(ready, tmp_path)
    times, rates = found["web"]
    assert (times[0], times[-1]) == (0.0, STEP * (COUNT - 1))
    stage = staged(ready, 1, found)
    play(ready.scenario, stage)
    stage.world.run_for(ready.scenario.seconds)
    series = stage.world.series
    asked = dict(zip(series.times("requests"), series.values("requests", "web"), strict=True))
    for second in (150.0, 300.0, 450.0):
        assert asked[second] == pytest.approx(rates[int(second) // STEP], rel=0.1)


def test_who_is_not_there_gets_no_requests(tmp_path: Path) -> None:
    traffic = "traffic: {replay: {wbe: requests.csv}}"
    case = Case(files(f"{{from: 12:00, duration: 10m, {traffic}}}"), "prod", ("played",))
    with pytest.raises(KibanError, match="there is no service wbe"):
        replays(prepared(case), tmp_path)


def test_a_prometheus_that_is_not_there_is_told(tmp_path: Path) -> None:
    ready = prepared(replaying("http://127.0.0.1:9/api/v1/query_range?query=up"))
    with pytest.raises(KibanError, match="cannot be read"):
        replays(ready, tmp_path)


def test_requests_of_callers_and_called_tell_how_often_one_asks_the_other(
    prometheus: str, tmp_path: Path
) -> None:
    ready = prepared(Case(files(), "prod", ("played",)))
    found = measured(ready, prometheus + "sum by (service)(rate(http[1m]))", tmp_path)
    assert found["web"]["calls api"].value == pytest.approx(2.0, rel=0.05)
    assert found["web"]["calls api"].source.startswith(prometheus)
