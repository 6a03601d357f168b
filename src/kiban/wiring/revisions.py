"""The platform repo at any revision: the files of a commit, or of the working tree as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kiban.adapters.git import GitRepository, open_repository
from kiban.adapters.sources import Renderer
from kiban.primitives.problems import KibanError
from kiban.spec import read_directory
from kiban.wiring.places import find_platform
from kiban.wiring.sources import renderer_of_commit, renderer_of_directory

SHORT = 8
# Branches that pull requests usually go to, the likeliest first.
_USUAL_BASES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")


@dataclass(frozen=True, slots=True)
class Revision:
    """The platform repo's text files by path, what the revision is called, and what renders its
    sources."""

    name: str
    files: Mapping[str, str]
    renderer: Renderer


def working_tree(start: Path) -> Revision:
    """What lies on the disk, committed or not."""
    directory = find_platform(start)
    return Revision("working tree", read_directory(directory), renderer_of_directory(directory))


def revision(start: Path, name: str) -> Revision:
    """A commit, by any name that Git knows. Raises `KibanError` for one that names none."""
    repository = _repository(start)
    commit = repository.commit_of(name)
    shown = name if name.startswith(commit[:7]) else f"{name} ({commit[:SHORT]})"
    return Revision(shown, repository.files(commit), renderer_of_commit(repository, commit))


def span(start: Path, words: str) -> tuple[Revision, Revision]:
    """`BASE..HEAD`, `BASE` (to the working tree), or nothing: from where the usual base branch
    was left to the working tree.

    As with pull requests, BASE stands for the commit where HEAD's history left it.
    """
    base, dots, head = words.partition("..")
    repository = _repository(start)
    base = base or _usual_base(repository)
    tip = repository.commit_of(head.lstrip(".") or "HEAD")
    left = repository.common_ancestor(repository.commit_of(base), tip)
    name = f"{base} ({left[:SHORT]})"
    before = Revision(name, repository.files(left), renderer_of_commit(repository, left))
    after = revision(start, head.lstrip(".") or "HEAD") if dots else working_tree(start)
    return before, after


def _repository(start: Path) -> GitRepository:
    # Any name will do: a pipeline often has no branch checked out.
    return open_repository(str(find_platform(start)), Path(), branch="HEAD")


def _usual_base(repository: GitRepository) -> str:
    for name in _USUAL_BASES:
        try:
            repository.commit_of(name)
        except KibanError:
            continue
        return name
    return "HEAD"
