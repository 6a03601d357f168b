"""Where the API server may be reached from: this machine, unless one insists."""

import asyncio
import socket
import ssl
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from kiban.primitives.problems import KibanError
from kiban.wiring.listening import certified_addresses, checked_address
from kiban.wiring.local_cluster import start_cluster
from kiban.wiring.places import State

# Of the loopback's network, so that the test does not open this machine to others.
ANOTHER = "127.0.0.2"


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.7", "::"])
def test_other_addresses_need_to_be_asked_for_twice(address: str) -> None:
    with pytest.raises(KibanError, match="would let other machines reach"):
        checked_address(address, exposed=False)
    assert checked_address(address, exposed=True) == address


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "127.3.2.1"])
def test_the_loopback_is_where_it_listens_anyway(address: str) -> None:
    assert checked_address(address, exposed=False) == ""


def test_a_name_is_no_address() -> None:
    with pytest.raises(KibanError, match="is not an IP address"):
        checked_address("example.com", exposed=True)


def test_the_command_refuses_with_the_flag_that_is_missing(tmp_path: Path) -> None:
    command = ["kiban", "cluster", "start", "--listen", "0.0.0.0", "--state", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--expose" in done.stderr
    assert not any(tmp_path.iterdir())


def test_a_certificate_for_every_address_names_one_that_others_use() -> None:
    assert certified_addresses("192.0.2.7") == ("192.0.2.7",)
    assert all(address != "0.0.0.0" for address in certified_addresses("0.0.0.0"))


def test_it_listens_on_both_and_the_certificate_names_both(tmp_path: Path) -> None:
    async def story() -> None:
        cluster = await start_cluster(
            State(tmp_path), gateway_port=None, modelled=True, listen=ANOTHER
        )
        trust = ssl.create_default_context(cafile=str(cluster.identity.authority))
        port = cluster.server.rpartition(":")[2]
        try:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session:
                for address in ("127.0.0.1", ANOTHER):
                    async with session.get(f"https://{address}:{port}/version") as answer:
                        assert answer.status == 200
        finally:
            await cluster.stop()

    asyncio.run(story())


def test_without_being_told_it_is_on_the_loopback_only(tmp_path: Path) -> None:
    async def story() -> None:
        cluster = await start_cluster(State(tmp_path), gateway_port=None, modelled=True)
        port = int(cluster.server.rpartition(":")[2])
        try:
            with closing(socket.socket()) as other, pytest.raises(ConnectionRefusedError):
                other.connect((ANOTHER, port))
        finally:
            await cluster.stop()

    asyncio.run(story())
