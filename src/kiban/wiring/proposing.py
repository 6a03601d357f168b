"""Promotions as pull requests: a branch with the releases, and the request for it where the forge
is known and lets us."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from kiban.adapters.forge import PullRequest, forge_of, open_pull_request
from kiban.adapters.git import GitRepository
from kiban.adapters.git.proposing import Proposal, propose
from kiban.delivery.releases import release_path
from kiban.wiring.release import with_releases


@dataclass(frozen=True, slots=True)
class Proposed:
    """A branch that waits for people: the request's address, or where to open one."""

    branch: str
    commit: str
    url: str = ""
    hint: str = ""

    @property
    def words(self) -> str:
        if self.url:
            return f"pull request {self.url}"
        return f"branch {self.branch}" + (
            f"; open a pull request: {self.hint}" if self.hint else ""
        )


def promotion_branch(environment: str) -> str:
    """One branch for each environment: a newer promotion takes over the request of an older."""
    return f"kiban/promote-{environment}"


def push_promotion(
    repository: GitRepository, environment: str, tags: Mapping[str, str], message: str
) -> Proposal | None:
    """Push the releases on a branch; None when they are there already."""
    path = release_path(environment)
    branch = promotion_branch(environment)
    return propose(repository, branch, path, lambda text: with_releases(text, tags, path), message)


async def request(proposal: Proposal, message: str) -> Proposed:
    """Open the pull request of a branch that is pushed, or say where to."""
    forge = forge_of(proposal.remote, os.environ)
    if forge is None:
        return Proposed(proposal.branch, proposal.commit)
    hint = forge.hint(proposal.branch, proposal.base)
    if not forge.token:
        return Proposed(proposal.branch, proposal.commit, hint=hint)
    title, _, body = message.partition("\n")
    wanted = PullRequest(proposal.branch, proposal.base, title, body.strip())
    async with aiohttp.ClientSession() as session:
        url = await open_pull_request(session, forge, wanted)
    return Proposed(proposal.branch, proposal.commit, url, hint)
