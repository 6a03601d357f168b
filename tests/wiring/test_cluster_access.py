"""People let into a cluster, and what they did, through the command line."""

import asyncio
import base64
import json
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from click.testing import CliRunner, Result

from kiban.cli.cluster import cluster_command
from kiban.wiring.local_cluster import LocalCluster, start_cluster
from kiban.wiring.places import State

SECRETS = "/api/v1/namespaces/default/secrets"


def run(state: Path, *words: str) -> Result:
    return CliRunner().invoke(cluster_command, [*words, "--state", str(state)])


async def ask(cluster: LocalCluster, config: dict[str, Any], directory: Path) -> int:
    """Read the secrets with a kubeconfig's certificate; the code of the answer."""
    user = config["users"][0]["user"]
    names = ("client-certificate-data", "client-key-data")
    pem = directory / "user.pem"
    pem.write_bytes(b"".join(base64.b64decode(user[name]) for name in names))
    context = ssl.create_default_context(cafile=str(cluster.identity.authority))
    context.load_cert_chain(pem)
    connector = aiohttp.TCPConnector(ssl=context)
    server = config["clusters"][0]["cluster"]["server"]
    async with (
        aiohttp.ClientSession(server, connector=connector) as session,
        session.post(SECRETS, json={"metadata": {"name": "x"}}) as answer,
    ):
        return answer.status


def test_a_user_that_was_made_comes_in_and_is_seen_in_the_log(tmp_path: Path) -> None:
    async def story() -> None:
        cluster = await start_cluster(State(tmp_path), gateway_port=None, modelled=True)
        try:
            made = await asyncio.to_thread(run, tmp_path, "user", "ann", "--group", "devs")
            config = yaml.safe_load(made.output)
            assert await ask(cluster, config, tmp_path) == 403
            masters = ("user", "boss", "--group", "system:masters", "--valid", "1h")
            made = await asyncio.to_thread(run, tmp_path, *masters)
            assert await ask(cluster, yaml.safe_load(made.output), tmp_path) == 201
        finally:
            await cluster.stop()

    asyncio.run(story())
    lines = run(tmp_path, "audit").output.splitlines()
    assert [line.split()[1:5] for line in lines] == [
        ["ann", "create", "secrets", "default"],
        ["boss", "create", "secrets", "default/x"],
    ]
    first, second = map(json.loads, run(tmp_path, "audit", "--json").output.splitlines())
    assert first["user"]["groups"] == ["devs", "system:authenticated"]
    assert second["objectRef"]["name"] == "x"
    assert run(tmp_path, "audit", "--since", "1h").output.splitlines() == lines
    wrong = run(tmp_path, "audit", "--since", "soon")
    assert wrong.exit_code == 2
    assert "'soon' is not a span of time" in wrong.output


def test_a_user_of_no_cluster_cannot_be_made(tmp_path: Path) -> None:
    assert "there is no embedded cluster here" in str(run(tmp_path, "user", "ann").exception)
    assert run(tmp_path, "audit").output == ""
