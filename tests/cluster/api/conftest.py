"""A cluster that answers requests as values, with the service account that pods need."""

from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from kiban.cluster.api.calls import User
from kiban.cluster.api.values import Request, Response
from kiban.cluster.cluster import Cluster, assembled
from kiban.primitives.instants import Instant, later
from kiban.reconcile.commands import Create

NOW = Instant(1_800_000_000_000_000)
ADMIN = User("admin", ("system:masters",))


@dataclass
class Client:
    """Sends requests to a cluster, one second after the other."""

    cluster: Cluster
    now: Instant = NOW
    user: User = ADMIN

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        user: User | None = None,
    ) -> Response:
        self.now = later(self.now, 1)
        route, _, query = path.partition("?")
        pairs = [pair.partition("=") for pair in query.split("&") if pair]
        raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        request = Request(
            method,
            route,
            tuple((name, value) for name, _, value in pairs),
            {"accept": accept, "content-type": content_type, "user-agent": "test/1"},
            raw,
            user or self.user,
        )
        return self.cluster.handle(request, self.now)

    def json(self, *args: Any, **options: Any) -> Any:
        return orjson.loads(self(*args, **options).body)


@pytest.fixture
def api() -> Client:
    cluster = assembled(7, [])
    cluster.bootstrap(NOW)
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": "default"},
    }
    assert cluster.executor.execute("test", [Create(account)], NOW) == ()
    return Client(cluster)
