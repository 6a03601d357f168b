"""What the API answers from: the registry and the few things that lie outside of it."""

from collections.abc import Callable
from dataclasses import dataclass

from kiban.cluster.api.registry import Registry
from kiban.cluster.store import Store
from kiban.kube.objects import Manifest

# Signs the claims of a service account token; the key lives with the adapter.
SignToken = Callable[[Manifest], str]


@dataclass
class World:
    """The parts of a cluster that requests reach."""

    registry: Registry
    sign_token: SignToken | None = None

    @property
    def store(self) -> Store:
        return self.registry.store
