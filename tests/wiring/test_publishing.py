"""Service files that live beside their source: in a directory of their own, or in another repo."""

import subprocess
from pathlib import Path

import pytest

from kiban.primitives.problems import KibanError
from kiban.spec import load_platform, read_directory
from kiban.wiring.publishing import publish

PLATFORM = "platform: shop\nenvironments: {dev: {}}\n"
OWN = "service: web\nimage: r/web\nport: 8080\nhealth: /ok\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "releases").mkdir(parents=True)
    (folder / "platform.yaml").write_text(PLATFORM)
    (folder / "releases/dev.yaml").write_text("")
    _git(folder, "init", "--quiet", "--initial-branch=main")
    _git(folder, "add", ".")
    _git(folder, "commit", "--quiet", "--message=first")
    return folder


def _git(folder: Path, *words: str) -> str:
    names = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    done = subprocess.run(["git", *names, *words], cwd=folder, capture_output=True, check=True)
    return done.stdout.decode()


def test_a_service_file_may_stand_beside_its_source(shop: Path) -> None:
    (shop / "apps/web").mkdir(parents=True)
    (shop / "apps/web/kiban.yaml").write_text("image: r/web\nport: 8080\n")
    platform = load_platform(read_directory(shop))
    assert list(platform.services["dev"]) == ["web"]


def test_a_service_is_described_once(shop: Path) -> None:
    (shop / "services").mkdir()
    (shop / "web").mkdir()
    for path in ("services/web.yaml", "web/kiban.yaml"):
        (shop / path).write_text(OWN)
    with pytest.raises(KibanError, match=r"described twice"):
        load_platform(read_directory(shop))


def test_a_file_of_another_repo_is_published_as_a_commit(shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "kiban.yaml"
    file.write_text(OWN)
    first = publish(file, str(shop))
    assert first.path == "services/web.yaml"
    assert _git(shop, "show", "main:services/web.yaml") == OWN
    assert publish(file, str(shop)).commit == first.commit


def test_a_file_with_which_the_platform_does_not_load_changes_nothing(
    shop: Path, tmp_path: Path
) -> None:
    file = tmp_path / "kiban.yaml"
    file.write_text(OWN + "uses: {nobody: service}\n")
    before = _git(shop, "rev-parse", "main")
    with pytest.raises(KibanError, match=r"no service 'nobody'"):
        publish(file, str(shop))
    assert _git(shop, "rev-parse", "main") == before


def test_a_file_of_another_repo_says_whose_it_is(shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "kiban.yaml"
    file.write_text("image: r/web\n")
    with pytest.raises(KibanError, match=r"does not say which service"):
        publish(file, str(shop))
