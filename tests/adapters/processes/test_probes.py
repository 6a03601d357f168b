"""Probes against real sockets."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from kiban.adapters.processes.grpc_health import ask_grpc
from kiban.adapters.processes.probes import Answer, ask_http, ask_tcp

HOST = "127.0.0.1"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


def answered(talk: Talk, ask: Callable[[int], Coroutine[Any, Any, Answer]]) -> Answer:
    """What a probe says about a server that talks like this."""

    async def play() -> Answer:
        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await talk(reader, writer)
            writer.close()

        server = await asyncio.start_server(served, HOST, 0)
        async with server, asyncio.timeout(5):
            return await ask(server.sockets[0].getsockname()[1])

    return asyncio.run(play())


def says(*lines: str) -> Talk:
    """Answers every request with these lines."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write("\r\n".join([*lines, "", ""]).encode())
        await writer.drain()

    return talk


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port: int = taken.getsockname()[1]
    return port


@pytest.mark.parametrize("status", [200, 204, 399])
def test_two_and_three_hundreds_are_success(status: int) -> None:
    talk = says(f"HTTP/1.1 {status} Fine")
    assert answered(talk, lambda port: ask_http({"port": port}, HOST)) == Answer(True)


def test_other_answers_are_failures_with_their_code() -> None:
    answer = answered(says("HTTP/1.1 503 No"), lambda port: ask_http({"port": port}, HOST))
    assert answer == Answer(False, "HTTP probe failed with statuscode: 503")


def test_the_request_is_what_the_kubelet_would_send() -> None:
    heard: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend((await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

    header = {"name": "X-Probe", "value": "yes"}
    handler = {"path": "/health?deep=1", "httpHeaders": [header]}
    answered(talk, lambda port: ask_http({**handler, "port": port}, HOST))
    assert heard[0] == "GET /health?deep=1 HTTP/1.1"
    assert "User-Agent: kube-probe/1.36" in heard
    assert "X-Probe: yes" in heard


def test_a_redirect_on_the_same_host_is_followed_and_no_other() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        where = "/there" if head.startswith("GET / ") else ""
        writer.write(f"HTTP/1.1 {302 if where else 500} X\r\nLocation: {where}\r\n\r\n".encode())

    answer = answered(talk, lambda port: ask_http({"port": port}, HOST))
    assert answer == Answer(False, "HTTP probe failed with statuscode: 500")
    away = says("HTTP/1.1 302 Found", "Location: http://example.com/")
    assert answered(away, lambda port: ask_http({"port": port}, HOST)) == Answer(True)


def test_a_closed_port_is_said_as_the_kubelet_says_it() -> None:
    port = free_port()
    refused = f"dial tcp {HOST}:{port}: connect: connection refused"
    assert asyncio.run(ask_tcp({"port": port}, HOST)) == Answer(False, refused)
    assert asyncio.run(ask_http({"port": port}, HOST)) == Answer(
        False, f'Get "http://{HOST}:{port}/": {refused}'
    )


def test_a_server_that_hangs_up_has_failed() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()

    answer = answered(talk, lambda port: ask_http({"port": port}, HOST))
    assert not answer.success


@pytest.mark.parametrize(("code", "success"), [(1, True), (2, False)])
def test_grpc_health_is_what_the_first_message_says(code: int, success: bool) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"grpc.health.v1.Health/Check")
        message = bytes([0, 0, 0, 0, 2, 8, code])
        settings = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
        writer.write(settings + bytes([0, 0, len(message), 0, 0, 0, 0, 0, 1]) + message)
        await writer.drain()

    answer = answered(talk, lambda port: ask_grpc({"port": port, "service": "cart"}, HOST))
    assert answer.success is success
