"""What a pipeline tells Docker, from a service file."""

import pytest

from kiban.compiler.image_builds import build_command
from kiban.primitives.problems import KibanError
from kiban.spec import ServiceSpec, load_platform


def service(said: str) -> ServiceSpec:
    files = {
        "platform.yaml": "platform: shop\nenvironments: {dev: {}}\n",
        "services/stamp.yaml": f"image: r/stamp\nport: 8080\n{said}\n",
    }
    return load_platform(files).services["dev"]["stamp"]


def test_a_build_is_said_whole() -> None:
    said = """\
build:
  context: apps/stamp
  dockerfile: docker/Dockerfile
  target: runtime
  args: {PYTHON: 3.10, MODE: fast}
  platforms: {arm: linux/arm64, intel: linux/amd64}
  cache: {main: 'r/stamp:cache'}
"""
    assert " ".join(build_command(service(said), "v1")) == (
        "docker buildx build --push --tag r/stamp:v1 --file apps/stamp/docker/Dockerfile "
        "--target runtime --build-arg MODE=fast --build-arg PYTHON=3.10 "
        "--platform linux/amd64,linux/arm64 --cache-from type=registry,ref=r/stamp:cache "
        "--cache-to type=registry,ref=r/stamp:cache,mode=max apps/stamp"
    )


def test_the_architecture_of_its_nodes_is_what_it_is_built_for() -> None:
    words = build_command(service("build: apps/stamp\narch: arm64"), "v1")
    assert words[words.index("--platform") + 1] == "linux/arm64"


def test_nobody_builds_what_others_build() -> None:
    assert build_command(service(""), "v1") == ()


@pytest.mark.parametrize(
    ("said", "why", "line"),
    [
        ("build: {platforms: {a: linux/amd64}}\narch: arm64", "where it must run", 3),
        ("build: {platforms: {a: arm}}", "like linux/arm64", 3),
        ("build: {context: ../other}", "leads out of the repo", 3),
        ("build: {args: {a-b: c}}", "digits and underscores", 3),
    ],
)
def test_what_cannot_be_built_is_said_with_its_place(said: str, why: str, line: int) -> None:
    with pytest.raises(KibanError) as error:
        service(said)
    [problem] = error.value.problems
    assert why in str(problem) and problem.place.line == line and problem.place.column
