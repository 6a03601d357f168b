"""Killed at every write of a promotion and of a rollback: the next process ends with the same."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.wiring.tending.conftest import Shop

from kiban.adapters.git import GitRepository
from kiban.adapters.journal import Journal
from kiban.operations.gates import Measured


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def killed_at(write: int, *, after: bool, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Die at a write to the journal or to Git, counted from 0: just before it or just after it.
    Gives the writes that were begun."""
    begun: list[str] = []

    def dying(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def edit(*args: Any, **named: Any) -> Any:
            begun.append(name)
            if len(begun) - 1 == write and not after:
                raise Killed
            found = act(*args, **named)
            if len(begun) - 1 == write:
                raise Killed
            return found

        async def append(*args: Any, **named: Any) -> Any:
            begun.append(name)
            if len(begun) - 1 == write and not after:
                raise Killed
            found = await act(*args, **named)
            if len(begun) - 1 == write:
                raise Killed
            return found

        return append if name == "journal" else edit

    with monkeypatch.context() as patched:
        patched.setattr(GitRepository, "edit", dying("git", GitRepository.edit))
        patched.setattr(Journal, "append", dying("journal", Journal.append))
        try:
            yield begun
        except Killed:
            begun.append("killed")


def good_release(shop: Shop) -> None:
    """Three minutes of a release that passes and is promoted."""
    for _ in range(3):
        shop.wait(61)
        shop.turn()


def bad_release(shop: Shop) -> None:
    """Two minutes of a release that fails and is taken back."""
    shop.figures.answer = Measured(0.5, 1000)
    for _ in range(2):
        shop.wait(61)
        shop.turn()


def ending(shop: Shop) -> tuple[object, ...]:
    """What counts in the end."""
    shop.look()
    subjects = shop.git("log", "--format=%s").splitlines()
    return (
        shop.released("dev"),
        shop.released("stg"),
        subjects,
        sorted(shop.house.view.quarantines),
        shop.git("status", "--short"),
    )


def played(folder: Path, story: Callable[[Shop], None], **death: Any) -> tuple[object, list[str]]:
    """How a story ends when the process dies once and another goes on."""
    shop = Shop(folder)
    shop.deliver("dev")
    shop.deliver("stg")
    shop.wait(100)
    shop.release("v2")
    shop.deliver("dev")
    with killed_at(**death) as begun:
        story(shop)
    shop.start()
    story(shop)
    found = ending(shop)
    shop.journal.close()
    return found, begun


@pytest.mark.parametrize("story", [good_release, bad_release])
def test_a_crash_at_any_write_leaves_nothing_half_done(
    story: Callable[[Shop], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, writes = played(
        tmp_path / "whole", story, write=-1, after=False, monkeypatch=monkeypatch
    )
    assert "git" in writes and "journal" in writes

    for write in range(len(writes)):
        for after in (False, True):
            folder = tmp_path / f"{write}-{after}"
            found, begun = played(folder, story, write=write, after=after, monkeypatch=monkeypatch)
            assert begun[-1] == "killed"
            assert found == whole, f"killed {'after' if after else 'before'} write {write}"
