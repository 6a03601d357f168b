"""The dashboard over real HTTP: who gets in, what others cannot do, and what streams send."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import aiohttp
from aiohttp import web
from tests.web.boards import board, pod, status

from kiban.cli.catalogue import catalogue
from kiban.web.access import Person, Role
from kiban.web.board import Board
from kiban.web.serving.application import Dashboard, Parts
from kiban.web.serving.guarding import TRIES
from kiban.web.serving.logins import Login
from kiban.web.serving.streaming import Bell

TOKEN = "a token of this test"


class Desk:
    """Answers as the wiring does, from what it was given; notes what it was to run."""

    def __init__(self) -> None:
        self.ran: list[tuple[list[str], str]] = []

    async def record(self, query: Mapping[str, str]) -> dict[str, Any]:
        return {"acts": [], "more": False, "next": None, "figures": []}

    async def object(self, environment: str, key: str) -> dict[str, Any] | None:
        return None

    async def tree(self, environment: str, service: str) -> list[dict[str, Any]]:
        return []

    async def explain(self, service: str, environment: str, path: str) -> dict[str, Any]:
        return {"text": ""}

    async def logs(self, environment: str, pod: str, *, previous: bool) -> AsyncIterator[bytes]:
        yield f"{environment} {pod}".encode()

    def reports(self) -> list[dict[str, Any]]:
        return []

    def report(self, id_: str) -> bytes | None:
        return b"<p>A report</p>" if id_ == "day" else None

    async def run(self, arguments: Sequence[str], person: Person) -> AsyncIterator[dict[str, Any]]:
        self.ran.append((list(arguments), person.name))
        yield {"text": "done\n"}
        yield {"code": 0}


class Served:
    """A dashboard that listens, a browser's session with it, and what stands behind it."""

    def __init__(self, address: str, client: aiohttp.ClientSession, known: Board) -> None:
        self.address, self.client, self.board = address, client, known
        self.desk, self.bell, self.csrf = Desk(), Bell(), ""

    async def login(self, token: str = TOKEN) -> int:
        async with self.client.post(f"{self.address}/api/login", json={"token": token}) as answer:
            self.csrf = (await answer.json()).get("csrf", "")
            return answer.status

    async def act(self, action: str, values: dict[str, Any], **more: Any) -> tuple[int, str]:
        headers = {"X-Kiban-Csrf": self.csrf, **more.pop("headers", {})}
        body = {"action": action, "values": values, **more}
        async with self.client.post(
            f"{self.address}/api/act", json=body, headers=headers
        ) as answer:
            return answer.status, await answer.text()


def served(
    work: Callable[[Served], Awaitable[None]],
    person: Person | None = None,
    login: Login[Any] | None = None,
) -> None:
    """Run some work against a dashboard; `person` is who has the token, if not an administrator."""

    async def run() -> None:
        known = board()
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as client:
            found = Served("", client, known)
            parts = Parts(
                known, found.bell, found.desk, catalogue(), lambda *_: None, TOKEN, login=login
            )
            dashboard = Dashboard(parts)
            runner = web.AppRunner(dashboard.application(), shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            found.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
            try:
                if person is not None:
                    await found.login()
                    session = dashboard.session_of(_cookie(jar))
                    assert session is not None
                    session.person = person
                await work(found)
            finally:
                await runner.cleanup()

    asyncio.run(run())


def _cookie(jar: aiohttp.CookieJar) -> str:
    return next(each.value for each in jar if each.key == "kiban_session")


def test_strangers_see_nothing_but_the_page_itself() -> None:
    async def work(found: Served) -> None:
        async with found.client.get(f"{found.address}/") as page:
            assert page.status == 200
            assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        for path in ("stream/platform", "record", "object", "logs", "reports", "actions"):
            async with found.client.get(f"{found.address}/api/{path}") as answer:
                assert answer.status == 401, path
        assert (await found.act("status", {}))[0] == 401
        assert await found.login("another token") == 401

    served(work)


def test_a_token_cannot_be_guessed_quickly() -> None:
    async def work(found: Served) -> None:
        answers = [await found.login(f"guess {number}") for number in range(TRIES + 1)]
        assert answers == [401] * TRIES + [429]
        assert await found.login() == 429

    served(work)


def test_a_stream_begins_with_the_whole_picture_and_sends_what_changes() -> None:
    async def work(found: Served) -> None:
        await found.login()
        async with found.client.get(f"{found.address}/api/stream/platform") as stream:
            whole = await _event(stream)
            assert list(whole["rows"]) == ["shop-0000", "shop-0001", "shop-0002"]
            found.board.see(pod("shop-0002", 1))
            found.bell.ring()
            change = await _event(stream)
            assert list(change["rows"]) == ["shop-0002"]
            assert "order" not in change
            found.board.set_status(status({"shop-0002": "Degraded"}))
            found.bell.ring()
            assert (await _event(stream))["order"][0] == "shop-0002"

    served(work)


async def _event(stream: aiohttp.ClientResponse) -> dict[str, Any]:
    while True:
        line = await stream.content.readline()
        if line.startswith(b"data: "):
            found: dict[str, Any] = json.loads(line[6:])
            return found


def test_a_command_runs_as_the_person_and_its_output_is_streamed() -> None:
    async def work(found: Served) -> None:
        await found.login()
        values = {"source": "dev", "target": "stg", "services": ["a"]}
        code, text = await found.act("promote", values)
        assert (code, '"code":0' in text) == (200, True)
        await found.act("promote", values, preview=True)
        assert found.desk.ran == [
            (["promote", "--", "dev", "stg", "a"], "administrator"),
            (["promote", "--dry-run", "--", "dev", "stg", "a"], "administrator"),
        ]

    served(work)


def test_what_another_page_sends_is_refused() -> None:
    async def work(found: Served) -> None:
        await found.login()
        origin = {"Origin": "https://evil.example.com"}
        assert (await found.act("status", {}, headers=origin))[0] == 403
        assert (await found.act("status", {}, headers={"X-Kiban-Csrf": "guess"}))[0] == 403
        rebound = {"Host": "evil.example.com"}
        async with found.client.get(f"{found.address}/api/session", headers=rebound) as answer:
            assert answer.status == 421
        assert found.desk.ran == []

    served(work)


def test_people_do_what_their_roles_allow_and_see_where_they_may_look() -> None:
    roles = {
        "red": Role(("read", "release"), ("dev",)),
        "guest": Role(("read",), ("stg",)),
    }

    async def work(found: Served) -> None:
        assert (await found.act("rollback", {"service": "a", "environment": "dev"}))[0] == 200
        refused = [
            await found.act("rollback", {"service": "a", "environment": "stg"}),
            await found.act("promote", {"source": "dev", "target": "stg"}),
            await found.act("rollback", {"service": "a"}),
            await found.act("approve", {"releases": ["a=v1"], "environment": "dev"}),
            await found.act("quarantine lift", {"releases": ["a=v1"], "reason": "x"}),
            await found.act("down", {}),
        ]
        assert [code for code, _ in refused] == [403] * len(refused)
        async with found.client.get(f"{found.address}/api/actions") as answer:
            allowed = {each["name"]: each["allowed"] for each in await answer.json()}
        assert (allowed["rollback"], allowed["status"]) == (["dev"], ["dev", "stg"])
        async with found.client.get(f"{found.address}/api/logs?env=prod&pod=a") as answer:
            assert answer.status == 403

    served(work, Person("ai", roles=roles))


def test_files_are_sent_packed_and_not_sent_again() -> None:
    async def work(found: Served) -> None:
        size, names = 0, ("app.js", "dom.js", "live.js", "words.js", "shared.js", "style.css")
        for name in (*names, "dialog.js", "views/platform.js"):
            async with found.client.get(f"{found.address}/static/{name}") as answer:
                assert answer.status == 200
                size += int(answer.headers["Content-Length"])
                tag = answer.headers["ETag"]
            known = {"If-None-Match": tag}
            async with found.client.get(f"{found.address}/static/{name}", headers=known) as answer:
                assert answer.status == 304
        assert size < 30_000
        async with found.client.get(f"{found.address}/static/../application.py") as answer:
            assert answer.status == 404

    served(work)


def test_a_report_can_do_nothing_to_the_page_around_it() -> None:
    async def work(found: Served) -> None:
        await found.login()
        async with found.client.get(f"{found.address}/reports/day") as answer:
            assert await answer.text() == "<p>A report</p>"
            assert answer.headers["Content-Security-Policy"].startswith("sandbox allow-scripts;")

    served(work)
