"""Clients that show certificates, over real TLS: known by name and groups, or told why not."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kiban.adapters.api_server.authority import Authority
from kiban.adapters.api_server.certificates import ServerIdentity, server_identity
from kiban.adapters.api_server.credentials import Authenticator, user_of_certificate
from kiban.adapters.api_server.driver import WallDriver, wall_clock
from kiban.adapters.api_server.server import ApiServer
from kiban.cluster.certificates import Subject
from kiban.cluster.cluster import assembled
from kiban.primitives.instants import Instant, later

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
ANN = Subject("ann", ("devs", "ops"))
HOUR = 3600


@asynccontextmanager
async def served(identity: ServerIdentity) -> AsyncIterator[str]:
    driver = WallDriver(assembled(1, []))
    await driver.start()
    server = ApiServer(driver, Authenticator("token"))
    yield await server.start(identity=identity)
    await server.stop()
    await driver.stop()


def trusting(identity: ServerIdentity) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(identity.authority))


def showing(
    identity: ServerIdentity, signer: ServerIdentity, directory: Path, *, age: float = 0
) -> ssl.SSLContext:
    """A client's side of TLS with a certificate for an hour, made so many seconds ago."""
    issued = Authority(signer).issue(ANN, HOUR, later(wall_clock(), -age))
    pem = directory / "client.pem"
    pem.write_bytes(issued.certificate + issued.key)
    context = trusting(identity)
    context.load_cert_chain(pem)
    return context


async def who(address: str, context: ssl.SSLContext, **headers: str) -> Any:
    async with (
        aiohttp.ClientSession(address, connector=aiohttp.TCPConnector(ssl=context)) as session,
        session.post(WHO, json=REVIEW, headers=headers) as answer,
    ):
        assert answer.status == 201, await answer.text()
        return (await answer.json())["status"]["userInfo"]


def test_a_certificate_names_the_user_and_its_groups(tmp_path: Path) -> None:
    async def story() -> None:
        identity = server_identity(tmp_path / "pki")
        async with served(identity) as address:
            found = await who(address, showing(identity, identity, tmp_path))
            assert found == {"username": "ann", "groups": ["devs", "ops", "system:authenticated"]}
            token = {"Authorization": "Bearer token"}
            assert (await who(address, trusting(identity), **token))["username"] != "ann"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("foreign", "age", "said"),
    [(True, 0, "UNKNOWN_CA|unknown ca"), (False, 2 * HOUR, "EXPIRED|expired")],
)
def test_a_foreign_or_expired_certificate_is_told_to_be_one(
    tmp_path: Path, foreign: bool, age: float, said: str
) -> None:
    async def story() -> None:
        identity = server_identity(tmp_path / "pki")
        signer = server_identity(tmp_path / "other") if foreign else identity
        async with served(identity) as address:
            context = showing(identity, signer, tmp_path, age=age)
            port = int(address.rpartition(":")[2])
            with pytest.raises(ssl.SSLError, match=said):
                reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
                writer.write(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
                await asyncio.wait_for(reader.read(), 10)
            assert await who(address, showing(identity, identity, tmp_path))

    asyncio.run(story())


def test_a_certificate_that_expires_on_an_open_connection_is_worth_nothing() -> None:
    end = "Nov 21 12:00:00 2030 GMT"
    certificate = {"notAfter": end, "subject": ((("commonName", "ann"),),)}
    at = Instant(int(ssl.cert_time_to_seconds(end)) * 1_000_000)
    assert user_of_certificate(certificate, at) is not None
    assert user_of_certificate(certificate, later(at, 1)) is None
    nobody = {"notAfter": end, "subject": ((("organizationName", "devs"),),)}
    assert user_of_certificate(nobody, at) is None


def test_an_identity_is_made_once_and_names_another_address_by_the_same_authority(
    tmp_path: Path,
) -> None:
    first = server_identity(tmp_path)
    files = [path.read_bytes() for path in first.files]
    started = time.process_time()
    assert [path.read_bytes() for path in server_identity(tmp_path).files] == files
    assert time.process_time() - started < 0.05
    again = server_identity(tmp_path, ("10.1.2.3",))
    assert again.authority.read_bytes() == files[0]
    renewed = again.certificate.read_bytes()
    assert renewed != files[2]
    assert server_identity(tmp_path, ("10.1.2.3",)).certificate.read_bytes() == renewed
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in again.files)
