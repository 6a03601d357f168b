"""Figures to scale by, from two readings of the gateway's counters."""

from kiban.adapters.gateway import PortStatistics
from kiban.adapters.gateway.loads import service_loads
from kiban.adapters.gateway.statistics import mean_ms, percentile_ms
from kiban.cluster.usage import ServiceLoad
from kiban.kube.objects import Manifest

SERVICES: list[Manifest] = [
    {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"selector": {"app": "web"}}},
    {"metadata": {"name": "idle", "namespace": "shop"}, "spec": {}},
]


def counted(
    requests: int, errors: int = 0, buckets: dict[float, int] | None = None
) -> PortStatistics:
    return PortStatistics(requests=requests, server_errors=errors, latency_buckets=buckets or {})


def test_the_ports_of_a_service_count_together() -> None:
    before = {"shop/web/80": counted(100), "shop/web/81": counted(0)}
    after = {
        "shop/web/80": counted(200, 5, {10.0: 90, 50.0: 100}),
        "shop/web/81": counted(50),
        "shop/idle/80": counted(7),
    }
    assert service_loads(SERVICES, before, after, 10.0) == (
        ServiceLoad(
            "shop",
            "web",
            {"app": "web"},
            {
                "http_requests_per_second": 15_000,
                "http_errors_per_second": 500,
                "http_request_duration_p50_seconds": 10,
                "http_request_duration_p95_seconds": 50,
                "http_request_duration_p99_seconds": 50,
            },
        ),
    )


def test_counters_that_began_anew_count_from_nothing() -> None:
    before = {"shop/web/80": counted(1000, 10, {10.0: 900})}
    after = {"shop/web/80": counted(30, 3, {10.0: 30})}
    (load,) = service_loads(SERVICES, before, after, 10.0)
    assert load.figures["http_requests_per_second"] == 3000
    assert load.figures["http_errors_per_second"] == 300
    assert load.figures["http_request_duration_p95_seconds"] == 10


def test_the_first_reading_says_nothing() -> None:
    assert service_loads(SERVICES, {}, {"shop/web/80": counted(5)}, 0.0) == ()


def test_times_within_a_bucket_are_taken_to_be_spread_evenly() -> None:
    buckets = {5.0: 0, 10.0: 80, 25.0: 100, 50.0: 100}

    assert percentile_ms(buckets, 0.4) == 7.5
    assert percentile_ms(buckets, 0.9) == 17.5
    assert mean_ms(buckets) == (80 * 7.5 + 20 * 17.5) / 100
    assert (percentile_ms({}, 0.5), mean_ms({})) == (0.0, 0.0)
