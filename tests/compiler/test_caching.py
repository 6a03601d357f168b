"""Only what a commit touches is compiled, and the result is that of compiling everything."""

from collections.abc import Mapping

import pytest

from kiban.compiler import Compilations, compile_environment
from kiban.spec import load_platform

PLATFORM = """\
platform: shop
environments:
  dev: {domain: dev.example.org}
  prod: {domain: example.org}
resources:
  main: {type: postgres}
"""
SERVICES = {f"services/s{number}.yaml": f"image: s{number}\nport: 80\n" for number in range(10)} | {
    "services/web.yaml": "image: web\nport: 80\nroutes: {root: {path: /}}\nuses: {s1: service}\n",
    "services/work.yaml": "image: work\nuses: {main: resource}\n",
    "services/night.yaml": "image: night\nschedule: '0 3 * * *'\n",
}
RELEASES = "".join(f"{path[9:-5]}: v1\n" for path in sorted(SERVICES))
FILES = {
    "platform.yaml": PLATFORM,
    **SERVICES,
    "releases/dev.yaml": RELEASES,
    "releases/prod.yaml": RELEASES,
}


def compiled(files: Mapping[str, str], cache: Compilations, environment: str = "dev") -> int:
    """How many services were compiled; the bundle must be that of a compilation without cache."""
    platform, before = load_platform(files), cache.made
    bundle = compile_environment(platform, environment, cache=cache)
    assert bundle == compile_environment(platform, environment)
    return cache.made - before


def edited(path: str, old: str, new: str) -> dict[str, str]:
    assert old in FILES[path]
    return {**FILES, path: FILES[path].replace(old, new)}


@pytest.mark.parametrize(
    ("files", "count"),
    [
        (FILES, 0),
        ({**FILES, "README.md": "words"}, 0),
        (edited("releases/dev.yaml", "s3: v1", "s3: v2"), 1),
        (edited("releases/prod.yaml", "s3: v1", "s3: v2"), 0),
        (edited("services/s3.yaml", "port: 80", "port: 81"), 1),
        # The address of s1 is in what uses it.
        (edited("services/s1.yaml", "port: 80", "port: 81"), 2),
        # And who uses a service is in its network policy.
        (edited("services/web.yaml", "s1: service", "s2: service"), 3),
        (edited("services/web.yaml", "image: web", "image: web # the front"), 0),
        (edited("platform.yaml", "dev.example.org", "test.example.org"), 13),
        ({**FILES, "services/new.yaml": "image: new:1\nport: 80\n"}, 1),
        ({path: text for path, text in FILES.items() if path != "services/s9.yaml"}, 0),
    ],
)
def test_only_what_a_commit_touches_is_compiled(files: dict[str, str], count: int) -> None:
    if "services/s9.yaml" not in files:
        files = {
            path: text.replace("s9: v1\n", "") if path.startswith("releases/") else text
            for path, text in files.items()
        }
    cache = Compilations()
    assert compiled(FILES, cache) == 13
    assert compiled(files, cache) == count


def test_each_environment_is_compiled_on_its_own_and_both_are_kept() -> None:
    cache = Compilations()
    assert compiled(FILES, cache) == 13
    assert compiled(FILES, cache, "prod") == 13
    assert compiled(FILES, cache) == compiled(FILES, cache, "prod") == 0


def test_what_is_kept_is_bounded_and_the_last_used_stays() -> None:
    cache = Compilations(limit=13)
    compiled(FILES, cache)
    assert compiled(edited("services/s3.yaml", "port: 80", "port: 81"), cache) == 1
    assert len(cache) == 13
    compiled(FILES, cache, "prod")
    assert len(cache) == 13
    assert compiled(FILES, cache) == 13
