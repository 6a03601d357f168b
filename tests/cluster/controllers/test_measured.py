"""The autoscaler fed with measurements, on the virtual clock."""

from typing import Any

import pytest
from tests.cluster.kubelet.world import World, container, plain

from kiban.cluster.controllers.catalog import controllers
from kiban.cluster.controllers.horizontal_pod_autoscaler import MeasuredMetrics
from kiban.cluster.usage import ContainerUsage, Measurements, MetricsView, PodUsage, ServiceLoad
from kiban.cluster.usage.behind import with_pods
from kiban.kube.objects import POD, Key, Manifest, condition_of, get_in
from kiban.primitives.instants import Instant, later
from kiban.reconcile.commands import Create

MILLI_CORE = 1_000_000
NOW = Instant(1_800_000_000_000_000)
REQUESTS = "http_requests_per_second"
P95 = "http_request_duration_p95_seconds"


class Shop(World):
    """A Deployment `web` with an autoscaler, measured every 15 seconds."""

    def __init__(self, metric: dict[str, Any], *, largest: int = 8) -> None:
        self.view = MetricsView()
        super().__init__(controllers(metrics=MeasuredMetrics(self.view)), metrics=self.view)
        labels = {"app": "web"}
        app = container(resources={"requests": {"cpu": "100m"}})
        # Nobody publishes the certificate that a token is mounted with.
        pod = {"automountServiceAccountToken": False, "containers": [app]}
        template = {"metadata": {"labels": labels}, "spec": pod}
        spec = {"selector": {"matchLabels": labels}, "template": template}
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
        rule = {
            "scaleTargetRef": target,
            "minReplicas": 1,
            "maxReplicas": largest,
            "metrics": [metric],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
        }
        self.do(
            Create(plain("apps/v1", "Deployment", "web", spec=spec)),
            Create(plain("autoscaling/v2", "HorizontalPodAutoscaler", "web", spec=rule)),
        )
        self.run(20)

    @property
    def pods(self) -> list[Manifest]:
        return list(self.cluster.store.list(POD, "default"))

    @property
    def replicas(self) -> int:
        found = self.cluster.store.get(Key("apps", "Deployment", "default", "web"))
        return int(get_in(found, "spec", "replicas"))

    @property
    def autoscaler(self) -> Manifest:
        key = Key("autoscaling", "HorizontalPodAutoscaler", "default", "web")
        found = self.cluster.store.get(key)
        assert found is not None
        return found

    def measure(self, *, milli_cores: int = 0, requests: float | None = None) -> None:
        """All pods together use so much; the service is asked so often. Then a period passes."""
        pods = self.pods
        used = ContainerUsage(milli_cores * MILLI_CORE // len(pods), 64 << 20)
        usages = {pod["metadata"]["uid"]: PodUsage({"app": used}, self.now, 15.0) for pod in pods}
        loads = [] if requests is None else [load("web", {REQUESTS: round(requests * 1000)})]
        self.view.latest = Measurements(self.now, 15.0, usages, loads)
        self.run(15)


def load(name: str, figures: dict[str, int]) -> ServiceLoad:
    return ServiceLoad("default", name, {"app": name}, figures)


def by_cpu(percent: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def by_requests(per_second: str) -> dict[str, Any]:
    target = {"type": "AverageValue", "averageValue": per_second}
    return {"type": "Pods", "pods": {"metric": {"name": REQUESTS}, "target": target}}


def test_measured_cpu_sizes_a_deployment_up_and_down_again() -> None:
    shop = Shop(by_cpu(70))
    shop.measure(milli_cores=280)
    assert shop.replicas == 4
    for _ in range(3):
        shop.measure(milli_cores=280)
    assert shop.replicas == 4
    shop.measure(milli_cores=60)
    assert shop.replicas == 1
    current = shop.autoscaler["status"]["currentMetrics"][0]["resource"]["current"]
    assert current["averageUtilization"] > 0


def test_requests_size_a_deployment_as_the_compiler_asks_for() -> None:
    shop = Shop(by_requests("10"))
    shop.measure(requests=35)
    assert shop.replicas == 4
    for _ in range(3):
        shop.measure(requests=35)
    assert shop.replicas == 4
    shop.measure(requests=0)
    assert shop.replicas == 1


def test_measuring_that_stopped_changes_nothing_and_is_told() -> None:
    shop = Shop(by_cpu(70))
    shop.measure(milli_cores=280)
    shop.run(120)
    assert shop.replicas == 4
    condition = condition_of(shop.autoscaler, "ScalingActive")
    assert condition is not None
    assert (condition["status"], condition["reason"]) == ("False", "FailedGetResourceMetric")


def running(name: str, **labels: str) -> Manifest:
    metadata = {"name": name, "namespace": "default", "uid": name, "labels": labels}
    return {"metadata": metadata, "status": {"phase": "Running"}}


@pytest.fixture
def metrics() -> MeasuredMetrics:
    loads = [load("web", {REQUESTS: 10_001, P95: 250}), load("api", {REQUESTS: 500, P95: 100})]
    return MeasuredMetrics(MetricsView(Measurements(NOW, 15.0, {}, loads)))


def test_a_rate_is_shared_by_the_pods_behind_the_service(metrics: MeasuredMetrics) -> None:
    pods = [running("a", app="web"), running("b", app="web"), running("c", app="other")]
    found = metrics.custom(REQUESTS, pods, NOW)
    assert {name: sample.total for name, sample in found.items()} == {"a": 5001, "b": 5000}


def test_a_duration_is_that_of_every_pod(metrics: MeasuredMetrics) -> None:
    pods = [running("a", app="web"), running("b", app="web")]
    found = metrics.custom(P95, pods, NOW)
    assert {name: sample.total for name, sample in found.items()} == {"a": 250, "b": 250}


def test_a_service_is_described_by_its_figures(metrics: MeasuredMetrics) -> None:
    assert metrics.described("default", "Service", "api", P95, NOW) == 100
    assert metrics.described("default", "Ingress", "api", P95, NOW) is None
    assert metrics.described("other", "Service", "api", P95, NOW) is None


def test_figures_from_outside_are_chosen_by_the_label_service(metrics: MeasuredMetrics) -> None:
    assert list(metrics.external("default", REQUESTS, None, NOW)) == [10_001, 500]
    chosen = {"matchLabels": {"service": "api"}}
    assert list(metrics.external("default", REQUESTS, chosen, NOW)) == [500]


def test_old_figures_are_no_figures(metrics: MeasuredMetrics) -> None:
    assert metrics.described("default", "Service", "api", P95, later(NOW, 61)) is None


def test_an_autoscaler_of_some_of_the_pods_has_their_share_of_the_requests() -> None:
    pods = [running(name, app="web") for name in ("a", "b", "c", "d")]
    [counted] = with_pods([load("web", {REQUESTS: 8000})], [*pods, running("x", app="api")])
    assert counted.pods == 4
    metrics = MeasuredMetrics(MetricsView(Measurements(NOW, 15.0, {}, [counted])))
    found = metrics.custom(REQUESTS, pods[:2], NOW)
    assert {name: one.total for name, one in found.items()} == {"a": 2000, "b": 2000}
