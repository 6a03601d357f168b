"""The port through which any Kubernetes is read, written and watched.

Delivery and the command line know a cluster only through `ClusterPort`. The adapter behind it
speaks HTTPS to EKS, to the embedded cluster or to any other API server; tests use the same one.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from kiban.kube.objects import GroupKind, Key, Manifest


class ApiError(Exception):
    """The API server said no: its `Status`, as status code, reason and message."""

    def __init__(
        self, code: int, reason: str, message: str, details: Mapping[str, Any] | None = None
    ) -> None:
        self.code, self.reason, self.details = code, reason, dict(details or {})
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Listing:
    """Objects of one kind at one resourceVersion."""

    items: Sequence[Manifest]
    resource_version: str


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change: the object as it is now, or as it was before it was deleted."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: Manifest


class ClusterPort(Protocol):
    """One cluster. Every method raises `ApiError` for an answer of 400 or more, except where a
    missing object is an ordinary answer (`get` and `delete` give None)."""

    async def get(self, key: Key) -> Manifest | None: ...

    async def list(self, kind: GroupKind, *, namespace: str = "", labels: str = "") -> Listing: ...

    async def apply(
        self, manifest: Manifest, *, manager: str, force: bool = False, dry_run: bool = False
    ) -> Manifest: ...

    async def create(self, manifest: Manifest) -> Manifest: ...

    async def patch(self, key: Key, patch: Manifest, *, subresource: str = "") -> Manifest:
        """An RFC 7386 merge patch."""
        ...

    async def delete(
        self, key: Key, *, propagation: str = "Background", uid: str = ""
    ) -> Manifest | None:
        """With `uid`, only if it is still that object (otherwise 409)."""
        ...

    def watch(
        self, kind: GroupKind, *, resource_version: str, namespace: str = "", labels: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """Changes after a resourceVersion. Ends when the server ends it; raises `ApiError` with
        code 410 when the version is too old: list again."""
        ...

    def logs(
        self,
        pod: Key,
        *,
        container: str = "",
        follow: bool = False,
        tail: int | None = None,
        previous: bool = False,
    ) -> AsyncIterator[bytes]: ...
