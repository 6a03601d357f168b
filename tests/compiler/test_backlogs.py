"""Scaling by latency and by queues, with and without KEDA; GPUs."""

from typing import Any

import pytest

from kiban.cluster.usage.measurements import DURATIONS, REQUESTS
from kiban.compiler import compile_environment
from kiban.compiler.writers.scaling import LATENCY_METRIC, REQUESTS_METRIC
from kiban.kube.objects import Manifest
from kiban.primitives.problems import KibanError
from kiban.spec import load_platform

STAMP = "image: r/stamp:v1\nport: 8080\nhealth: /ready\nuses: {orders: {type: queue}}\n"


def compiled(said: str, *, keda: bool = False, local: bool = False) -> dict[str, Manifest]:
    files = {
        "platform.yaml": f"""\
platform: shop
clusters: {{main: {{keda: {str(keda).lower()}}}}}
environments: {{prod: {{cluster: main}}}}
""",
        "services/stamp.yaml": STAMP + said,
    }
    bundle = compile_environment(load_platform(files), "prod", local=local)
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in bundle.manifests}


def metrics(found: dict[str, Manifest]) -> list[Any]:
    listed: list[Any] = found["HorizontalPodAutoscaler/stamp"]["spec"]["metrics"]
    return listed


@pytest.mark.parametrize("local", [False, True])
def test_latency_is_asked_for_as_the_embedded_cluster_measures_it(*, local: bool) -> None:
    [found] = metrics(compiled("scale: {min: 2, max: 9, latency: 300ms}\n", local=local))
    assert found["pods"]["metric"]["name"] == LATENCY_METRIC
    assert found["pods"]["target"]["averageValue"] == "300m"
    assert LATENCY_METRIC in DURATIONS and REQUESTS_METRIC == REQUESTS


@pytest.mark.parametrize(
    ("queue", "wanted"),
    [("30", "30"), ("{messages: 30}", "30"), ("{delay: 1m, work: 200ms}", "300"),
     ("{delay: 1s, work: 1m}", "1")],
)  # fmt: skip
def test_a_queue_may_be_so_long_or_make_wait_so_long(queue: str, wanted: str) -> None:
    said = f"scale: {{min: 2, max: 9, queues: {{orders: {queue}}}}}\n"
    [found] = metrics(compiled(said))
    assert found["external"]["target"]["averageValue"] == wanted
    assert found["external"]["metric"]["selector"] == {"matchLabels": {"queue": "stamp-orders"}}
    scaled = compiled(said, keda=True)["ScaledObject/stamp"]["spec"]["triggers"]
    assert scaled[0]["metadata"]["queueLength"] == wanted


@pytest.mark.parametrize("queue", ["{delay: 1m}", "{messages: 3, delay: 1m, work: 1s}", "{}"])
def test_a_queue_says_one_of_both(queue: str) -> None:
    with pytest.raises(KibanError, match=r"stamp\.yaml:5:\d+: .*needs `messages`, or"):
        compiled(f"scale: {{min: 2, max: 9, queues: {{orders: {queue}}}}}\n")


def test_scaling_out_may_wait() -> None:
    found = compiled("scale: {min: 2, max: 9, hold: 1m}\n")["HorizontalPodAutoscaler/stamp"]
    assert found["spec"]["behavior"]["scaleUp"] == {"stabilizationWindowSeconds": 60}


def test_a_gpu_is_whole_and_on_nodes_that_are_kept_for_them() -> None:
    found = compiled("resources: {gpu: 2}\ntolerations: {team: a}\n")["Deployment/stamp"]
    pod = found["spec"]["template"]["spec"]
    asked = pod["containers"][0]["resources"]
    assert asked["limits"]["nvidia.com/gpu"] == asked["requests"]["nvidia.com/gpu"] == "2"
    assert {"key": "nvidia.com/gpu", "operator": "Exists"} in pod["tolerations"]
    assert len(pod["tolerations"]) == 2


NAMED = """\
platform: shop
metrics: {main: {type: prometheus, url: 'http://prometheus.example:9090'}}
clusters: {main: {keda: %s}}
environments: {prod: {cluster: main}}
"""


@pytest.mark.parametrize("keda", ["true", "false"])
def test_a_source_of_the_platform_is_said_once(keda: str) -> None:
    said = "scale: {min: 2, max: 9, metrics: {lag: {target: 5, source: main, query: sum(lag)}}}\n"
    files = {"platform.yaml": NAMED % keda, "services/stamp.yaml": STAMP + said}
    bundle = compile_environment(load_platform(files), "prod")
    found = {one["kind"]: one.get("spec", {}) for one in bundle.manifests}
    if keda == "true":
        [trigger] = found["ScaledObject"]["triggers"]
        assert trigger["type"] == "prometheus"
        assert trigger["metadata"]["serverAddress"] == "http://prometheus.example:9090"
    else:
        [metric] = found["HorizontalPodAutoscaler"]["metrics"]
        assert metric["external"]["metric"]["name"] == "lag"


def test_a_source_that_is_none_is_told_with_its_place() -> None:
    said = "scale: {min: 2, max: 9, metrics: {lag: {target: 5, source: mian}}}\n"
    files = {"platform.yaml": NAMED % "true", "services/stamp.yaml": STAMP + said}
    with pytest.raises(KibanError, match=r"stamp\.yaml:5:60: .*did you mean 'main'"):
        load_platform(files)


DATADOG = """\
platform: shop
clusters: {main: {keda: %s, adapters: {datadog: true}}}
environments: {prod: {cluster: main}}
"""
LAG = "{target: 5, source: datadog, query: 'avg:kafka.lag{topic:orders}'}"


def test_the_agent_of_datadog_answers_where_keda_does_not() -> None:
    said = f"scale: {{min: 2, max: 9, metrics: {{Kafka_Lag: {LAG}}}}}\n"
    files = {"platform.yaml": DATADOG % "false", "services/stamp.yaml": STAMP + said}
    bundle = compile_environment(load_platform(files), "prod")
    found = {one["kind"]: one for one in bundle.manifests}
    asked = found["DatadogMetric"]
    assert asked["spec"]["query"] == "avg:kafka.lag{topic:orders}"
    [metric] = found["HorizontalPodAutoscaler"]["spec"]["metrics"]
    wanted = f"datadogmetric@shop-prod:{asked['metadata']['name']}"
    assert (
        metric["external"]["metric"]["name"] == wanted == "datadogmetric@shop-prod:stamp-kafka-lag"
    )


def test_keda_asks_datadog_where_it_runs() -> None:
    said = f"scale: {{min: 2, max: 9, metrics: {{lag: {LAG}}}}}\n"
    files = {"platform.yaml": DATADOG % "true", "services/stamp.yaml": STAMP + said}
    kinds = {one["kind"] for one in compile_environment(load_platform(files), "prod").manifests}
    assert "ScaledObject" in kinds and "DatadogMetric" not in kinds


def test_a_source_that_nobody_asks_is_told() -> None:
    said = "scale: {min: 2, max: 9, metrics: {lag: {target: 5, source: cloudwatch, query: x}}}\n"
    files = {"platform.yaml": DATADOG % "false", "services/stamp.yaml": STAMP + said}
    with pytest.raises(KibanError, match=r"stamp\.yaml:5:1: .*has no KEDA"):
        load_platform(files)
