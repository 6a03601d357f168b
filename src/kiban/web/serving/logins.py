"""Logins: by the token of the installation, or by a provider that says who somebody is."""

import hmac
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import orjson
from aiohttp import web

from kiban.primitives.problems import KibanError
from kiban.web.access import ADMIN, Person
from kiban.web.board import Board
from kiban.web.serving.answers import body_of, json_answer
from kiban.web.serving.guarding import Guard, refusal

RETURN = "/api/oidc/return"
STATE_COOKIE = "kiban_login"
# Logins that have begun and not come back; the oldest is forgotten.
BEGUN_LOGINS = 1_000
VERBS = ("read", "release", "approve", "operate")


class Begun(Protocol):
    """A login that has begun: `state` must come back."""

    @property
    def state(self) -> str: ...


Started = TypeVar("Started", bound=Begun)


class Login(Protocol[Started]):
    """Somebody who says who people are, and what they may do."""

    async def begin(self, redirect: str) -> tuple[str, Started]: ...

    async def finish(self, begun: Started, code: str) -> Person | None:
        """None for somebody who may not come in. Raises `KibanError`."""
        ...


class Logins:
    """Routes by which people come in and leave."""

    def __init__(self, guard: Guard, board: Board, token: str, provider: Login[Any] | None) -> None:
        self._guard, self._board, self._token = guard, board, token
        self._provider = provider
        self._begun: dict[str, Begun] = {}

    def routes(self) -> Sequence[web.RouteDef]:
        return (
            web.get("/api/session", self._session),
            web.post("/api/login", self._login),
            web.post("/api/logout", self._logout),
            web.get("/api/oidc/begin", self._begin_login),
            web.get(RETURN, self._finish_login),
        )

    async def _session(self, request: web.Request) -> web.StreamResponse:
        session = self._guard.session(request)
        if session is None:
            return json_answer({"person": None, "oidc": self._provider is not None})
        return json_answer(_about(session.person, session.csrf, self._board))

    async def _login(self, request: web.Request) -> web.StreamResponse:
        self._guard.check_tries()
        given = (await body_of(request)).get("token", "")
        if not hmac.compare_digest(str(given).encode(), self._token.encode()):
            self._guard.note_failure()
            raise refusal(401, "that is not the token; `kiban dashboard` prints a link that works")
        person = Person("administrator", roles={"admin": ADMIN})
        response = web.Response(content_type="application/json")
        session = self._guard.begin(person, response, secure=request.secure)
        response.body = orjson.dumps(_about(person, session.csrf, self._board))
        return response

    async def _begin_login(self, request: web.Request) -> web.StreamResponse:
        """Send the browser to the provider; only this browser may come back from there."""
        if self._provider is None:
            raise refusal(404, "this dashboard has no login provider")
        try:
            address, begun = await self._provider.begin(f"{request.url.origin()}{RETURN}")
        except KibanError as error:
            raise refusal(502, str(error.problems[0])) from None
        while len(self._begun) >= BEGUN_LOGINS:
            del self._begun[next(iter(self._begun))]
        self._begun[begun.state] = begun
        response = web.Response(status=302, headers={"Location": address})
        # Lax, because the provider's page leads back here.
        response.set_cookie(
            STATE_COOKIE, begun.state, httponly=True, samesite="Lax", secure=request.secure
        )
        return response

    async def _finish_login(self, request: web.Request) -> web.StreamResponse:
        state = request.query.get("state", "")
        begun = self._begun.pop(state, None)
        if begun is None or request.cookies.get(STATE_COOKIE) != state or not self._provider:
            raise refusal(400, "this login was not begun here, or long ago; begin again")
        try:
            person = await self._provider.finish(begun, request.query.get("code", ""))
        except KibanError as error:
            raise refusal(502, str(error.problems[0])) from None
        if person is None or not person.roles:
            raise refusal(403, "you have no role here; `access` in platform.yaml gives roles")
        response = web.Response(status=302, headers={"Location": "/"})
        self._guard.begin(person, response, secure=request.secure)
        response.del_cookie(STATE_COOKIE)
        return response

    async def _logout(self, request: web.Request) -> web.StreamResponse:
        response = json_answer({})
        self._guard.end(request, response)
        return response


def _about(person: Person, csrf: str, board: Board) -> dict[str, Any]:
    return {
        "person": person.name,
        "csrf": csrf,
        "platform": board.outline.name,
        "may": {
            name: [verb for verb in VERBS if person.may(verb, name)]
            for name in board.outline.environments
        },
    }
