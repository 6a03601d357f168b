"""A client of registries: the tags of a repository, what a tag means, and when an image was made.

It logs in as registries ask for it (Docker's token flow, or a password), reads long lists page by
page, asks for what it knows only whether it has changed, and keeps within a budget of calls.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import aiohttp
import orjson

from kiban.adapters.registry.credentials import Credentials, credentials_of
from kiban.adapters.registry.references import Repository
from kiban.operations.budget import Budget
from kiban.primitives.instants import Instant, later, parse_rfc3339

REQUEST_SECONDS = 30.0
PAGE = 1_000
MOST_PAGES = 100
# What GitHub's API allows an account; others allow more.
CALLS_PER_HOUR = 5_000
USUAL_REST_SECONDS = 60.0
# Tokens that do not say how long they last (distribution specification).
TOKEN_SECONDS = 60.0
_MANIFESTS = ", ".join(
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
)
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_NEXT = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')


class RegistryFault(Exception):
    """Why a registry did not answer; `is_busy` when it, or our budget, wants us to wait."""

    def __init__(self, words: str, *, is_busy: bool = False) -> None:
        self.is_busy = is_busy
        super().__init__(words)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise RegistryFault(f"it did not answer in JSON: {error}") from error


@dataclass(slots=True)
class _Host:
    """What is known of one registry."""

    budget: Budget
    tokens: dict[str, tuple[str, Instant]] = field(default_factory=dict)
    pages: dict[str, tuple[str, _Answer]] = field(default_factory=dict)


class Registry:
    """Asks registries. Every method raises `RegistryFault`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        clock: Callable[[], Instant],
        *,
        calls_per_hour: float = CALLS_PER_HOUR,
    ) -> None:
        self._session, self._clock, self._calls_per_hour = session, clock, calls_per_hour
        self._hosts: dict[str, _Host] = {}
        self._credentials: dict[str, Credentials | None] = {}
        self._created: dict[str, Instant] = {}

    async def tags(self, repository: Repository) -> list[str]:
        """All tags of a repository, sorted."""
        found: list[str] = []
        path = f"/v2/{repository.name}/tags/list?n={PAGE}"
        for _ in range(MOST_PAGES):
            answer = await self._get(repository, path)
            found += answer.json().get("tags") or []
            following = _NEXT.search(answer.headers.get("Link", ""))
            if following is None:
                return sorted(set(found))
            path = urljoin(path, following[1])
        raise RegistryFault(f"{repository.name} has more tags than can be read")

    async def digest(self, repository: Repository, tag: str) -> str:
        """What a tag means now."""
        path = f"/v2/{repository.name}/manifests/{tag}"
        answer = await self._get(repository, path, accept=_MANIFESTS, method="HEAD")
        if digest := answer.headers.get("Docker-Content-Digest", ""):
            return digest
        raise RegistryFault(f"it does not say the digest of {repository.name}:{tag}")

    async def created(self, repository: Repository, tag: str) -> Instant | None:
        """When the image of a tag was made, as its configuration says."""
        digest = await self.digest(repository, tag)
        if digest not in self._created:
            manifest = await self._manifest(repository, digest)
            if "manifests" in manifest:
                manifest = await self._manifest(repository, manifest["manifests"][0]["digest"])
            path = f"/v2/{repository.name}/blobs/{manifest['config']['digest']}"
            config = (await self._get(repository, path)).json()
            try:
                self._created[digest] = parse_rfc3339(config["created"])
            except (KeyError, ValueError):
                return None
        return self._created[digest]

    async def _manifest(self, repository: Repository, reference: str) -> dict[str, Any]:
        path = f"/v2/{repository.name}/manifests/{reference}"
        found: dict[str, Any] = (await self._get(repository, path, accept=_MANIFESTS)).json()
        return found

    async def _get(
        self, repository: Repository, path: str, *, accept: str = "", method: str = "GET"
    ) -> _Answer:
        """A good answer; one that we have already when it has not changed."""
        host = self._host(repository)
        key = f"{method} {path}"
        headers = {"Accept": accept} if accept else {}
        etag, known = host.pages.get(key, ("", None))
        if etag:
            headers["If-None-Match"] = etag
        try:
            answer = await self._sent(repository, method, path, headers)
            if answer.status == 401:
                challenge = answer.headers.get("WWW-Authenticate", "")
                await self._log_in(repository, challenge)
                answer = await self._sent(repository, method, path, headers)
        except TimeoutError as error:
            raise RegistryFault(f"{repository.host} did not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            words = f"{repository.host} cannot be reached: {type(error).__name__} {error}"
            raise RegistryFault(words) from error
        if answer.status == 304 and known is not None:
            return known
        self._judge(repository, answer)
        if tag := answer.headers.get("Etag", ""):
            host.pages[key] = (tag, answer)
        return answer

    async def _sent(
        self, repository: Repository, method: str, path: str, headers: Mapping[str, str]
    ) -> _Answer:
        host, now = self._host(repository), self._clock()
        if not host.budget.take(now):
            raise RegistryFault(f"{repository.host} is not asked more often", is_busy=True)
        token, until = host.tokens.get(repository.name, ("", now))
        extra = {"Authorization": token} if token and now < until else {}
        async with self._session.request(
            method,
            repository.url + path,
            headers={**headers, **extra},
            timeout=aiohttp.ClientTimeout(REQUEST_SECONDS),
        ) as found:
            answer = _Answer(found.status, dict(found.headers), await found.read())
        self._learn(host, answer)
        return answer

    async def _log_in(self, repository: Repository, challenge: str) -> None:
        """Get what lets us in, as the registry's challenge says (RFC 6750, Docker's token flow)."""
        known = await self._known(repository.host)
        host, now = self._host(repository), self._clock()
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic" and known is not None:
            host.tokens[repository.name] = (known.basic, later(now, 3600.0))
            return
        said = dict(_PARAMETER.findall(rest))
        if scheme.lower() != "bearer" or "realm" not in said:
            return
        scope = said.get("scope") or f"repository:{repository.name}:pull"
        params = {"scope": scope, **({"service": said["service"]} if "service" in said else {})}
        headers = {"Authorization": known.basic} if known is not None else {}
        timeout = aiohttp.ClientTimeout(REQUEST_SECONDS)
        async with self._session.get(
            said["realm"], params=params, headers=headers, timeout=timeout
        ) as found:
            answer = _Answer(found.status, dict(found.headers), await found.read())
        if answer.status != 200:
            raise RegistryFault(f"{repository.host} does not let us in ({answer.status})")
        given = answer.json()
        token = given.get("token") or given.get("access_token") or ""
        seconds = float(given.get("expires_in") or TOKEN_SECONDS)
        host.tokens[repository.name] = (f"Bearer {token}", later(now, seconds * 0.9))

    async def _known(self, host: str) -> Credentials | None:
        if host not in self._credentials:
            self._credentials[host] = await asyncio.to_thread(credentials_of, host)
        return self._credentials[host]

    def _learn(self, host: _Host, answer: _Answer) -> None:
        """Believe what the registry says of its limits: GitHub's headers, or the IETF's draft."""
        now, headers = self._clock(), answer.headers
        remaining = headers.get("X-RateLimit-Remaining", "")
        reset = headers.get("X-RateLimit-Reset", "")
        if remaining.isdigit() and reset.isdigit():
            # An instant, as GitHub writes it, or seconds.
            seconds = float(reset) - now / 1e6 if float(reset) > 1e9 else float(reset)
            host.budget.learn(float(remaining), max(1.0, seconds), now)
        if answer.status == 429:
            wait = headers.get("Retry-After", "")
            host.budget.rest(float(wait) if wait.isdigit() else USUAL_REST_SECONDS, now)

    def _judge(self, repository: Repository, answer: _Answer) -> None:
        if answer.status == 200:
            return
        where = f"{repository.host}/{repository.name}"
        if answer.status == 429:
            raise RegistryFault(f"{repository.host} wants fewer questions", is_busy=True)
        reason = {401: "wants to know who asks", 403: "is not for us", 404: "is not there"}
        said = reason.get(answer.status, f"answered with {answer.status}")
        raise RegistryFault(f"{where} {said}")

    def _host(self, repository: Repository) -> _Host:
        if repository.host not in self._hosts:
            budget = Budget(self._calls_per_hour, self._clock())
            self._hosts[repository.host] = _Host(budget)
        return self._hosts[repository.host]
