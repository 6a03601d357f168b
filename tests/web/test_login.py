"""Login by OpenID Connect, against a provider that really runs."""

import asyncio
import base64
import hashlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from tests.web.test_server import Served, served

from kiban.adapters.oidc import OidcProvider, Pending
from kiban.primitives.problems import KibanError
from kiban.spec.access import Access
from kiban.wiring.dashboard.login import PlatformLogin

REDIRECT = "http://127.0.0.1:8090/api/oidc/return"
PATIENCE_SECONDS = 30.0


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    user = '{"sub": "ai", "email": "ai@example.com", "name": "Ai", "groups": ["red"]}'
    process = subprocess.Popen(
        (
            *(sys.executable, "-W", "ignore", "-m", "oidc_provider_mock"),
            *("--port", str(port), "--user-claims", user),
        ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not answers(port):
            assert process.poll() is None, "the provider did not start"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(autouse=True)
def client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIENT_SECRET", "secret")


def access(issuer: str, **people: list[str]) -> Access:
    login = {"issuer": issuer, "client": "kiban", "secret": "CLIENT_SECRET"}
    named = {name.replace("__", ":"): roles for name, roles in people.items()}
    roles = {"red": {"verbs": ["read", "release"], "environments": ["dev"]}}
    return Access.model_validate({"login": login, "people": named, "roles": roles})


async def consented(found: Served, begin: str) -> str:
    """The address to which the provider sends a browser back."""
    async with found.client.get(begin, allow_redirects=False) as answer:
        provider = answer.headers["Location"]
    async with found.client.post(provider, data={"sub": "ai"}, allow_redirects=False) as answer:
        return answer.headers["Location"]


async def consent(address: str, who: str = "ai") -> str:
    """What a person does at the provider; the code that it sends back."""
    async with (
        aiohttp.ClientSession() as browser,
        browser.post(address, data={"sub": who}, allow_redirects=False) as answer,
    ):
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        return query["code"][0]


def test_a_person_gets_the_roles_of_their_group(issuer: str) -> None:
    async def log_in() -> None:
        login = PlatformLogin(access(issuer, group__red=["red"]))
        address, begun = await login.begin(REDIRECT)
        assert f"state={begun.state}" in address
        person = await login.finish(begun, await consent(address))
        assert person is not None
        assert (person.name, person.email) == ("Ai", "ai@example.com")
        assert person.may("release", "dev")
        assert not person.may("release", "prod")

    asyncio.run(log_in())


def test_a_browser_comes_back_from_the_provider_as_a_person(issuer: str) -> None:
    async def work(found: Served) -> None:
        begin = f"{found.address}/api/oidc/begin"
        back = await consented(found, begin)
        async with aiohttp.ClientSession() as stranger, stranger.get(back) as answer:
            assert answer.status == 400, "only the browser that began may come back"
        back = await consented(found, begin)
        async with found.client.get(back, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "/")
        async with found.client.get(f"{found.address}/api/session") as answer:
            session = await answer.json()
        assert session["person"] == "Ai"
        assert session["may"] == {"dev": ["read", "release"], "stg": []}

    served(work, login=PlatformLogin(access(issuer, group__red=["red"])))


def test_whom_nobody_gave_a_role_does_not_come_in(issuer: str) -> None:
    async def log_in() -> None:
        login = PlatformLogin(access(issuer, group__blue=["red"]))
        address, begun = await login.begin(REDIRECT)
        assert await login.finish(begun, await consent(address)) is None

    asyncio.run(log_in())


def test_a_token_of_another_login_is_refused(issuer: str) -> None:
    async def log_in() -> None:
        provider = OidcProvider(issuer, "kiban", "secret", scopes=["openid"], groups="groups")
        address, begun = await provider.begin(REDIRECT)
        other = Pending(begun.state, "another nonce", begun.verifier, begun.redirect)
        code = await consent(address)
        with pytest.raises(KibanError, match="belongs to another login"):
            await provider.finish(other, code)

    asyncio.run(log_in())


def test_a_stolen_code_is_worth_nothing_without_what_only_we_know(issuer: str) -> None:
    async def log_in() -> None:
        provider = OidcProvider(issuer, "kiban", "secret", scopes=["openid"], groups="groups")
        address, begun = await provider.begin(REDIRECT)
        query = parse_qs(urlsplit(address).query)
        digest = base64.urlsafe_b64encode(hashlib.sha256(begun.verifier.encode()).digest())
        assert query["code_challenge"] == [digest.decode().rstrip("=")]
        assert query["code_challenge_method"] == ["S256"]
        assert begun.verifier not in address

    asyncio.run(log_in())


def test_a_provider_that_is_away_is_said_to_be() -> None:
    provider = OidcProvider("http://127.0.0.1:9", "kiban", "", scopes=["openid"], groups="g")
    with pytest.raises(KibanError, match="did not do its part"):
        asyncio.run(provider.begin(REDIRECT))
