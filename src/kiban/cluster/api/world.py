"""What the API answers from: the registry and the few things that lie outside of it."""

from dataclasses import dataclass
from typing import Protocol

from kiban.cluster.api.registry import Registry
from kiban.cluster.store import Store
from kiban.cluster.usage import MetricsView
from kiban.kube.objects import Manifest


class Tokens(Protocol):
    """Signs service accounts' tokens, and reads what it has signed; the key lives with the
    adapter."""

    def sign(self, claims: Manifest) -> str: ...

    def read(self, token: str) -> Manifest | None:
        """The claims of a token; None when this key did not sign it."""
        ...


@dataclass
class World:
    """The parts of a cluster that requests reach."""

    registry: Registry
    tokens: Tokens | None = None
    metrics: MetricsView | None = None

    @property
    def store(self) -> Store:
        return self.registry.store
