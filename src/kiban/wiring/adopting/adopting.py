"""Reads what a team has, adopts it, and writes the new repo."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from kiban.adapters.wall_clock import now as wall_clock
from kiban.adopt import Adoption, Options, adopted
from kiban.primitives.instants import Instant
from kiban.primitives.problems import Exit, KibanError, Place, Problem
from kiban.wiring.adopting.environments import directories_by_environment, platform_name
from kiban.wiring.adopting.reading import beside, copy_of
from kiban.wiring.adopting.waiving import waivers
from kiban.wiring.adopting.wish import Wish

WAIVERS = "waivers.yaml"


def adopt(wish: Wish, now: Instant | None = None) -> Adoption:
    """Read and adopt. What the audit finds is waived from now on, so that it can be delivered as
    it runs. Raises `KibanError` for what cannot be read."""
    named = directories_by_environment(wish.directories)
    counted: set[Path] = set()
    copies = [copy_of(name, folder, wish.namespace, counted) for name, folder in named.items()]
    if len(named) > len(wish.directories):
        unread, left = beside(Path(wish.directories[0].rpartition("=")[2]), counted)
        first = copies[0]
        copies[0] = replace(first, unread={**first.unread, **unread}, left=(*first.left, *left))
    if not any(copy.documents for copy in copies):
        what = "there is no Kubernetes object in " + ", ".join(str(one) for one in named.values())
        fix = "name the directories of manifests, one for each environment"
        raise KibanError(Problem("adopt/nothing", what, fix=fix), Exit.USAGE)
    platform = wish.platform or platform_name(list(named.values()))
    found = adopted(copies, Options(platform, wish.with_secrets))
    accepted = waivers(found, now or wall_clock())
    return replace(found, files={**found.files, **({WAIVERS: accepted} if accepted else {})})


def write_repository(out: Path, files: Mapping[str, str]) -> None:
    """Write the new repo. Raises `KibanError` for a directory that is not empty."""
    if out.exists() and any(one.name != ".git" for one in out.iterdir()):
        what = f"{out} is there already and not empty"
        problem = Problem("adopt/not-empty", what, Place(str(out)), fix="name an empty directory")
        raise KibanError(problem, Exit.USAGE)
    for path, text in files.items():
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
