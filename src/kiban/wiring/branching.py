"""`kiban release --branch`: images of a branch in an environment for a while, by a file of their
own in Git."""

from collections.abc import Mapping
from dataclasses import dataclass

from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.git import GitRepository
from kiban.delivery.releases import known_service
from kiban.primitives.canonical import yaml_text
from kiban.primitives.instants import later, rfc3339
from kiban.primitives.problems import KibanError, Place, Problem
from kiban.spec import load_platform
from kiban.spec.branches import branch_path, slug
from kiban.wiring.deliveries import chosen_environments
from kiban.wiring.quarantines import quarantined_for, refuse_quarantined
from kiban.wiring.release import Released, where_releases_go

USUAL_SECONDS = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class BranchWish:
    """A branch, for how long, and whether it takes the services' own place."""

    branch: str
    seconds: float = USUAL_SECONDS
    instead: bool = False


def release_branch(
    tags: Mapping[str, str], environment: str | None, wish: BranchWish, source: str = ""
) -> Released:
    """Run a branch's images in an environment; without any, end what it runs there.

    Raises `KibanError` for unknown names, and for what could not be delivered.
    """
    repository = where_releases_go(source)
    files = repository.files(repository.head())
    platform = load_platform(files)
    [name] = chosen_environments(platform, [environment] if environment else [])
    if not slug(wish.branch):
        what = f"{wish.branch!r} is no name of a branch."
        raise KibanError(Problem("release/bad-branch", what))
    for service in tags:
        known_service(service, platform.services[name])
    refuse_quarantined(tags, quarantined_for(source))
    path = branch_path(name, wish.branch)
    if not tags:
        return Released(name, _end(repository, path, wish.branch, name), {})
    words = ", ".join(f"{service}={tag}" for service, tag in sorted(tags.items()))
    text = branch_text(tags, wish)
    load_platform({**files, path: text})
    commit = repository.edit(path, lambda _: text, f"Run {words} of {wish.branch} in {name}")
    return Released(name, commit, tags)


def branch_text(tags: Mapping[str, str], wish: BranchWish) -> str:
    """The file of a branch."""
    data: dict[str, object] = {"expires": rfc3339(later(wall_clock(), wish.seconds))}
    data |= {"instead": True} if wish.instead else {}
    return f"# The branch {wish.branch}, until it expires.\n" + yaml_text(
        {**data, "releases": dict(sorted(tags.items()))}
    )


def _end(repository: GitRepository, path: str, branch: str, environment: str) -> str:
    if repository.file(repository.head(), path) is None:
        what = f"Nothing of {branch} runs in {environment}."
        raise KibanError(Problem("release/no-branch", what, Place(file=path)))
    return repository.edit(path, lambda _: "", f"End {branch} in {environment}")
