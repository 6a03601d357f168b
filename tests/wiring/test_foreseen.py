"""A release and a rollback looked at first: what they would do, and that they do nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


def kiban(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "kiban", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("foreseen") / "shop"
    made = kiban(folder.parent, "new", "shop", "--directory", str(folder))
    assert made.returncode == 0, made.stderr
    return folder


def head(folder: Path) -> str:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_release_says_which_pods_would_restart_and_commits_nothing(shop: Path) -> None:
    before = head(shop)
    done = kiban(shop, "release", "hello=v9", "--env", "dev", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "hello = v9 in dev would be committed" in done.stdout
    assert "restarts hello" in done.stdout
    assert head(shop) == before


def test_a_way_back_is_seen_before_it_is_gone(shop: Path) -> None:
    done = kiban(shop, "rollback", "hello", "--env", "prod", "--to", "v0", "--dry-run", "--json")
    found = json.loads(done.stdout)
    assert (found["releases"], found["commit"]) == ({"hello": "v0"}, "")
    [environment] = found["plan"]["environments"]
    assert environment["environment"] == "prod"


def test_a_release_elsewhere_is_not_foreseen(shop: Path) -> None:
    done = kiban(shop, "release", "hello=v9", "--repo", str(shop), "--dry-run")
    assert done.returncode == 2
    assert "the repo that is here" in done.stderr
