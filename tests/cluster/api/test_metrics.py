"""`metrics.k8s.io` as metrics-server answers it."""

import pytest
from tests.cluster.api.conftest import NOW, Client

from kiban.cluster.cluster import assembled
from kiban.cluster.nodes import NodeGroup, node_manifests
from kiban.cluster.usage import ContainerUsage, Measurements, MetricsView, PodUsage
from kiban.kube.objects import POD, Key, Manifest, key_of
from kiban.primitives.instants import rfc3339
from kiban.reconcile.commands import Create, Patch

ROOT = "/apis/metrics.k8s.io/v1beta1"
AT = rfc3339(NOW)


def pod(name: str) -> Manifest:
    app = {"name": "app", "image": "a:1"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}},
        "spec": {"nodeName": "web-1", "containers": [app, {**app, "name": "side"}]},
    }


@pytest.fixture
def measured() -> Client:
    """A cluster with the pods a and b on one node, of which a was measured."""
    view = MetricsView()
    cluster = assembled(7, [], metrics=view)
    cluster.bootstrap(NOW)
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": "default"},
    }
    creates = [Create(made) for made in [*node_manifests([NodeGroup("web")]), account]]
    cluster.executor.execute("test", [*creates, Create(pod("a")), Create(pod("b"))], NOW)
    pods = {found["metadata"]["name"]: found for found in cluster.store.list(POD)}
    running = [
        Patch(key_of(found), {"status": {"phase": "Running"}}, "status") for found in pods.values()
    ]
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    running.append(Patch(Key("", "Node", "", "web-1"), {"status": ready}, "status"))
    assert cluster.executor.execute("test", running, NOW) == ()
    used = {"app": ContainerUsage(1_234_567, 3 << 20), "side": ContainerUsage(2_000_000, 1000)}
    usage = PodUsage(used, NOW, 15.014)
    view.latest = Measurements(NOW, 15.0, {pods["a"]["metadata"]["uid"]: usage})
    return Client(cluster)


POD_A = {
    "metadata": {
        "name": "a",
        "namespace": "default",
        "creationTimestamp": AT,
        "labels": {"app": "a"},
    },
    "timestamp": AT,
    "window": "15.014s",
    "containers": [
        {"name": "app", "usage": {"cpu": "1234567n", "memory": "3Mi"}},
        {"name": "side", "usage": {"cpu": "2m", "memory": "1000"}},
    ],
}


def test_measured_pods_are_listed_and_others_left_out(measured: Client) -> None:
    head = {"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}}
    assert measured.json("GET", f"{ROOT}/pods") == {**head, "items": [POD_A]}
    assert measured.json("GET", f"{ROOT}/namespaces/default/pods") == {**head, "items": [POD_A]}
    assert measured.json("GET", f"{ROOT}/namespaces/other/pods")["items"] == []


def test_pods_are_chosen_by_labels_and_fields(measured: Client) -> None:
    def names(query: str) -> list[str]:
        items = measured.json("GET", f"{ROOT}/namespaces/default/pods?{query}")["items"]
        return [item["metadata"]["name"] for item in items]

    assert names("labelSelector=app=a") == ["a"]
    assert names("labelSelector=app=b") == []
    assert names("fieldSelector=metadata.name=a") == ["a"]


def test_one_pod_is_read_by_name(measured: Client) -> None:
    head = {"kind": "PodMetrics", "apiVersion": "metrics.k8s.io/v1beta1"}
    assert measured.json("GET", f"{ROOT}/namespaces/default/pods/a") == {**head, **POD_A}
    missing = measured.json("GET", f"{ROOT}/namespaces/default/pods/b")
    assert missing["message"] == 'pods.metrics.k8s.io "b" not found'


def test_a_node_uses_what_its_pods_use(measured: Client) -> None:
    (node,) = measured.json("GET", f"{ROOT}/nodes")["items"]
    assert node["metadata"]["name"] == "web-1"
    assert node["usage"] == {"cpu": "3234567n", "memory": str((3 << 20) + 1000)}
    assert (node["timestamp"], node["window"]) == (AT, "15s")


def test_old_measurements_are_not_shown(measured: Client) -> None:
    for _ in range(61):
        measured("GET", "/version")
    assert measured.json("GET", f"{ROOT}/pods")["items"] == []


def test_metrics_can_only_be_read(measured: Client) -> None:
    assert measured("POST", f"{ROOT}/namespaces/default/pods", {}).status == 405
    assert measured("DELETE", f"{ROOT}/nodes/web-1").status == 405


def test_the_group_is_discovered_where_somebody_measures(measured: Client, api: Client) -> None:
    resources = measured.json("GET", ROOT)["resources"]
    assert [(entry["name"], entry["kind"], entry["verbs"]) for entry in resources] == [
        ("nodes", "NodeMetrics", ["get", "list"]),
        ("pods", "PodMetrics", ["get", "list"]),
    ]
    groups = [group["name"] for group in measured.json("GET", "/apis")["groups"]]
    assert "metrics.k8s.io" in groups
    assert measured("GET", "/openapi/v3/apis/metrics.k8s.io/v1beta1").status == 200
    assert api("GET", f"{ROOT}/pods").status == 404
    assert api("GET", ROOT).status == 404
