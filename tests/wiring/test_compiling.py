"""`kiban compile --for`: exports into directories and branches."""

import subprocess
from pathlib import Path

import pytest

from kiban.primitives.problems import KibanError
from kiban.wiring.compiling import Export, bundles_here, exported, publish_branches, write_files

EXPORT = Export("argocd", branch="deploy/{environment}")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    for path, text in {
        "platform.yaml": "platform: shop\nenvironments: {dev: {}, prod: {}}\nsources: {extra: x}\n",
        "services/stamp.yaml": "image: a\nport: 80\n",
        "services/old.yaml": "image: a\nport: 80\n",
        "releases/dev.yaml": "stamp: v1\nold: v1\n",
        "releases/prod.yaml": "stamp: v1\n",
        "x/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\n",
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "remote", "add", "origin", "https://git.example/shop.git")
    git(tmp_path, "add", "-A")
    git(tmp_path, "-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-qm", "one")
    return tmp_path


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def test_a_branch_for_each_environment_holds_what_was_rendered(repo: Path) -> None:
    said = publish_branches(repo, bundles_here(repo, None), EXPORT)
    assert [line.partition(":")[0] for line in said] == ["deploy/dev", "deploy/prod"]
    paths = git(repo, "ls-tree", "-r", "--name-only", "deploy/dev").split()
    assert paths == [
        "applications/shop-dev-local.yaml",
        "local/dev/_environment.yaml",
        "local/dev/extra.yaml",
        "local/dev/old.yaml",
        "local/dev/stamp.yaml",
    ]
    text = git(repo, "show", "deploy/dev:applications/shop-dev-local.yaml")
    assert "repoURL: https://git.example/shop.git" in text.replace('"', "")
    assert git(repo, "status", "--short") == "?? .kiban/\n" or not git(repo, "status", "--short")


def test_nothing_is_committed_when_nothing_has_changed(repo: Path) -> None:
    publish_branches(repo, bundles_here(repo, None), EXPORT)
    again = publish_branches(repo, bundles_here(repo, None), EXPORT)
    assert again == ["deploy/dev: unchanged", "deploy/prod: unchanged"]
    (repo / "releases/dev.yaml").write_text("stamp: v2\nold: v1\n")
    said = publish_branches(repo, bundles_here(repo, None), EXPORT)
    assert said[1] == "deploy/prod: unchanged"
    assert git(repo, "rev-list", "--count", "deploy/dev").strip() == "2"


def test_the_branch_that_is_checked_out_is_not_overwritten(repo: Path) -> None:
    with pytest.raises(KibanError, match=r"checked out"):
        publish_branches(repo, bundles_here(repo, None), Export("flux", branch="main"))


def test_what_is_no_longer_wanted_leaves_the_directory(repo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_files(out, exported(repo, bundles_here(repo, None), EXPORT))
    assert (out / "local/dev/old.yaml").exists()
    assert write_files(out, exported(repo, bundles_here(repo, None), EXPORT)) == 0
    (repo / "services/old.yaml").unlink()
    (repo / "releases/dev.yaml").write_text("stamp: v1\n")
    assert write_files(out, exported(repo, bundles_here(repo, None), EXPORT)) > 0
    assert not (out / "local/dev/old.yaml").exists()


def test_without_a_remote_the_url_must_be_said(repo: Path) -> None:
    git(repo, "remote", "remove", "origin")
    with pytest.raises(KibanError, match=r"not known from which repository"):
        exported(repo, bundles_here(repo, None), Export("argocd"))
