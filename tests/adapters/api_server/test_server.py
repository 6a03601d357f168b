"""The API over real HTTPS: certificates, tokens, streams, and a restart."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from kiban.adapters.api_server.certificates import server_identity
from kiban.adapters.api_server.credentials import (
    Authenticator,
    kept_token,
    write_kubeconfig,
)
from kiban.adapters.api_server.driver import WallDriver
from kiban.adapters.api_server.server import ApiServer
from kiban.cluster.cluster import assembled

CONFIGS = "/api/v1/namespaces/default/configmaps"


@asynccontextmanager
async def served(state: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that trusts and is trusted by a server on the given state."""
    identity, token = server_identity(state), kept_token(state / "token")
    driver = WallDriver(assembled(1, []), journal=state / "store.db")
    await driver.start()
    server = ApiServer(driver, Authenticator(token))
    address = await server.start(identity=identity)
    trust = ssl.create_default_context(cafile=str(identity.authority))
    connector = aiohttp.TCPConnector(ssl=trust)
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(address, connector=connector, headers=headers) as session:
        yield session
    await server.stop()
    await driver.stop()


def config(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


def test_an_object_is_there_again_after_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(tmp_path) as session:
            created = await (await session.post(CONFIGS, json=config("a"))).json()
        async with served(tmp_path) as session:
            found = await (await session.get(f"{CONFIGS}/a")).json()
        assert found == created

    asyncio.run(story())


def test_a_watch_streams_what_others_write(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(tmp_path) as session:
            async with session.get(CONFIGS, params={"watch": "true"}) as watch:
                await session.post(CONFIGS, json=config("a"))
                await session.delete(f"{CONFIGS}/a")
                async with asyncio.timeout(10):
                    lines = [await watch.content.readline() for _ in range(2)]
            assert [json.loads(line)["type"] for line in lines] == ["ADDED", "DELETED"]

    asyncio.run(story())


def test_a_wrong_token_is_unauthorized_and_none_is_anonymous(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(tmp_path) as session:
            wrong = await session.get(CONFIGS, headers={"Authorization": "Bearer no"})
            none = await session.get(CONFIGS, headers={"Authorization": ""})
            assert (wrong.status, none.status) == (401, 403)

    asyncio.run(story())


def test_secrets_of_the_server_are_its_owner_s_only(tmp_path: Path) -> None:
    identity, token = server_identity(tmp_path), kept_token(tmp_path / "token")
    write_kubeconfig(tmp_path / "kubeconfig", "https://x", token, identity.authority)
    for name in ("server.key", "token", "kubeconfig"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    found = yaml.safe_load((tmp_path / "kubeconfig").read_text())
    assert found["users"][0]["user"]["token"] == token
    assert server_identity(tmp_path) == identity


def test_writes_of_many_clients_share_commits_and_all_arrive(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(tmp_path) as session:
            answers = await asyncio.gather(
                *(session.post(CONFIGS, json=config(f"c{number}")) for number in range(100))
            )
            assert {answer.status for answer in answers} == {201}
        async with served(tmp_path) as session:
            found = await (await session.get(CONFIGS)).json()
        assert len(found["items"]) == 100

    asyncio.run(story())
