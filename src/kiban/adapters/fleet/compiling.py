"""A commit as each member of a fleet is told of it: read once, compiled beside the event loop."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from kiban.adapters.git import GitRepository
from kiban.compiler.bundle import Bundle
from kiban.delivery.fleet import Member
from kiban.delivery.messages import Commit, Desired, Undeliverable
from kiban.primitives.problems import KibanError

# The files of a commit in; out, what compiles them for a member. Both raise `KibanError`.
CompileFleet = Callable[[Mapping[str, str]], Callable[[Member], Bundle]]
Compiled = dict[str, Desired | Undeliverable]


async def read_commit(repository: GitRepository, id_: str) -> tuple[Commit, Mapping[str, str]]:
    """A commit and its files. Raises `KibanError` when it cannot be read."""
    entry = await asyncio.to_thread(repository.commit_info, id_)
    files = await asyncio.to_thread(repository.files, id_)
    return Commit(id_, entry.author, entry.message, entry.at), files


async def compiled_for(
    members: Sequence[Member], commit: Commit, files: Mapping[str, str], compile_: CompileFleet
) -> Compiled:
    """What a commit is for each member, by its name."""

    def all_of_them() -> Compiled:
        try:
            compile_one = compile_(files)
        except KibanError as error:
            return {one.name: Undeliverable(commit, error.problems) for one in members}
        return {one.name: _compiled(one, commit, compile_one) for one in members}

    return await asyncio.to_thread(all_of_them)


def _compiled(
    member: Member, commit: Commit, compile_: Callable[[Member], Bundle]
) -> Desired | Undeliverable:
    try:
        return Desired(commit, compile_(member))
    except KibanError as error:
        return Undeliverable(commit, error.problems)
