"""Autoscalers of the embedded cluster are told what the platform's sources of figures know."""

import asyncio

from kiban.cluster.controllers.horizontal_pod_autoscaler.measured import MeasuredMetrics
from kiban.cluster.store import Store
from kiban.cluster.usage import MetricsView
from kiban.cluster.usage.measurements import STALE_SECONDS
from kiban.compiler import compile_environment
from kiban.operations.gates import Measured, Question
from kiban.primitives.chance import Chance
from kiban.primitives.instants import Instant, later, parse_rfc3339
from kiban.spec import load_platform
from kiban.wiring.tending.outside import Outside

NOW = parse_rfc3339("2026-11-21T12:00:00Z")
PLATFORM = """\
platform: shop
metrics: {main: {type: prometheus, url: 'http://prometheus.example:9090'}}
environments: {dev: {}}
"""
STAMP = """\
image: r/stamp:v1
port: 8080
health: /ready
scale:
  min: 1
  max: 9
  metrics:
    lag: {target: 5, labels: {topic: orders}, source: main, query: 'sum(lag{ns="$namespace"})'}
    depth: {target: 5, source: main}
"""


class Prometheus:
    """Knows one of the two figures."""

    def __init__(self) -> None:
        self.asked: list[Question] = []

    async def measure(self, question: Question) -> Measured:
        self.asked.append(question)
        return Measured(42.5) if question.query.startswith("sum") else Measured(None, fault="no")


def looked(said: str = STAMP) -> tuple[Prometheus, MetricsView]:
    files = {"platform.yaml": PLATFORM, "services/stamp.yaml": said}
    store = Store(Chance("outside"))
    for manifest in compile_environment(load_platform(files), "dev", local=True).manifests:
        store.put(manifest)
    figures, view = Prometheus(), MetricsView()
    asyncio.run(Outside(figures, store, view, lambda: NOW).look())
    return figures, view


def external(view: MetricsView, selector: dict[str, str], now: Instant = NOW) -> list[int]:
    metrics = MeasuredMetrics(view)
    return list(metrics.external("shop-dev", "lag", {"matchLabels": selector}, now))


def test_a_source_is_asked_and_the_autoscaler_is_told() -> None:
    figures, view = looked()
    assert {one.query for one in figures.asked} == {'sum(lag{ns="$namespace"})', "depth"}
    [lag] = [one for one in figures.asked if one.query != "depth"]
    assert lag.filled(lag.query) == 'sum(lag{ns="shop-dev"})'
    assert (lag.source, lag.subject.service, lag.subject.environment) == ("main", "stamp", "dev")
    assert external(view, {"topic": "orders"}) == [42_500]
    assert external(view, {"topic": "mails"}) == []


def test_what_is_not_known_or_old_is_not_told() -> None:
    _, view = looked()
    assert [one.metric for one in view.outside] == ["lag"]
    assert external(view, {}, later(NOW, STALE_SECONDS + 1)) == []


def test_nobody_is_asked_for_what_the_cluster_measures_itself() -> None:
    figures, view = looked("image: r/stamp:v1\nport: 8080\nscale: {min: 1, max: 9, requests: 5}\n")
    assert figures.asked == [] and view.outside == ()
