"""Bytes that are hardly HTTP, and streams that are hardly SPDY: answered or hung up on in good
time, never with an error of ours, and the server goes on."""

import random
import socket
from collections.abc import Iterator
from contextlib import suppress

import orjson
import pytest
from tests.clients.threaded import TOKEN, Threaded

requests = pytest.importorskip("requests")

REQUESTS = 250
STREAMS = 40
PATIENCE_SECONDS = 5.0
PODS = "/api/v1/namespaces/default/pods"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
UPGRADES = (
    "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: portforward.k8s.io\r\n",
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Sec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io\r\n",
)
WHOLE = (
    b"POST /api/v1/namespaces/default/configmaps?fieldManager=m&dryRun=All HTTP/1.1\r\n"
    b"Host: localhost\r\nAuthorization: Bearer token\r\nContent-Type: application/json\r\n"
    b'Accept: application/json\r\nContent-Length: 27\r\n\r\n{"metadata": {"name": "a"}}'
)
ODD = (
    b"\0",
    b"\r\n",
    b"\xff",
    b" ",
    b":",
    b"%00",
    b"9" * 30,
    b"-1",
    b"chunked",
    b"\r\n\r\n",
    b"\x80",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Threaded]:
    running = Threaded()
    yield running
    running.close()


def connection(server: Threaded) -> socket.socket:
    port = int(server.address.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)


def bent(dice: random.Random, data: bytes) -> bytes:
    """A few places cut, doubled or replaced."""
    for _ in range(dice.choice((1, 1, 2, 4))):
        at, size = dice.randrange(len(data)), dice.choice((0, 1, 1, 4, 20))
        put = dice.choice((*ODD, b"", data[at : at + size] * 2))
        data = data[:at] + put + data[at + size :]
    return data


def test_no_bytes_break_the_server(server: Threaded) -> None:
    dice = random.Random(1)
    for _ in range(REQUESTS):
        data = bent(dice, WHOLE)
        said = b""
        # To be hung up on before all is said is an answer too.
        with connection(server) as link, suppress(ConnectionError):
            link.sendall(data)
            # A length that promises more than comes would have both sides wait.
            link.shutdown(socket.SHUT_WR)
            said = link.recv(65536)
        # What is not even a request is answered in the older form.
        assert not said or said.startswith((b"HTTP/1.1 ", b"HTTP/1.0 4")), (data, said)
        assert not said.startswith(b"HTTP/1.1 5"), (data, said)
    assert requests.get(f"{server.address}/readyz", headers=HEADERS, timeout=5).text == "ok"


@pytest.mark.parametrize("version", [b"", b" HTTP/0.9", b" HTTP/2.0", b" HTTP/7.3"])
def test_an_unknown_version_of_http_is_refused_in_a_known_one(
    server: Threaded, version: bytes
) -> None:
    with connection(server) as link:
        link.sendall(b"GET /readyz" + version + b"\r\nHost: localhost\r\n\r\n")
        said = link.recv(65536)
    assert said.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ")), said


@pytest.mark.parametrize("upgrade", UPGRADES, ids=["plain", "socket"])
def test_no_frames_break_the_server(server: Threaded, upgrade: str) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "i"}]}}
    pod["spec"] |= {"nodeName": "n", "serviceAccountName": "default"}  # type: ignore[index]
    pod["spec"] |= {"automountServiceAccountToken": False}  # type: ignore[index]
    account = {"metadata": {"name": "default"}}
    accounts = f"{server.address}/api/v1/namespaces/default/serviceaccounts"
    requests.post(accounts, json=account, headers=HEADERS, timeout=5)
    requests.post(server.address + PODS, json=pod, headers=HEADERS, timeout=5)
    patch = {**HEADERS, "Content-Type": "application/merge-patch+json"}
    address = orjson.dumps({"status": {"podIP": "127.0.0.1"}})
    placed = f"{server.address}{PODS}/p/status"
    assert requests.patch(placed, data=address, headers=patch, timeout=5).status_code == 200
    dice = random.Random(2)
    head = f"{PODS}/p/portforward?ports=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    method = "POST" if "SPDY/3.1\r\n" in upgrade else "GET"
    for _ in range(STREAMS):
        frame = bytes([0x80, 3, 0, dice.randrange(10)]) + dice.randbytes(dice.randrange(60))
        stream = dice.choice(
            (frame, dice.randbytes(200), bytes(40), frame * 9, b"\x82\x7e" + frame)
        )
        with connection(server) as link:
            link.sendall(f"{method} {head}{upgrade}\r\n".encode())
            assert link.recv(4096).startswith(b"HTTP/1.1 101 ")
            link.sendall(stream)
            link.shutdown(socket.SHUT_WR)
            while link.recv(65536):
                pass
    assert requests.get(f"{server.address}/readyz", headers=HEADERS, timeout=5).text == "ok"
