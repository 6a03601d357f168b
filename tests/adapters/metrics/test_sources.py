"""Sources of figures, asked over real HTTP from servers that speak their APIs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
from aiohttp import web

from kiban.adapters.metrics import MetricSources, open_sources
from kiban.adapters.metrics.asking import Call
from kiban.adapters.metrics.signing import AwsKeys, Realm, signed
from kiban.operations.gates import Measured, Question, Subject
from kiban.primitives.instants import later, parse_rfc3339
from kiban.spec.gates import MetricSource

NOW = parse_rfc3339("2026-11-20T12:00:00Z")
SUBJECT = Subject("stamp", "stg", "arcade-stg")
ENVIRON = {
    "PROM_TOKEN": "t0ken", "DD_API_KEY": "api", "DD_APP_KEY": "app",
    "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret",
}  # fmt: skip
CLOUDWATCH = """<GetMetricDataResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/">
<GetMetricDataResult><MetricDataResults>%s</MetricDataResults></GetMetricDataResult>
</GetMetricDataResponse>"""
METRIC = """<member><Id>figure</Id><StatusCode>%s</StatusCode><Values>%s</Values></member>"""


@dataclass
class Server:
    """Answers every request with what it is told to, and keeps the requests."""

    answers: list[web.Response] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str], dict[str, str], str]] = field(
        default_factory=list
    )
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(
            (request.method, request.path, dict(request.query), dict(request.headers),
             await request.text())
        )  # fmt: skip
        return self.answers.pop(0)


@asynccontextmanager
async def serving(*answers: web.Response) -> AsyncIterator[Server]:
    server = Server(list(answers))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = site.name
    try:
        yield server
    finally:
        await runner.cleanup()


def question(query: str = "x", count: str = "") -> Question:
    return Question("one", SUBJECT, later(NOW, -300), NOW, query=query, count=count)


def asked(
    type_: str, *answers: web.Response, of: Question | None = None, times: int = 1
) -> tuple[list[Measured], Server]:
    """What a source says when a server answers so."""

    async def ask() -> tuple[list[Measured], Server]:
        async with serving(*answers) as server, aiohttp.ClientSession() as session:
            fields: dict[str, Any] = {"type": type_, "url": server.url, "region": "eu-west-1"}
            fields |= {"token": "PROM_TOKEN"} if type_ == "prometheus" else {}
            wanted = {"one": MetricSource.model_validate(fields)}
            sources = MetricSources(open_sources(wanted, session, ENVIRON, lambda: NOW))
            found = [await sources.measure(of or question()) for _ in range(times)]
            return found, server

    return asyncio.run(ask())


def vector(*values: str) -> web.Response:
    result = [{"metric": {}, "value": [1, value]} for value in values]
    return web.json_response(
        {"status": "success", "data": {"resultType": "vector", "result": result}}
    )


def series(*points: float | None) -> dict[str, Any]:
    return {"pointlist": [[index, point] for index, point in enumerate(points)]}


def test_prometheus_is_asked_at_the_end_of_the_span() -> None:
    of = question('rate(e{s="$service"}[${seconds}s])', "sum(increase(r[${seconds}s]))")
    (found,), server = asked("prometheus", vector("0.25"), vector("1200"), of=of)

    assert found == Measured(0.25, 1200.0)
    method, path, query, headers, _ = server.requests[0]
    assert (method, path) == ("GET", "/api/v1/query")
    assert query == {"query": 'rate(e{s="stamp"}[300s])', "time": f"{NOW / 1e6:.3f}"}
    assert headers["Authorization"] == "Bearer t0ken"


def test_what_prometheus_does_not_know_is_no_figure() -> None:
    several = vector("1", "2")
    refused = web.json_response({"status": "error", "error": "parse error"}, status=400)

    (empty,), _ = asked("prometheus", vector())
    (many,), _ = asked("prometheus", several)
    (bad,), _ = asked("prometheus", refused)
    (html,), _ = asked("prometheus", web.Response(text="<html>"))

    assert empty == Measured(None)
    assert "gave 2 series" in many.fault
    assert "answered with 400" in bad.fault and "parse error" in bad.fault
    assert "did not answer in JSON" in html.fault


def test_counts_that_are_missing_are_none_at_all() -> None:
    (found,), _ = asked("prometheus", vector("0"), vector(), of=question("e", "n"))

    assert found == Measured(0.0, 0.0)


def test_datadog_gives_the_mean_of_a_figure_and_the_sum_of_a_count() -> None:
    first = web.json_response({"status": "ok", "series": [series(1.0, None, 2.0)]})
    second = web.json_response({"status": "ok", "series": [series(10.0, 20.0)]})
    (found,), server = asked("datadog", first, second, of=question("avg:e{*}", "sum:n{*}"))

    assert found == Measured(1.5, 30.0)
    _, path, query, headers, _ = server.requests[0]
    assert path == "/api/v1/query"
    assert query["to"] == str(NOW // 1_000_000)
    assert int(query["to"]) - int(query["from"]) == 300
    assert (headers["DD-API-KEY"], headers["DD-APPLICATION-KEY"]) == ("api", "app")


def test_an_empty_answer_of_datadog_is_no_figure() -> None:
    (found,), _ = asked("datadog", web.json_response({"status": "ok", "series": []}))

    assert found == Measured(None)


def test_a_source_that_is_asked_too_often_is_left_alone() -> None:
    busy = web.Response(status=429, headers={"X-RateLimit-Reset": "30"})
    (first, second), server = asked("datadog", busy, times=2)

    assert "answered with 429" in first.fault
    assert "left alone" in second.fault
    assert len(server.requests) == 1


def test_cloudwatch_is_asked_with_a_signed_request() -> None:
    body = CLOUDWATCH % METRIC % ("Complete", "<member>2</member><member>4</member>")
    of = question("SELECT AVG(Latency) FROM \"Arcade\" WHERE Service = '$service'")
    (found,), server = asked("cloudwatch", web.Response(text=body), of=of)

    assert found == Measured(3.0)
    method, _, _, headers, text = server.requests[0]
    form = {name: value for name, (value,) in parse_qs(text).items()}
    assert method == "POST"
    assert form["Action"] == "GetMetricData"
    assert form["StartTime"] == "2026-11-20T11:55:00Z"
    assert form["MetricDataQueries.member.1.Expression"].endswith("Service = 'stamp'")
    assert "Credential=AKID/20261120/eu-west-1/monitoring/aws4_request" in headers["Authorization"]


def test_half_an_answer_of_cloudwatch_is_none() -> None:
    body = CLOUDWATCH % METRIC % ("PartialData", "<member>2</member>")
    (partial,), _ = asked("cloudwatch", web.Response(text=body))
    (empty,), _ = asked("cloudwatch", web.Response(text=CLOUDWATCH % ""))

    assert "gave PartialData" in partial.fault
    assert empty == Measured(None)


def test_a_signature_is_that_of_the_published_example() -> None:
    """The suite of AWS: `get-vanilla`."""
    keys = AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    at = parse_rfc3339("2015-08-30T12:36:00Z")

    found = signed(Call("https://example.amazonaws.com/"), keys, Realm("us-east-1", "service"), at)

    assert found.headers["Authorization"].endswith(
        "SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )


@pytest.mark.parametrize(
    ("type_", "environ", "words"),
    [
        ("datadog", {}, "DD_API_KEY and DD_APP_KEY must be set"),
        ("cloudwatch", ENVIRON, "set AWS_REGION"),
    ],
)
def test_a_source_without_credentials_says_what_it_needs(
    type_: str, environ: dict[str, str], words: str
) -> None:
    async def ask() -> Measured:
        async with aiohttp.ClientSession() as session:
            wanted = {"one": MetricSource.model_validate({"type": type_})}
            return await MetricSources(open_sources(wanted, session, environ, lambda: NOW)).measure(
                question()
            )

    assert words in asyncio.run(ask()).fault


def test_nobody_at_the_other_end_is_no_figure() -> None:
    async def ask() -> Measured:
        async with aiohttp.ClientSession() as session:
            fields = {"type": "prometheus", "url": "http://127.0.0.1:1"}
            wanted = {"one": MetricSource.model_validate(fields)}
            sources = MetricSources(open_sources(wanted, session, {}, lambda: NOW))
            return await sources.measure(question())

    assert "cannot be asked" in asyncio.run(ask()).fault
