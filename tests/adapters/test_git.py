"""Git as users have it: local work trees with their own edits, URLs, races."""

import asyncio
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kiban.adapters.git import GitRepository, open_repository
from kiban.primitives.problems import KibanError


@pytest.fixture(autouse=True)
def _identity(monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(["git", *args], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "releases").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "platform.yaml").write_text("platform: shop\n")
    (folder / "releases/dev.yaml").write_text("# what runs\nweb: v1  # frozen\nstamp: v1\n")
    (folder / "logo.png").write_bytes(b"\x89PNG")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def to(tag: str):
    return lambda text: text.replace("web: v1", f"web: {tag}")


def test_a_commit_is_read_whole_without_what_is_no_yaml(work: Path, tmp_path: Path) -> None:
    repository = open_repository(str(work), tmp_path)
    files = repository.files(repository.head())
    assert sorted(files) == ["platform.yaml", "releases/dev.yaml"]
    assert files["platform.yaml"] == "platform: shop\n"
    entry = repository.commit_info(repository.head())
    assert (entry.author, entry.message) == ("Ada <ada@example.org>", "first")


def test_a_commit_tells_its_first_line_and_the_rest_apart(work: Path, tmp_path: Path) -> None:
    git(
        work, "commit", "-q", "--allow-empty", "-m", "Go faster\n\nWhy not.\n\nKiban-Plan: dev c0de"
    )
    git(work, "commit", "-q", "--allow-empty", "-m", "Go home")
    newest, before = open_repository(str(work), tmp_path).log(limit=2)
    assert (newest.message, newest.body) == ("Go home", "")
    assert (before.message, before.body) == ("Go faster", "Why not.\n\nKiban-Plan: dev c0de")


def test_a_platform_repo_may_lie_in_a_subfolder(work: Path, tmp_path: Path) -> None:
    (work / "deep").mkdir()
    (work / "deep/platform.yaml").write_text("platform: deep\n")
    git(work, "add", ".")
    git(work, "commit", "-q", "-m", "deep")
    repository = open_repository(str(work / "deep"), tmp_path)
    assert repository.files(repository.head()) == {"platform.yaml": "platform: deep\n"}
    repository.edit("platform.yaml", lambda text: text + "# x\n", "edit")
    assert (work / "deep/platform.yaml").read_text() == "platform: deep\n# x\n"


def test_an_edit_is_one_commit_of_one_file_and_leaves_other_work_alone(
    work: Path, tmp_path: Path
) -> None:
    (work / "platform.yaml").write_text("platform: shop # being edited\n")
    (work / "new.txt").write_text("staged")
    git(work, "add", "new.txt")
    repository = open_repository(str(work), tmp_path)
    commit = repository.edit("releases/dev.yaml", to("v2"), "Release web v2")
    assert commit == repository.head() == git(work, "rev-parse", "HEAD")
    assert git(work, "show", "--format=", "--name-only", "HEAD") == "releases/dev.yaml"
    assert (work / "releases/dev.yaml").read_text().startswith("# what runs\nweb: v2  # frozen\n")
    assert git(work, "status", "--porcelain").splitlines() == ["A  new.txt", " M platform.yaml"]


def test_an_uncommitted_edit_of_the_same_file_stays_uncommitted(work: Path, tmp_path: Path) -> None:
    text = (work / "releases/dev.yaml").read_text()
    (work / "releases/dev.yaml").write_text(text.replace("stamp: v1", "stamp: v9"))
    repository = open_repository(str(work), tmp_path)
    commit = repository.edit("releases/dev.yaml", to("v2"), "Release web v2")
    assert repository.file(commit, "releases/dev.yaml") == text.replace("web: v1", "web: v2")
    there = (work / "releases/dev.yaml").read_text()
    assert "web: v2" in there
    assert "stamp: v9" in there
    assert git(work, "status", "--porcelain") == "M releases/dev.yaml"


def test_an_edit_that_changes_nothing_makes_no_commit(work: Path, tmp_path: Path) -> None:
    repository = open_repository(str(work), tmp_path)
    head = repository.head()
    assert repository.edit("releases/dev.yaml", lambda text: text, "nothing") == head


def test_the_users_hooks_run_and_may_refuse(work: Path, tmp_path: Path) -> None:
    hook = work / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ngit diff --cached --name-only\necho no >&2\nexit 1\n")
    hook.chmod(0o755)
    repository = open_repository(str(work), tmp_path)
    head = repository.head()
    with pytest.raises(KibanError, match="no"):
        repository.edit("releases/dev.yaml", to("v2"), "Release")
    assert repository.head() == head
    assert "v1" in (work / "releases/dev.yaml").read_text()


def test_a_url_is_edited_by_a_push_and_races_are_run_again(work: Path, tmp_path: Path) -> None:
    bare = tmp_path / "origin.git"
    git(tmp_path, "clone", "-q", "--bare", str(work), str(bare))
    url = bare.as_uri()

    def add_line(number: int) -> str:
        repository = open_repository(url, tmp_path / f"copy{number}")
        return repository.edit(
            "releases/dev.yaml", lambda text: f"{text}line{number}: v1\n", f"add {number}"
        )

    with ThreadPoolExecutor(4) as pool:
        commits = list(pool.map(add_line, range(4)))
    assert len(set(commits)) == 4
    text = git(bare, "show", "main:releases/dev.yaml")
    assert all(f"line{number}: v1" in text for number in range(4))


def test_a_refused_push_is_no_race(work: Path, tmp_path: Path) -> None:
    bare = tmp_path / "origin.git"
    git(tmp_path, "clone", "-q", "--bare", str(work), str(bare))
    hook = bare / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho protected branch >&2\nexit 1\n")
    hook.chmod(0o755)
    repository = open_repository(bare.as_uri(), tmp_path / "copy")
    with pytest.raises(KibanError, match="protected branch"):
        repository.edit("releases/dev.yaml", to("v2"), "Release")


def test_processes_that_edit_one_work_tree_at_once_all_land(work: Path, tmp_path: Path) -> None:
    def add_line(number: int) -> str:
        repository = open_repository(str(work), tmp_path)
        return repository.edit(
            "releases/dev.yaml", lambda text: f"{text}line{number}: v1\n", f"add {number}"
        )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_line, range(6)))
    assert git(work, "rev-list", "--count", "HEAD") == "7"
    assert git(work, "status", "--porcelain") == ""


def test_following_yields_each_new_tip(work: Path, tmp_path: Path) -> None:
    repository = open_repository(str(work), tmp_path)

    async def follow_two() -> list[str]:
        seen = []
        async for head in repository.follow():
            seen.append(head)
            if len(seen) == 2:
                return seen
            git(work, "commit", "-q", "--allow-empty", "-m", "second")
        return seen

    seen = asyncio.run(asyncio.wait_for(follow_two(), 10))
    assert seen[1] == git(work, "rev-parse", "HEAD")


def test_what_is_no_repository_is_said_with_a_way_out(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    with pytest.raises(KibanError, match="not in a Git repository"):
        open_repository(str(folder), tmp_path)
    with pytest.raises(KibanError, match="nothing at"):
        open_repository(str(tmp_path / "missing"), tmp_path)


def test_a_branch_that_does_not_exist_is_said_with_those_that_do(
    work: Path, tmp_path: Path
) -> None:
    repository = GitRepository(work, "mian")
    with pytest.raises(KibanError, match="main"):
        repository.head()


def test_a_machine_where_nobody_said_who_they_are_can_still_release(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{role}_NAME")
        monkeypatch.delenv(f"GIT_{role}_EMAIL")
    git(work, "config", "user.useConfigOnly", "true")
    repository = open_repository(str(work), tmp_path)
    commit = repository.edit("releases/dev.yaml", to("v2"), "Release web v2")
    assert repository.commit_info(commit).author == "Kiban <kiban@localhost>"
