"""The audit log: what is in it and what never is, that it stays bounded, and that it survives."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kiban.adapters import audit_log
from kiban.adapters.api_server.credentials import Authenticator
from kiban.adapters.api_server.driver import WallDriver, wall_clock
from kiban.adapters.api_server.server import ApiServer
from kiban.adapters.audit_log import AuditLog, read_entries
from kiban.cluster.cluster import assembled
from kiban.primitives.instants import Instant, later

SECRETS = "/api/v1/namespaces/default/secrets"
TOKEN = "very-secret-token"
ALL = Instant(0)


@asynccontextmanager
async def served(directory: Path) -> AsyncIterator[aiohttp.ClientSession]:
    audit, store = directory / "audit.db", directory / "store.db"
    driver = WallDriver(assembled(1, []), journal=store, audit=audit)
    await driver.start()
    server = ApiServer(driver, Authenticator(TOKEN))
    headers = {"Authorization": f"Bearer {TOKEN}", "User-Agent": "tester/1"}
    async with aiohttp.ClientSession(await server.start(), headers=headers) as session:
        yield session
    await server.stop()
    await driver.stop()


def entries(directory: Path, since: Instant = ALL) -> list[dict[str, Any]]:
    return [json.loads(entry) for entry in read_entries(directory / "audit.db", since)]


def secret(name: str) -> dict[str, Any]:
    data = {"password": "hunter2"}
    metadata = {"generateName": name} if name.endswith("-") else {"name": name}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def test_changes_and_denials_are_recorded_and_reads_and_secrets_are_not(tmp_path: Path) -> None:
    async def story() -> str:
        async with served(tmp_path) as session:
            async with session.post(SECRETS, json=secret("s-")) as made:
                name: str = (await made.json())["metadata"]["name"]
            async with session.get(SECRETS) as read:
                assert read.headers["Audit-Id"] != made.headers["Audit-Id"]
            for headers in ({"Impersonate-User": "eve"}, {"Authorization": "Bearer wrong-one"}):
                async with session.get(f"{SECRETS}/{name}", headers=headers) as denied:
                    assert denied.status in (401, 403)
            async with session.post(SECRETS, json={"kind": "Secret"}) as bad:
                assert bad.status == 422
            # The answer to a write has waited for the log, and what came before it is there too.
            async with session.delete(f"{SECRETS}/{name}"):
                pass
            assert made.headers["Audit-Id"] == entries(tmp_path)[0]["auditID"]
        return name

    name = asyncio.run(story())
    found = entries(tmp_path)
    told = [(entry["verb"], entry["responseStatus"]["code"]) for entry in found]
    assert told == [("create", 201), ("get", 403), ("get", 401), ("create", 422), ("delete", 200)]
    first = found[0]
    assert first["objectRef"] == {
        "resource": "secrets",
        "namespace": "default",
        "name": name,
        "apiVersion": "v1",
    }
    assert first["user"]["username"] == "kubernetes-admin"
    assert first["userAgent"] == "tester/1"
    assert first["sourceIPs"] == ["127.0.0.1"]
    assert first["level"] == "Metadata"
    assert found[1]["impersonatedUser"] == {"username": "eve"}
    assert [entry["annotations"]["authorization.k8s.io/decision"] for entry in found[:3]] == [
        "allow",
        "forbid",
        "forbid",
    ]
    files = b"".join(path.read_bytes() for path in tmp_path.glob("audit.db*"))
    assert not any(word in files for word in (b"hunter2", TOKEN.encode(), b"wrong-one"))
    assert (tmp_path / "audit.db").stat().st_mode & 0o777 == 0o600


def test_a_stranger_cannot_wash_the_log_out(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(tmp_path) as session:
            async with session.post(SECRETS, json=secret("a")):
                pass
            for number in range(300):
                wrong = {"Authorization": "Bearer wrong" if number % 2 else ""}
                async with session.get(SECRETS, headers=wrong) as denied:
                    assert denied.status in (401, 403)
            async with session.delete(f"{SECRETS}/a"):
                pass

    asyncio.run(story())
    verbs = [entry["verb"] for entry in entries(tmp_path)]
    assert (verbs[0], verbs[-1]) == ("create", "delete")
    assert 100 <= len(verbs) < 200


def test_the_log_keeps_the_newest_entries_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "KEPT", 100)
    monkeypatch.setattr(audit_log, "SLACK", 10)
    for run in range(3):
        log = AuditLog(tmp_path / "audit.db")
        for number in range(100):
            log.write([(Instant(run * 100 + number), b'{"n": %d}' % (run * 100 + number))])
        log.close()
    found = [entry["n"] for entry in entries(tmp_path)]
    assert found == list(range(300 - len(found), 300))
    assert 100 <= len(found) <= 110
    assert [entry["n"] for entry in entries(tmp_path, Instant(295))] == list(range(295, 300))


def test_a_damaged_log_is_moved_aside_and_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "audit.db").write_bytes(b"not a database" * 100)
    log = AuditLog(tmp_path / "audit.db")
    log.write([(ALL, b"{}")])
    log.close()
    assert entries(tmp_path) == [{}]
    assert (tmp_path / "audit.db-damaged").read_bytes().startswith(b"not a database")
    assert "is damaged and was moved to" in caplog.text


def test_a_log_that_cannot_be_written_is_said_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "audit.db").mkdir()
    log = AuditLog(tmp_path / "audit.db")
    for _ in range(3):
        log.write([(ALL, b"{}")])
    assert caplog.text.count("requests are not recorded") == 1
    (tmp_path / "audit.db").rmdir()
    log.write([(ALL, b'{"n": 1}')])
    log.close()
    assert entries(tmp_path) == [{"n": 1}]


WRITER = """
import asyncio, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from tests.adapters.test_audit_log import secret, served, SECRETS

async def main():
    async with served(Path(sys.argv[1])) as session:
        for number in range(10_000):
            async with session.post(SECRETS, json=secret(f"s{number}")) as answer:
                assert answer.status == 201
            print(answer.headers["Audit-Id"], flush=True)

asyncio.run(main())
"""


def test_whatever_was_acknowledged_is_in_the_log_after_kill_9(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", WRITER, str(tmp_path), *sys.path]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline().strip() for _ in range(200)]
        os.kill(writer.pid, signal.SIGKILL)
        told += [line.strip() for line in writer.stdout if line.endswith("\n")]
    recorded = {entry["auditID"] for entry in entries(tmp_path)}
    assert len(told) >= 200
    assert set(told) <= recorded


def test_entries_of_the_last_while_are_those_asked_for(tmp_path: Path) -> None:
    log, now = AuditLog(tmp_path / "audit.db"), wall_clock()
    log.write([(later(now, -100), b'{"n": 1}'), (now, b'{"n": 2}')])
    log.close()
    assert entries(tmp_path, later(now, -50)) == [{"n": 2}]
