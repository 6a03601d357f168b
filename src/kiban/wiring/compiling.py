"""`kiban compile`: the platform repo of a directory as bundles, and those published for tools that
deliver from rendered manifests."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kiban.adapters.git import GitRepository, open_repository
from kiban.adapters.git.program import run_git
from kiban.adapters.git.publishing import publish
from kiban.compiler import Bundle
from kiban.delivery.exports import Published, argocd_files, flux_files
from kiban.primitives.problems import Exit, KibanError, Place, Problem
from kiban.spec import load_platform, read_directory
from kiban.wiring.collecting import uncollected
from kiban.wiring.places import find_platform
from kiban.wiring.sources import compiled, renderer_of_directory

FORMS: Mapping[str, Callable[[Iterable[Bundle], Published], dict[str, str]]] = {
    "argocd": argocd_files,
    "flux": flux_files,
}
DEFAULT_BRANCH = "main"


@dataclass(frozen=True, slots=True)
class Export:
    """What is exported: in which form, and where the tool will read it."""

    form: str
    url: str = ""
    branch: str = ""
    folder: str = ""


def bundles_here(start: Path, environment: str | None, *, local: bool = False) -> list[Bundle]:
    """The bundles of one environment, or of all, on each of their clusters."""
    with uncollected():
        return _bundles(find_platform(start), environment, local=local)


def _bundles(directory: Path, environment: str | None, *, local: bool) -> list[Bundle]:
    platform = load_platform(read_directory(directory))
    renderer = renderer_of_directory(directory)
    names = [environment] if environment else list(platform.environments)
    found = []
    for name in names:
        clusters: Sequence[str | None] = platform.clusters_of(name) or (None,)
        for cluster in clusters[:1] if local else clusters:
            found.append(compiled(platform, name, renderer, cluster=cluster, local=local))
    return found


def exported(start: Path, bundles: Sequence[Bundle], export: Export) -> dict[str, str]:
    """The files of an export, by path."""
    return FORMS[export.form](bundles, _published(start, export))


def write_files(out: Path, files: Mapping[str, str]) -> int:
    """Write what changed below a directory, and remove what an earlier export left in the folders
    of this one; how many files were touched."""
    touched = 0
    for path, text in files.items():
        target = out / path
        if not target.is_file() or target.read_text() != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            touched += 1
    for folder in sorted({"/".join(path.split("/")[:2]) for path in files if path.count("/") > 1}):
        for old in sorted((out / folder).rglob("*.yaml")):
            if old.relative_to(out).as_posix() not in files:
                old.unlink()
                touched += 1
    return touched


def publish_branches(start: Path, bundles: Sequence[Bundle], export: Export) -> list[str]:
    """Commit each environment's files to its branch; what was done, for people."""
    repository = _repository(start)
    published = _published(start, export)
    by_branch: dict[str, list[Bundle]] = {}
    for bundle in bundles:
        by_branch.setdefault(published.branch_of(bundle), []).append(bundle)
    current = run_git(repository.folder, "symbolic-ref", "--quiet", "--short", "HEAD")
    said = []
    for branch, group in by_branch.items():
        if branch == current.stdout.decode().strip():
            what = f"the branch {branch!r} is the one that is checked out"
            fix = "name a branch of its own for what is rendered"
            raise KibanError(Problem("compile/own-branch", what, fix=fix), Exit.USAGE)
        files = FORMS[export.form](group, published)
        message = f"Render {', '.join(dict.fromkeys(bundle.environment for bundle in group))}"
        commit = publish(repository, branch, files, message)
        said.append(f"{branch}: {commit[:8]}" if commit else f"{branch}: unchanged")
    return said


def _repository(start: Path) -> GitRepository:
    # Any name will do: a pipeline often has no branch checked out.
    return open_repository(str(find_platform(start)), Path(), branch="HEAD")


def _published(start: Path, export: Export) -> Published:
    url = export.url
    if not url:
        asked = run_git(find_platform(start), "remote", "get-url", "origin")
        url = asked.stdout.decode().strip()
    if not url:
        what = "it is not known from which repository the files will be read"
        fix = "say --url, or give the repository a remote named origin"
        raise KibanError(Problem("compile/no-url", what, Place(str(start)), fix=fix), Exit.USAGE)
    return Published(url, export.branch or DEFAULT_BRANCH, export.folder)
