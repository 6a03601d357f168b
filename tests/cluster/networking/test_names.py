import pytest

from kiban.cluster.networking.names import resolve, rewrite
from kiban.kube.objects import Key, Manifest, key_of


class Objects:
    def __init__(self, *manifests: Manifest) -> None:
        self._manifests = {key_of(manifest): manifest for manifest in manifests}

    def get(self, key: Key) -> Manifest | None:
        return self._manifests.get(key)


def service(name: str, **spec: object) -> Manifest:
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


SHOP = Objects(
    service("points", clusterIP="127.16.241.7"),
    service("db", clusterIP="None"),
    service("mail", type="ExternalName", externalName="smtp.example.com"),
    service("score", type="ExternalName", externalName="points.shop.svc.cluster.local"),
    service("ouroboros", type="ExternalName", externalName="ouroboros.shop.svc"),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://points.shop.svc.cluster.local:8080/x", "http://127.16.241.7:8080/x"),
        ("http://points.shop.svc:8080/x", "http://127.16.241.7:8080/x"),
        ("http://points.shop.svc/x", "http://127.16.241.7/x"),
        ("http://points.shop.svc.cluster.local.:80", "http://127.16.241.7:80"),
        (
            "postgresql://app:p@points.shop.svc.cluster.local:5432/app",
            "postgresql://app:p@127.16.241.7:5432/app",
        ),
        ("points.shop.svc:1,points.shop.svc:2", "127.16.241.7:1,127.16.241.7:2"),
        ("mail.shop.svc:25", "smtp.example.com:25"),
        ("score.shop.svc:80", "127.16.241.7:80"),
    ],
)
def test_names_in_a_text_become_addresses(text: str, expected: str) -> None:
    assert rewrite(text, SHOP) == expected


@pytest.mark.parametrize(
    "text",
    [
        "nothing to see",
        "unknown.shop.svc:80",
        "points.other.svc:80",
        "db.shop.svc:5432",
        "pod-0.points.shop.svc:5432",
        "points.shop.svc.example.com",
        "points.shop.svcs",
        "ouroboros.shop.svc",
    ],
)
def test_names_that_lead_nowhere_are_left_alone(text: str) -> None:
    assert rewrite(text, SHOP) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://points.shop.svc/x", "http://127.16.241.7:20080/x"),
        ("https://points.shop.svc", "https://127.16.241.7:20443"),
        ("points.shop.svc:80", "127.16.241.7:20080"),
        ("points.shop.svc:8080", "127.16.241.7:8080"),
        ("points.shop.svc", "127.16.241.7"),
    ],
)
def test_without_root_low_ports_lead_to_where_the_gateway_listens(text: str, expected: str) -> None:
    assert rewrite(text, SHOP, lowest_port=1024) == expected


def test_a_name_resolves_to_the_cluster_address_and_the_same_port() -> None:
    assert resolve("points.shop.svc", 80, SHOP) == ("127.16.241.7", 80)
    assert resolve("localhost", 80, SHOP) is None
