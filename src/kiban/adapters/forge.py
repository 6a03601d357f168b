"""Pull requests by the REST APIs of GitHub and GitLab.

Which of them, and where, follows from the URL that was pushed to; who asks, from the usual
environment variables of their pipelines. A request that is open already is brought up to date.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import orjson
from yarl import URL

from kiban.primitives.problems import Exit, KibanError, Problem

REQUEST_SECONDS = 30.0
_URL = re.compile(
    r"(?:\w+://)?(?:[^@/\s]+@)?(?P<host>[\w.-]+)(?::\d+(?=/))?[:/](?P<path>.+?)(?:\.git)?/?$"
)


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What is asked: to take a branch into its base."""

    branch: str
    base: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Forge:
    """One repository of one forge."""

    kind: str
    host: str
    path: str
    api: str
    token: str

    def hint(self, branch: str, base: str) -> str:
        """Where a person opens the request."""
        if self.kind == "gitlab":
            wanted = {"merge_request[source_branch]": branch, "merge_request[target_branch]": base}
            return f"https://{self.host}/{self.path}/-/merge_requests/new?{urlencode(wanted)}"
        return f"https://{self.host}/{self.path}/compare/{base}...{branch}?expand=1"


def forge_of(url: str, environ: Mapping[str, str]) -> Forge | None:
    """The forge behind a repository's URL; None when it is on none that is known."""
    match = _URL.fullmatch(url)
    if match is None or url.startswith("file:"):
        return None
    host, path = match["host"], match["path"]
    if "gitlab" in host or "CI_API_V4_URL" in environ:
        api = environ.get("CI_API_V4_URL") or f"https://{host}/api/v4"
        return Forge("gitlab", host, path, api, environ.get("GITLAB_TOKEN", ""))
    if "github" in host or "GITHUB_API_URL" in environ:
        usual = "https://api.github.com" if host == "github.com" else f"https://{host}/api/v3"
        api = environ.get("GITHUB_API_URL") or usual
        return Forge("github", host, path, api, environ.get("GITHUB_TOKEN", ""))
    return None


async def open_pull_request(
    session: aiohttp.ClientSession, forge: Forge, wanted: PullRequest
) -> str:
    """The address of the request, open now. Raises `KibanError`."""
    client = _Client(session, forge)
    try:
        if forge.kind == "gitlab":
            return await _on_gitlab(client, forge, wanted)
        return await _on_github(client, forge, wanted)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise _problem(forge, f"{type(error).__name__} {error}") from error


async def _on_github(client: "_Client", forge: Forge, wanted: PullRequest) -> str:
    pulls = f"/repos/{forge.path}/pulls"
    owner = forge.path.partition("/")[0]
    query = {"head": f"{owner}:{wanted.branch}", "base": wanted.base, "state": "open"}
    text = {"title": wanted.title, "body": wanted.body}
    for found in await client.send("GET", f"{pulls}?{urlencode(query)}"):
        await client.send("PATCH", f"{pulls}/{found['number']}", text)
        return str(found["html_url"])
    made = await client.send("POST", pulls, {**text, "head": wanted.branch, "base": wanted.base})
    return str(made["html_url"])


async def _on_gitlab(client: "_Client", forge: Forge, wanted: PullRequest) -> str:
    requests = f"/projects/{quote(forge.path, safe='')}/merge_requests"
    query = {
        "source_branch": wanted.branch, "target_branch": wanted.base, "state": "opened",
    }  # fmt: skip
    text = {"title": wanted.title, "description": wanted.body}
    for found in await client.send("GET", f"{requests}?{urlencode(query)}"):
        await client.send("PUT", f"{requests}/{found['iid']}", text)
        return str(found["web_url"])
    branches = {"source_branch": wanted.branch, "target_branch": wanted.base}
    made = await client.send("POST", requests, {**text, **branches})
    return str(made["web_url"])


@dataclass(frozen=True, slots=True)
class _Client:
    session: aiohttp.ClientSession
    forge: Forge

    async def send(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        """The answer's JSON. Raises `KibanError` for a refusal."""
        is_gitlab = self.forge.kind == "gitlab"
        headers = (
            {"PRIVATE-TOKEN": self.forge.token}
            if is_gitlab
            else {
                "Authorization": f"Bearer {self.forge.token}",
                "Accept": "application/vnd.github+json",
            }
        )
        async with self.session.request(
            method,
            URL(self.forge.api + path, encoded=True),
            json=body,
            headers=headers,
            timeout=aiohttp.ClientTimeout(REQUEST_SECONDS),
        ) as answer:
            data = await answer.read()
            if answer.status >= 400:
                raise _problem(self.forge, f"{answer.status} {data.decode(errors='replace')[:300]}")
            return orjson.loads(data)


def _problem(forge: Forge, said: str) -> KibanError:
    return KibanError(
        Problem(
            "release/no-pull-request",
            f"{forge.host} did not open a pull request: {said}",
            fix="The branch is pushed; open the request by hand, or mend the token.",
        ),
        Exit.WORLD_FAILED,
    )
