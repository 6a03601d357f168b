"""A client of registries against a real one, and against servers that are harder to come by."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest
from aiohttp import web
from tests.adapters.registry.conftest import RealRegistry, run_registry

from kiban.adapters.delivery_driver import now
from kiban.adapters.registry import Registry, RegistryFault, Repository, repository_of
from kiban.primitives.instants import parse_rfc3339

Found = TypeVar("Found")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def asked(ask: Callable[[Registry], Awaitable[Found]], **options: float) -> Found:
    async def run() -> Found:
        async with aiohttp.ClientSession() as session:
            return await ask(Registry(session, now, **options))

    return asyncio.run(run())


@asynccontextmanager
async def serving(handle: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield site.name.removeprefix("http://")
    finally:
        await runner.cleanup()


def served(
    handle: Handler, ask: Callable[[Registry, str], Awaitable[Found]], **options: float
) -> Found:
    async def run() -> Found:
        async with serving(handle) as host, aiohttp.ClientSession() as session:
            return await ask(Registry(session, now, **options), host)

    return asyncio.run(run())


def test_a_real_registry_tells_tags_digests_and_when_images_were_made(
    registry: RealRegistry,
) -> None:
    registry.push("arcade/stamp", "v1", created="2026-01-01T00:00:00Z")
    digest = registry.push("arcade/stamp", "v2", created="2026-02-01T00:00:00Z")
    stamp = repository_of(f"{registry.address}/arcade/stamp")

    async def ask(client: Registry) -> tuple[list[str], str, object]:
        return (
            await client.tags(stamp),
            await client.digest(stamp, "v2"),
            await client.created(stamp, "v2"),
        )

    assert asked(ask) == (["v1", "v2"], digest, parse_rfc3339("2026-02-01T00:00:00Z"))


def test_what_a_real_registry_does_not_have_is_a_fault(registry: RealRegistry) -> None:
    nothing = repository_of(f"{registry.address}/arcade/nothing")

    with pytest.raises(RegistryFault, match=r"arcade/nothing is not there"):
        asked(lambda client: client.tags(nothing))


def test_a_real_registry_with_a_password_does_not_let_in_a_stranger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody's password; the file only has to be there.
    (tmp_path / "htpasswd").write_text(f"ada:$2b$04${'.' * 53}\n")
    more = f"auth: {{htpasswd: {{realm: arcade, path: {tmp_path / 'htpasswd'}}}}}"
    process, address = run_registry(tmp_path, more)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    try:
        with pytest.raises(RegistryFault, match=r"wants to know who asks"):
            asked(lambda client: client.tags(Repository(address, "arcade/stamp")))
    finally:
        process.terminate()
        process.wait()


def test_a_password_is_sent_to_a_registry_that_asks_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = "Basic " + base64.b64encode(b"ada:stamps").decode()

    async def handle(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != expected:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        return web.json_response({"tags": ["v1"]})

    async def ask(client: Registry, host: str) -> list[str]:
        auth = {"auth": base64.b64encode(b"ada:stamps").decode()}
        (tmp_path / "config.json").write_text(json.dumps({"auths": {host: auth}}))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        return await client.tags(Repository(host, "web"))

    assert served(handle, ask) == ["v1"]


def test_a_token_is_fetched_once_where_the_registry_says() -> None:
    seen: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append(request.path)
        if request.path == "/token":
            assert dict(request.query) == {"service": "reg", "scope": "repository:web:pull"}
            return web.json_response({"token": "t0ken", "expires_in": 300})
        if request.headers.get("Authorization") != "Bearer t0ken":
            realm = f'Bearer realm="http://{request.host}/token",service="reg"'
            return web.Response(status=401, headers={"WWW-Authenticate": realm})
        return web.json_response({"tags": ["v1"]})

    async def ask(client: Registry, host: str) -> list[str]:
        await client.tags(Repository(host, "web"))
        return await client.tags(Repository(host, "web"))

    assert served(handle, ask) == ["v1"]
    assert seen == ["/v2/web/tags/list", "/token", "/v2/web/tags/list", "/v2/web/tags/list"]


def test_long_lists_are_read_page_by_page() -> None:
    async def handle(request: web.Request) -> web.Response:
        if request.query.get("last") == "v2":
            return web.json_response({"tags": ["v3"]})
        link = '</v2/web/tags/list?last=v2&n=2>; rel="next"'
        return web.json_response({"tags": ["v1", "v2"]}, headers={"Link": link})

    assert served(handle, lambda client, host: client.tags(Repository(host, "web"))) == [
        "v1", "v2", "v3",
    ]  # fmt: skip


def test_what_has_not_changed_is_not_sent_again() -> None:
    answers: list[int] = []

    async def handle(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == '"one"':
            answers.append(304)
            return web.Response(status=304)
        answers.append(200)
        return web.json_response({"tags": ["v1"]}, headers={"Etag": '"one"'})

    async def ask(client: Registry, host: str) -> list[list[str]]:
        return [await client.tags(Repository(host, "web")) for _ in range(3)]

    assert served(handle, ask) == [["v1"]] * 3
    assert answers == [200, 304, 304]


def test_a_registry_that_has_had_enough_is_left_alone() -> None:
    asked_times = 0

    async def handle(request: web.Request) -> web.Response:
        nonlocal asked_times
        asked_times += 1
        return web.Response(status=429, headers={"Retry-After": "60"})

    async def ask(client: Registry, host: str) -> list[bool]:
        found = []
        for _ in range(5):
            with pytest.raises(RegistryFault) as raised:
                await client.tags(Repository(host, "web"))
            found.append(raised.value.is_busy)
        return found

    assert served(handle, ask) == [True] * 5
    assert asked_times == 1


@pytest.mark.parametrize(
    ("image", "host", "name", "url"),
    [
        ("registry.example/a/web:v1", "registry.example", "a/web", "https://registry.example"),
        ("localhost:5000/web", "localhost:5000", "web", "http://localhost:5000"),
        ("127.0.0.1:5000/a/web@sha256:x", "127.0.0.1:5000", "a/web", "http://127.0.0.1:5000"),
        ("nginx", "registry-1.docker.io", "library/nginx", "https://registry-1.docker.io"),
        (
            "bitnami/redis:7",
            "registry-1.docker.io",
            "bitnami/redis",
            "https://registry-1.docker.io",
        ),
        ("ghcr.io/x/y", "ghcr.io", "x/y", "https://ghcr.io"),
    ],
)
def test_an_image_says_where_its_registry_is(image: str, host: str, name: str, url: str) -> None:
    found = repository_of(image)

    assert (found.host, found.name, found.url) == (host, name, url)
