"""The local image store with real Git and a real disk."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kiban.adapters.images import ImageRecord, ImageStore, Recipe
from kiban.primitives.problems import KibanError

DOCKERFILE = """
FROM python:3.12 AS build
CMD ["never"]
FROM python:3.12-slim
WORKDIR /srv/app
ENV MODE=fast \\
    COLOUR="dark blue"
ENTRYPOINT ["python", "-m"]
CMD ["app", "--serve"]
"""


def git(repository: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    done = subprocess.run(
        ["git", *identity, "-C", str(repository), *arguments], capture_output=True, check=True
    )
    return done.stdout.decode().strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    service = root / "apps" / "cart"
    service.mkdir(parents=True)
    (service / "app.py").write_text("print(1)\n")
    (service / "run.sh").write_text("#!/bin/sh\n")
    (service / "run.sh").chmod(0o755)
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    return root


def test_an_image_is_the_commit_whatever_the_working_tree_says(
    repository: Path, tmp_path: Path
) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    (repository / "apps/cart/app.py").write_text("print(2)\n")
    store = ImageStore(tmp_path / "images")
    built = store.build(repository, "apps/cart", image="r/cart", tag=commit[:7], commit=commit)
    found = store.find(f"r/cart:{commit[:7]}")
    assert found == built
    assert (Path(built.directory) / "app.py").read_text() == "print(1)\n"
    assert os.access(Path(built.directory) / "run.sh", os.X_OK)


def test_the_same_files_give_the_same_image(repository: Path, tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    committed = store.build(repository, "apps/cart", image="r/cart", tag="a", commit="HEAD")
    (repository / "apps/cart/__pycache__").mkdir()
    (repository / "apps/cart/__pycache__/app.pyc").write_bytes(b"x")
    working = store.build(repository, "apps/cart", image="r/cart", tag="b")
    assert working.digest == committed.digest
    assert working.directory == committed.directory
    assert [record.reference for record in store.list()] == ["r/cart:a", "r/cart:b"]


def test_files_of_an_image_cannot_be_written(repository: Path, tmp_path: Path) -> None:
    built = ImageStore(tmp_path / "images").build(repository, "apps/cart", image="c", tag="1")
    modes = {path.stat().st_mode & 0o222 for path in Path(built.directory).rglob("*")}
    assert modes == {0}


def test_a_dockerfile_gives_the_defaults_of_its_last_stage(
    repository: Path, tmp_path: Path
) -> None:
    (repository / "apps/cart/Dockerfile").write_text(DOCKERFILE)
    built = ImageStore(tmp_path / "images").build(repository, "apps/cart", image="c", tag="1")
    assert built.entrypoint == ("python", "-m")
    assert built.command == ("app", "--serve")
    assert built.working_dir == "/srv/app"
    assert built.env == {"MODE": "fast", "COLOUR": "dark blue"}


STAGES = """\
ARG FOLDER=/srv
FROM python:3.12 AS base
ARG FOLDER
ENV COLOUR=dark SHADE=${COLOUR:-none}
WORKDIR $FOLDER
FROM base AS test
CMD ["pytest"]
FROM base
ARG MODE=slow
ENV MODE=$MODE PRICE=\\$5
CMD ["serve"]
"""


def test_a_build_may_ask_for_a_stage_with_arguments(repository: Path, tmp_path: Path) -> None:
    (repository / "apps/cart/docker").mkdir()
    (repository / "apps/cart/docker/Main").write_text(STAGES)
    store = ImageStore(tmp_path / "images")

    def built(recipe: Recipe) -> ImageRecord:
        store.build(repository, "apps/cart", image="c", tag="1", recipe=recipe)
        found = store.find("c:1")
        assert found is not None
        return found

    last = built(Recipe("docker/Main", args={"MODE": "fast"}))
    assert last.command == ("serve",) and last.working_dir == "/srv"
    assert (last.env["MODE"], last.env["COLOUR"]) == ("fast", "dark")
    assert built(Recipe("docker/Main")).env["MODE"] == "slow"
    test = built(Recipe("docker/Main", target="test", args={"FOLDER": "/else"}))
    assert test.command == ("pytest",) and test.working_dir == "/else"
    assert built(Recipe("docker/Main", target="0")).command == ()
    assert built(Recipe("docker/Main", target="none")).working_dir == ""


def test_a_reference_without_a_tag_means_latest(repository: Path, tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    store.build(repository, "apps/cart", image="localhost:5000/c", tag="latest")
    assert store.find("localhost:5000/c") is not None
    assert store.find("localhost:5000/c:other") is None


def test_what_no_reference_leads_to_is_pruned(repository: Path, tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    first = store.build(repository, "apps/cart", image="c", tag="1")
    (repository / "apps/cart/app.py").write_text("print(3)\n")
    second = store.build(repository, "apps/cart", image="c", tag="1")
    assert store.prune() == 1
    assert not Path(first.directory).exists()
    assert Path(second.directory).exists()
    assert store.prune() == 0


def test_builds_at_once_meet_in_one_image(repository: Path, tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    with ThreadPoolExecutor(8) as pool:
        built = list(
            pool.map(
                lambda n: store.build(repository, "apps/cart", image="c", tag=f"{n % 2}"), range(16)
            )
        )
    assert len({record.directory for record in built}) == 1
    assert len(list((tmp_path / "images/blobs").iterdir())) == 1


def test_a_commit_without_the_directory_is_a_problem(repository: Path, tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    with pytest.raises(KibanError) as raised:
        store.build(repository, "apps/gone", image="c", tag="1", commit="HEAD")
    assert raised.value.problems[0].code == "image/no-source"


def test_kibans_own_programs_are_always_there(tmp_path: Path) -> None:
    found = ImageStore(tmp_path).find("kiban.local/redis")
    assert found is not None
    assert found.entrypoint == (sys.executable, "-m", "kiban.adapters.local.redis")
    assert ImageStore(tmp_path).find("kiban.local/cart:1") is None
