"""Releases from pipelines: many at once, from machines that share nothing but a repository."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from tests.end_to_end.conftest import Repo

from kiban.adapters.git import open_repository
from kiban.wiring.release import release_line

SERVICES = [f"s{number}" for number in range(10)]


@pytest.fixture
def origin(tmp_path: Path) -> str:
    """A bare repository that holds a platform of ten services; its URL."""
    work = Repo(tmp_path / "work")
    for folder in ("services", "releases"):
        (work.path / folder).mkdir(parents=True)
    (work.path / "platform.yaml").write_text("platform: shop\nenvironments: {dev: {}}\n")
    for name in SERVICES:
        (work.path / f"services/{name}.yaml").write_text(f"image: registry.example/{name}\n")
    lines = "".join(f"{name}: v1\n" for name in SERVICES)
    (work.path / "releases/dev.yaml").write_text(f"# What runs in dev.\n{lines}")
    work.git("init", "-q", "--initial-branch", "main")
    work.git("add", "-A")
    work.git("commit", "-q", "-m", "Begin")
    subprocess.run(
        ["git", "clone", "-q", "--bare", str(work.path), str(tmp_path / "origin.git")], check=True
    )
    return f"file://{tmp_path}/origin.git"


def pipeline(home: Path, *arguments: str) -> "subprocess.Popen[str]":
    home.mkdir(exist_ok=True)
    environ = {**os.environ, "XDG_CACHE_HOME": str(home / "cache")}
    return subprocess.Popen(
        [sys.executable, "-m", "kiban", "release", *arguments],
        cwd=home, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def git(origin: str, *arguments: str) -> str:
    folder = origin.removeprefix("file://")
    return subprocess.run(
        ["git", *arguments], cwd=folder, text=True, capture_output=True, check=True
    ).stdout.strip()


def test_ten_pipelines_release_at_once_and_none_is_lost(origin: str, tmp_path: Path) -> None:
    def release(number: int) -> str:
        # Two share a machine, as runners do.
        repository = open_repository(origin, tmp_path / f"machine-{number // 2}")
        return release_line(repository, "dev", {SERVICES[number]: "v2"})

    with ThreadPoolExecutor(10) as pool:
        commits = list(pool.map(release, range(10)))

    assert yaml.safe_load(git(origin, "show", "main:releases/dev.yaml")) == dict.fromkeys(
        SERVICES, "v2"
    )
    assert sorted(commits) == sorted(git(origin, "rev-list", "main", "^main~10").split())
    assert git(origin, "show", "main:releases/dev.yaml").startswith("# What runs in dev.")


def test_the_same_release_again_is_no_commit(origin: str, tmp_path: Path) -> None:
    for _ in range(2):
        process = pipeline(tmp_path / "machine", "s1=v2", "--repo", origin)
        said, _rest = process.communicate(timeout=60)
        assert (process.returncode, "s1 = v2 in dev" in said) == (0, True)

    assert git(origin, "rev-list", "--count", "main") == "2"


def test_a_branch_is_released_and_ended_by_files_of_its_own(origin: str, tmp_path: Path) -> None:
    where = ("--repo", origin, "--branch", "feature/x", "--env", "dev")
    begun = pipeline(tmp_path / "machine", "s1=abc", *where, "--for", "3d")
    said, _ = begun.communicate(timeout=60)
    assert begun.returncode == 0, said

    found = yaml.safe_load(git(origin, "show", "main:branches/dev/feature-x.yaml"))
    assert found["releases"] == {"s1": "abc"}
    assert git(origin, "log", "-1", "--format=%s") == "Run s1=abc of feature/x in dev"

    ended = pipeline(tmp_path / "machine", *where, "--end")
    said, _ = ended.communicate(timeout=60)
    assert ended.returncode == 0, said
    assert "branches" not in git(origin, "ls-tree", "--name-only", "-r", "main")
