"""Forward actions of the AWS load balancer controller, as the embedded gateway reads them."""

import json
from typing import Any

import pytest

from kiban.cluster.networking.routes import Backend, routes_of
from kiban.kube.objects import INGRESS, Key, Manifest


class Only:
    """A snapshot with one Ingress."""

    def __init__(self, ingress: Manifest) -> None:
        self.ingress = ingress

    def list(self, kind: object, namespace: str = "") -> list[Manifest]:
        return [self.ingress] if kind == INGRESS else []

    def get(self, key: Key) -> Manifest | None:
        return None


def backends(action: str) -> tuple[Backend, ...]:
    backend = {"service": {"name": "web-8080", "port": {"name": "use-annotation"}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    notes = {"alb.ingress.kubernetes.io/actions.web-8080": action}
    ingress: dict[str, Any] = {
        "metadata": {"name": "web", "namespace": "shop", "annotations": notes},
        "spec": {"rules": [{"host": "shop.localhost", "http": {"paths": [path]}}]},
    }
    [route] = routes_of(Only(ingress))  # type: ignore[arg-type]
    return route.backends


def forward(*groups: tuple[str, int]) -> str:
    listed = [{"serviceName": name, "servicePort": "8080", "weight": w} for name, w in groups]
    return json.dumps({"type": "forward", "forwardConfig": {"targetGroups": listed}})


def test_a_route_is_shared_by_its_weights() -> None:
    found = backends(forward(("web", 90), ("web-canary", 10)))
    assert found == (Backend("shop/web/8080", 90), Backend("shop/web-canary/8080", 10))


def test_who_has_no_weight_gets_nothing() -> None:
    assert backends(forward(("web", 100), ("web-canary", 0))) == (Backend("shop/web/8080", 100),)


@pytest.mark.parametrize(
    "action", ["", "no json", "[]", '{"forwardConfig": {"targetGroups": [1]}}']
)
def test_an_action_that_makes_no_sense_leads_nowhere_and_stops_nobody(action: str) -> None:
    assert backends(action) == ()
