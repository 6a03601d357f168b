"""The dashboard's web application: its routes, and what each needs of the person who asks."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from kiban.operations.catalogue import Action, arguments_of, environments_of
from kiban.web.access import Person, Session
from kiban.web.board import Board
from kiban.web.pictures.nodes import Price, nodes_picture
from kiban.web.pictures.picture import Picture
from kiban.web.pictures.platform import PlatformPictures
from kiban.web.pictures.service import graph_of, service_picture
from kiban.web.serving.answers import body_of, json_answer
from kiban.web.serving.files import PageFile, page_files
from kiban.web.serving.guarding import Guard, protect, refusal
from kiban.web.serving.logins import Login, Logins
from kiban.web.serving.streaming import Bell, EventStream, stream_picture

Query = Mapping[str, str]
# A page that asks for more at once is not ours.
BODY_BYTES = 64 * 1024


class Backstage(Protocol):
    """What pages ask for and the board does not hold: answered by the wiring."""

    async def record(self, query: Query) -> dict[str, Any]: ...

    async def object(self, environment: str, key: str) -> dict[str, Any] | None: ...

    async def tree(self, environment: str, service: str) -> list[dict[str, Any]]: ...

    async def explain(self, service: str, environment: str, path: str) -> dict[str, Any]: ...

    def logs(self, environment: str, pod: str, *, previous: bool) -> AsyncIterator[bytes]: ...

    def reports(self) -> list[dict[str, Any]]: ...

    def report(self, id_: str) -> bytes | None: ...

    def run(self, arguments: Sequence[str], person: Person) -> AsyncIterator[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a dashboard is made of."""

    board: Board
    bell: Bell
    backstage: Backstage
    actions: Mapping[str, Action]
    price: Price
    token: str
    hosts: frozenset[str] = frozenset()
    login: Login[Any] | None = None


class Dashboard:
    """Routes and their answers. `application` is what a server runs."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._guard = Guard(parts.hosts)
        self._logins = Logins(self._guard, parts.board, parts.token, parts.login)
        self._files = page_files()
        self._platform = PlatformPictures()
        self._pictures: Mapping[str, Callable[[Query], Picture]] = {
            "platform": lambda query: self._platform.picture(parts.board, query),
            "service": lambda query: service_picture(parts.board, query),
            "nodes": lambda query: nodes_picture(parts.board, query, parts.price),
            "graph": lambda _: Picture(_whole_graph(parts.board)),
        }

    def application(self) -> web.Application:
        application = web.Application(
            middlewares=[self._guard.middleware()], client_max_size=BODY_BYTES
        )
        application.on_response_prepare.append(protect)
        read = self._read
        application.add_routes(
            [
                web.get("/", self._page),
                web.get("/static/{path:.+}", self._file),
                *self._logins.routes(),
                web.get("/api/stream/{topic}", read(self._stream)),
                web.get("/api/record", read(self._record)),
                web.get("/api/object", read(self._object)),
                web.get("/api/tree", read(self._tree)),
                web.get("/api/explain", read(self._explain)),
                web.get("/api/logs", read(self._logs)),
                web.get("/api/reports", read(self._reports)),
                web.get("/reports/{id}", read(self._report)),
                web.get("/api/actions", read(self._actions)),
                web.post("/api/act", self._act),
            ]
        )
        return application

    def session_of(self, cookie: str) -> Session | None:
        """The session that a cookie stands for."""
        return self._guard.sessions.find(cookie, time.monotonic())

    # Files and sessions

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return _sent(request, self._files["index.html"])

    async def _file(self, request: web.Request) -> web.StreamResponse:
        found = self._files.get(request.match_info["path"])
        if found is None:
            raise refusal(404, "there is no such file")
        return _sent(request, found)

    # What is read

    def _read(
        self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A handler for those who may read where the request looks."""

        async def checked(request: web.Request) -> web.StreamResponse:
            person = self._guard.known(request).person
            if not person.may("read", request.query.get("env", "")):
                raise refusal(403, "you may not look at this environment")
            return await handler(request)

        return checked

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        draw = self._pictures.get(request.match_info["topic"])
        if draw is None:
            raise refusal(404, "there is no such page")
        query = dict(request.query)
        return await stream_picture(request, self._parts.bell, lambda: draw(query))

    async def _record(self, request: web.Request) -> web.StreamResponse:
        return json_answer(await self._parts.backstage.record(request.query))

    async def _object(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        found = await self._parts.backstage.object(query.get("env", ""), query.get("key", ""))
        if found is None:
            raise refusal(404, "there is no such object")
        return json_answer(found)

    async def _tree(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        return json_answer(
            await self._parts.backstage.tree(query.get("env", ""), query.get("name", ""))
        )

    async def _explain(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        return json_answer(
            await self._parts.backstage.explain(
                query.get("service", ""), query.get("env", ""), query.get("path", "")
            )
        )

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        lines = self._parts.backstage.logs(
            query.get("env", ""), query.get("pod", ""), previous=query.get("previous") == "true"
        )
        async with EventStream(request) as stream:
            with suppress(ConnectionError):
                async for piece in lines:
                    await stream.send("text", piece.decode(errors="replace"))
                await stream.send("end", {})
        return stream.response

    async def _reports(self, request: web.Request) -> web.StreamResponse:
        return json_answer(await asyncio.to_thread(self._parts.backstage.reports))

    async def _report(self, request: web.Request) -> web.StreamResponse:
        found = await asyncio.to_thread(self._parts.backstage.report, request.match_info["id"])
        if found is None:
            raise refusal(404, "there is no such report")
        # A report is whole in itself; what it holds gets no access to this page.
        policy = "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; "
        policy += "script-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
        headers = {"Content-Security-Policy": policy, "X-Frame-Options": "SAMEORIGIN"}
        return web.Response(body=found, content_type="text/html", charset="utf-8", headers=headers)

    # What is done

    async def _actions(self, request: web.Request) -> web.StreamResponse:
        person = self._guard.known(request).person
        return json_answer(
            [
                {**action.as_data(), "allowed": _may_somewhere(person, action, self._parts.board)}
                for action in self._parts.actions.values()
            ]
        )

    async def _act(self, request: web.Request) -> web.StreamResponse:
        """Do an action, or with `preview` only say what it would do. The output is streamed."""
        person = self._guard.known(request).person
        body = await body_of(request)
        action = self._parts.actions.get(str(body.get("action", "")))
        values = body.get("values")
        if action is None or not isinstance(values, dict):
            raise refusal(400, "there is no such action")
        self._check_right(person, action, values)
        try:
            arguments = arguments_of(action, values)
        except ValueError as error:
            raise refusal(400, str(error)) from None
        if body.get("preview"):
            if not action.right.preview:
                raise refusal(400, f"{action.name} has no preview")
            at = len(action.name.split(" "))
            arguments = [*arguments[:at], *action.right.preview, *arguments[at:]]
        async with EventStream(request) as stream:
            with suppress(ConnectionError):
                async for event in self._parts.backstage.run(arguments, person):
                    await stream.send("output", event)
        return stream.response

    def _check_right(self, person: Person, action: Action, values: Mapping[str, Any]) -> None:
        verb = action.right.verb
        if verb == "local":
            raise refusal(403, f"{action.name} is for the command line of the machine itself")
        for environment in environments_of(action, values) or [""]:
            if not person.may(verb, environment):
                where = f" in {environment}" if environment else " in every environment"
                raise refusal(403, f"this needs the right to {verb}{where}")


def _may_somewhere(person: Person, action: Action, board: Board) -> list[str]:
    """The environments in which a person may do it."""
    verb = action.right.verb
    return [name for name in board.outline.environments if person.may(verb, name)]


def _whole_graph(board: Board) -> dict[str, Any]:
    first = next(iter(board.outline.environments), "")
    return {"graph": graph_of(board, first, "")}


def _sent(request: web.Request, file: PageFile) -> web.Response:
    headers = {"ETag": file.tag, "Cache-Control": "no-cache", "Content-Type": file.type}
    if request.headers.get("If-None-Match") == file.tag:
        return web.Response(status=304, headers=headers)
    if file.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=file.packed, headers={**headers, "Content-Encoding": "gzip"})
    return web.Response(body=file.plain, headers=headers)
