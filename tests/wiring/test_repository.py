"""Which repository a command works on."""

import subprocess
from pathlib import Path

import pytest

from kiban.primitives.problems import KibanError
from kiban.wiring.places import find_platform, state_of
from kiban.wiring.repository import home_of, import_example


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def example(tmp_path: Path) -> Path:
    folder = tmp_path / "toy"
    (folder / "apps").mkdir(parents=True)
    (folder / "platform.yaml").write_text("platform: toy\nexample: true\n")
    (folder / "apps" / "main.py").write_text("print(1)\n")
    return folder


def test_an_example_gets_a_history_of_its_own(example: Path) -> None:
    home = home_of(str(example))
    assert home.source == str(example / ".kiban" / "repo")
    assert git(Path(home.source), "log", "--format=%s") == "Import toy"
    assert not (example / ".git").exists()


def test_what_changes_in_an_example_is_taken_over_as_a_commit(example: Path) -> None:
    home_of(str(example))
    (example / "apps" / "main.py").write_text("print(2)\n")
    home = home_of(str(example))
    repository = Path(home.source)
    assert git(repository, "log", "--format=%s").splitlines() == [
        "Take over changes of toy",
        "Import toy",
    ]
    assert (repository / "apps" / "main.py").read_text() == "print(2)\n"


def test_an_example_that_did_not_change_gets_no_commit(example: Path) -> None:
    first = home_of(str(example))
    tip = git(Path(first.source), "rev-parse", "HEAD")
    import_example(example, state_of(example))
    assert git(Path(first.source), "rev-parse", "HEAD") == tip


def test_a_platform_in_a_folder_of_a_repository_is_followed_there(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "platform").mkdir()
    (tmp_path / "platform" / "platform.yaml").write_text("platform: shop\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "-qm", "Start")
    repository = home_of(str(tmp_path / "platform")).repository()
    assert repository.files(repository.head()) == {"platform.yaml": "platform: shop\n"}


def test_a_platform_is_found_from_below(example: Path) -> None:
    assert find_platform(example / "apps") == example


def test_where_there_is_no_platform_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(KibanError, match="repo/not-found"):
        find_platform(tmp_path)


def test_a_repository_elsewhere_is_followed_from_where_it_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q", "-b", "main", "origin")
    origin = tmp_path / "origin"
    (origin / "platform.yaml").write_text("platform: shop\n")
    git(origin, "add", "-A")
    git(origin, "-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "-qm", "Start")
    (tmp_path / "desk" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "desk")
    url = f"file://{origin}"
    repository = home_of(url).repository()
    assert repository.files(repository.head()) == {"platform.yaml": "platform: shop\n"}
    monkeypatch.chdir(tmp_path / "desk" / "below")
    assert home_of().source == url
