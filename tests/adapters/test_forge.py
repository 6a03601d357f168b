"""Pull requests, by a real HTTP server that answers as the forges do."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from kiban.adapters.forge import PullRequest, forge_of, open_pull_request
from kiban.primitives.problems import KibanError

WANTED = PullRequest("kiban/promote-stg", "main", "Promote web=v2", "because")


@dataclass
class ForgeServer:
    """Keeps requests by branch, as GitHub and GitLab do."""

    open: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    refuses: bool = False

    async def github(self, request: web.Request) -> web.Response:
        self.seen.append(f"{request.method} {request.path}")
        if self.refuses or request.headers.get("Authorization") != "Bearer t0ken":
            return web.json_response({"message": "Bad credentials"}, status=401)
        if request.method == "GET":
            assert request.query["state"] == "open"
            branch = request.query["head"].removeprefix("arcade:")
            return web.json_response([self.open[branch]] if branch in self.open else [])
        body = await request.json()
        if request.method == "PATCH":
            (found,) = self.open.values()
            found.update(body)
            return web.json_response(found)
        number = len(self.open) + 1
        url = f"https://github.com/arcade/platform/pull/{number}"
        self.open[body["head"]] = {"number": number, "html_url": url, **body}
        return web.json_response(self.open[body["head"]], status=201)

    async def gitlab(self, request: web.Request) -> web.Response:
        self.seen.append(f"{request.method} {request.raw_path.partition('?')[0]}")
        assert request.headers["PRIVATE-TOKEN"] == "t0ken"
        if request.method == "GET":
            branch = request.query["source_branch"]
            return web.json_response([self.open[branch]] if branch in self.open else [])
        body = await request.json()
        if request.method == "PUT":
            (found,) = self.open.values()
            found.update(body)
            return web.json_response(found)
        made = {"iid": 7, "web_url": "https://gitlab.example/g/p/-/merge_requests/7", **body}
        self.open[body["source_branch"]] = made
        return web.json_response(made, status=201)


def asked(server: ForgeServer, url: str, *requests: PullRequest) -> list[str]:
    """The addresses that requests get."""

    async def run() -> list[str]:
        app = web.Application()
        app.router.add_route("*", "/repos/{path:.*}", server.github)
        app.router.add_route("*", "/projects/{path:.*}", server.gitlab)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        kind = "GITHUB" if "github" in url else "GITLAB"
        api = "GITHUB_API_URL" if kind == "GITHUB" else "CI_API_V4_URL"
        forge = forge_of(url, {api: site.name, f"{kind}_TOKEN": "t0ken"})
        assert forge is not None
        try:
            async with aiohttp.ClientSession() as session:
                return [await open_pull_request(session, forge, one) for one in requests]
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def test_github_opens_a_request_once_and_brings_it_up_to_date() -> None:
    server = ForgeServer()
    newer = PullRequest(WANTED.branch, WANTED.base, "Promote web=v3", "newer")

    found = asked(server, "git@github.com:arcade/platform.git", WANTED, newer)

    assert found == ["https://github.com/arcade/platform/pull/1"] * 2
    assert server.open[WANTED.branch]["title"] == "Promote web=v3"
    assert (server.open[WANTED.branch]["head"], server.open[WANTED.branch]["base"]) == (
        "kiban/promote-stg", "main",
    )  # fmt: skip
    assert server.seen[0] == "GET /repos/arcade/platform/pulls"


def test_gitlab_opens_a_request_once_and_brings_it_up_to_date() -> None:
    server = ForgeServer()

    found = asked(server, "https://gitlab.example/g/sub/p.git", WANTED, WANTED)

    assert found == ["https://gitlab.example/g/p/-/merge_requests/7"] * 2
    assert server.seen[1] == "POST /projects/g%2Fsub%2Fp/merge_requests"
    assert server.open[WANTED.branch]["description"] == "because"


def test_a_forge_that_refuses_is_a_problem_without_the_token() -> None:
    with pytest.raises(KibanError, match=r"401") as raised:
        asked(ForgeServer(refuses=True), "https://github.com/arcade/platform", WANTED)

    assert "t0ken" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "kind", "path", "api"),
    [
        ("git@github.com:a/b.git", "github", "a/b", "https://api.github.com"),
        ("https://x:y@github.example:8443/a/b", "github", "a/b", "https://github.example/api/v3"),
        ("ssh://git@gitlab.com/g/s/p.git", "gitlab", "g/s/p", "https://gitlab.com/api/v4"),
    ],
)
def test_the_forge_follows_from_the_url(url: str, kind: str, path: str, api: str) -> None:
    forge = forge_of(url, {})

    assert forge is not None
    assert (forge.kind, forge.path, forge.api) == (kind, path, api)
    assert path in forge.hint("x", "main")


def test_other_places_are_no_forge() -> None:
    assert forge_of("file:///srv/github/platform.git", {}) is None
    assert forge_of("https://git.example/a/b", {}) is None
