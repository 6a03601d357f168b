"""The cluster port over HTTPS: one keep-alive session of aiohttp, orjson both ways.

It speaks to EKS, to the embedded cluster and to any other API server alike. Kinds that the
built-in table does not know are discovered when they are first used.
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal

import aiohttp
import orjson

from kiban.adapters.kubernetes.config import Access, Credential
from kiban.kube.kinds import KindInfo, Kinds, standard_kinds
from kiban.kube.objects import GroupKind, Key, Manifest, key_of
from kiban.kube.ports import ApiError, Listing, WatchEvent
from kiban.primitives.instants import Instant
from kiban.primitives.problems import KibanError

# Connections for requests; more wait their turn, since each costs a TLS handshake and buys
# nothing from a server that works on a few at a time. Streams are not counted.
CONNECTIONS = 32
PAGE = 500
REQUEST_SECONDS = 60.0
# A watch that ends by itself; shorter than the 5 to 10 minutes after which servers end it.
WATCH_SECONDS = 290
LINE_LIMIT = 16 * 2**20

_Method = Literal["GET", "POST", "PATCH", "DELETE"]


class KubernetesCluster:
    """A `ClusterPort`. Use it as an async context manager, or `close` it."""

    def __init__(self, access: Access, *, connections: int = CONNECTIONS) -> None:
        self.access = access
        self._connections = connections
        self._kinds: Kinds = standard_kinds()
        self._credential = Credential(access)
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> "KubernetesCluster":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()

    # ClusterPort

    async def get(self, key: Key) -> Manifest | None:
        info = await self._info(key.group_kind)
        try:
            return await self._json("GET", info.path(key.namespace, key.name))
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    async def list(self, kind: GroupKind, *, namespace: str = "", labels: str = "") -> Listing:
        info = await self._info(kind)
        query = {"limit": str(PAGE)} | ({"labelSelector": labels} if labels else {})
        items: list[Manifest] = []
        while True:
            answer = await self._json("GET", info.path(namespace), query=query)
            head = {"apiVersion": info.api_version, "kind": info.kind}
            # Items of a typed list come without their kind.
            items += [{**head, **item} for item in answer.get("items") or []]
            metadata = answer["metadata"]
            if not metadata.get("continue"):
                # What is measured, like PodMetrics, has no versions.
                return Listing(items, metadata.get("resourceVersion", ""))
            query = {**query, "continue": metadata["continue"]}

    async def apply(
        self, manifest: Manifest, *, manager: str, force: bool = False, dry_run: bool = False
    ) -> Manifest:
        key = key_of(manifest)
        info = await self._info(key.group_kind, manifest["apiVersion"].rpartition("/")[2])
        query = {"fieldManager": manager, "force": "true" if force else "false"}
        query |= {"dryRun": "All"} if dry_run else {}
        path = info.path(key.namespace, key.name)
        return await self._json(
            "PATCH", path, query=query, body=manifest, type_="application/apply-patch+yaml"
        )

    async def create(self, manifest: Manifest) -> Manifest:
        group, _, version = manifest["apiVersion"].rpartition("/")
        info = await self._info(GroupKind(group, manifest["kind"]), version)
        path = info.path(manifest["metadata"].get("namespace", ""))
        return await self._json("POST", path, body=manifest)

    async def patch(self, key: Key, patch: Manifest, *, subresource: str = "") -> Manifest:
        info = await self._info(key.group_kind)
        path = info.path(key.namespace, key.name, subresource)
        return await self._json("PATCH", path, body=patch, type_="application/merge-patch+json")

    async def delete(
        self, key: Key, *, propagation: str = "Background", uid: str = ""
    ) -> Manifest | None:
        """Delete an object, with `uid` only if it is still that one."""
        info = await self._info(key.group_kind)
        body: Manifest = {"propagationPolicy": propagation}
        body |= {"preconditions": {"uid": uid}} if uid else {}
        try:
            return await self._json("DELETE", info.path(key.namespace, key.name), body=body)
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    async def watch(
        self, kind: GroupKind, *, resource_version: str, namespace: str = "", labels: str = ""
    ) -> AsyncIterator[WatchEvent]:
        info = await self._info(kind)
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(WATCH_SECONDS),
        } | ({"labelSelector": labels} if labels else {})
        timeout = aiohttp.ClientTimeout(total=None, sock_read=WATCH_SECONDS + 30)
        async for line in self._lines(info.path(namespace), query, timeout):
            event = orjson.loads(line)
            if event["type"] == "ERROR":
                raise _error(event["object"].get("code", 500), event["object"])
            yield WatchEvent(event["type"], event["object"])

    async def logs(
        self,
        pod: Key,
        *,
        container: str = "",
        follow: bool = False,
        tail: int | None = None,
        previous: bool = False,
    ) -> AsyncIterator[bytes]:
        """The log of a container, in pieces as they come."""
        info = await self._info(pod.group_kind)
        query = {"follow": "true"} if follow else {}
        query |= {"container": container} if container else {}
        query |= {"tailLines": str(tail)} if tail is not None else {}
        query |= {"previous": "true"} if previous else {}
        timeout = aiohttp.ClientTimeout(total=None if follow else REQUEST_SECONDS)
        path = info.path(pod.namespace, pod.name, "log")
        async with self._answer("GET", path, query=query, timeout=timeout) as response:
            await _check(response)
            async for piece in response.content.iter_any():
                yield piece

    async def version(self) -> Mapping[str, Any]:
        """What the server says about itself; also a cheap test that it can be reached."""
        return await self._json("GET", "/version")

    # Requests

    async def _json(
        self,
        method: _Method,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        type_: str = "application/json",
    ) -> Manifest:
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        data = orjson.dumps(body) if body is not None else None
        for last in (False, True):
            context = self._answer(
                method, path, query=query, timeout=timeout, data=data, type_=type_
            )
            async with context as response:
                if response.status == 401 and not last:
                    self._credential.forget()
                    continue
                await _check(response)
                found: Manifest = orjson.loads(await response.read())
                return found
        raise AssertionError("the second answer is final")

    async def _lines(
        self, path: str, query: Mapping[str, str], timeout: aiohttp.ClientTimeout
    ) -> AsyncIterator[bytes]:
        """The lines of an answer without an end."""
        async with self._answer("GET", path, query=query, timeout=timeout) as response:
            await _check(response)
            rest = b""
            try:
                async for piece in response.content.iter_any():
                    *lines, rest = (rest + piece).split(b"\n")
                    for line in lines:
                        if line:
                            yield line
            except (aiohttp.ClientPayloadError, TimeoutError):
                # The server went away in the middle: for a watch, that is one way to end.
                return

    def _answer(
        self,
        method: _Method,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        timeout: aiohttp.ClientTimeout,
        data: bytes | None = None,
        type_: str = "application/json",
    ) -> "_Answer":
        return _Answer(self, method, path, query or {}, timeout, data, type_)

    async def _headers(self, type_: str) -> dict[str, str]:
        headers = {"Accept": "application/json", "Content-Type": type_, "User-Agent": "kiban"}
        if token := await self._credential.token(Instant(time.time_ns() // 1000)):
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def _session(self, *, streams: bool) -> aiohttp.ClientSession:
        """The session for streams, which hold their connections, or that for requests."""
        if streams not in self._sessions:
            connector = aiohttp.TCPConnector(limit=0 if streams else self._connections)
            self._sessions[streams] = aiohttp.ClientSession(connector=connector)
        return self._sessions[streams]

    # Kinds

    async def _info(self, kind: GroupKind, version: str = "") -> KindInfo:
        found = self._kinds.of(kind, version) or self._kinds.of(kind)
        if found is None:
            self._kinds = self._kinds.including(await self._discover(kind.group))
            found = self._kinds.of(kind, version) or self._kinds.of(kind)
        if found is None:
            message = f"this cluster has no kind {kind}"
            raise ApiError(404, "NotFound", message, {"kind": kind.kind, "group": kind.group})
        return found

    async def _discover(self, group: str) -> Sequence[KindInfo]:
        """The kinds of a group in its preferred version."""
        if not group:
            return []
        try:
            about = await self._json("GET", f"/apis/{group}")
        except ApiError as error:
            if error.code == 404:
                return []
            raise
        version = about["preferredVersion"]["version"]
        listed = await self._json("GET", f"/apis/{group}/{version}")
        return [
            KindInfo(
                group=group,
                version=version,
                kind=entry["kind"],
                plural=entry["name"],
                singular=entry.get("singularName") or entry["kind"].lower(),
                namespaced=entry["namespaced"],
                verbs=tuple(entry["verbs"]),
            )
            for entry in listed["resources"]
            if "/" not in entry["name"]
        ]


class _Answer:
    """One request; faults of the network become `ApiError` with code 0."""

    def __init__(
        self,
        cluster: KubernetesCluster,
        method: _Method,
        path: str,
        query: Mapping[str, str],
        timeout: aiohttp.ClientTimeout,
        data: bytes | None,
        type_: str,
    ) -> None:
        self._cluster, self._method, self._path = cluster, method, path
        self._query, self._timeout, self._data, self._type = query, timeout, data, type_
        self._response: aiohttp.ClientResponse | None = None

    async def __aenter__(self) -> aiohttp.ClientResponse:
        access = self._cluster.access
        session = self._cluster._session(streams=self._timeout.total is None)
        try:
            self._response = await session.request(
                self._method,
                access.server + self._path,
                params=self._query,
                data=self._data,
                headers=await self._cluster._headers(self._type),
                timeout=self._timeout,
                ssl=access.tls if access.tls is not None else True,
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(access.server, error) from error
        except KibanError as error:
            # A plug-in without a credential is a cluster that cannot be entered for now.
            raise ApiError(0, "NoCredential", error.problems[0].what) from error
        return self._response

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._response is not None:
            self._response.release()
        if isinstance(error, aiohttp.ClientError | TimeoutError):
            raise unreachable(self._cluster.access.server, error) from error


def unreachable(server: str, error: BaseException) -> ApiError:
    """The answer of a server that gave none."""
    # aiohttp's own text names the objects it works with.
    cause = getattr(error, "os_error", error)
    text = getattr(cause, "strerror", None) or str(cause) or type(error).__name__
    return ApiError(0, "Unreachable", f"{server} cannot be reached: {text}")


async def _check(response: aiohttp.ClientResponse) -> None:
    if response.status >= 400:
        body = await response.read()
        try:
            status = orjson.loads(body)
        except orjson.JSONDecodeError:
            status = {"message": body.decode(errors="replace")[:500]}
        raise _error(response.status, status if isinstance(status, dict) else {})


def _error(code: int, status: Mapping[str, Any]) -> ApiError:
    reason = status.get("reason") or ""
    message = status.get("message") or f"the API server answered {code}"
    return ApiError(int(status.get("code") or code), reason, message, status.get("details") or {})
