"""Finds a repository: the one that a directory is in, or a URL of which a copy is kept."""

import re
import shutil
import tempfile
from pathlib import Path

from kiban.adapters.git.program import checked_git, git_problem, run_git
from kiban.adapters.git.repository import GitRepository


def is_url(source: str) -> bool:
    """Whether a source names a repository elsewhere: `https://…`, `git@host:…`."""
    return re.match(r"[a-z+]+://|[\w.-]+@[\w.-]+:", source) is not None


def open_repository(source: str, cache: Path, *, branch: str = "") -> GitRepository:
    """The repository at a path or URL; of a URL a bare copy is kept under `cache`.

    Without a branch, the one that is checked out, or the remote's default. Raises `KibanError`.
    """
    path = Path(source).expanduser()
    if path.exists():
        return _open_local(path.resolve(), branch)
    if not is_url(source):
        raise git_problem("no-repository", f"There is nothing at {source!r}.", path)
    folder = cache / re.sub(r"[^\w.-]+", "-", re.sub(r"//[^@/]*@", "//", source)).strip("-")
    if not (folder / "HEAD").exists():
        _make_copy(folder)
    branch = branch or _default_branch(folder, source)
    repository = GitRepository(folder, branch, remote=source)
    repository.fetch()
    return repository


def _make_copy(folder: Path) -> None:
    """An empty bare repository, there whole or not at all: others may be making it too."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    checked_git(draft, "init", "--quiet", "--bare", ".")
    try:
        draft.rename(folder)
    except OSError:
        shutil.rmtree(draft)


def _open_local(path: Path, branch: str) -> GitRepository:
    folder = path if path.is_dir() else path.parent
    found = run_git(folder, "rev-parse", "--show-prefix")
    if found.returncode:
        raise git_problem(
            "no-repository",
            f"{folder} is not in a Git repository.",
            folder,
            "Run `git init && git add . && git commit` there; Kiban delivers commits.",
        )
    subfolder = found.stdout.decode().strip().rstrip("/")
    if not branch:
        head = run_git(folder, "symbolic-ref", "--quiet", "--short", "HEAD")
        if head.returncode:
            what = "No branch is checked out there; name the one to follow."
            raise git_problem("no-branch", what, folder)
        branch = head.stdout.decode().strip()
    # From the top, so that every path means the same to every command.
    top = run_git(folder, "rev-parse", "--show-toplevel")
    folder = Path(top.stdout.decode().strip()) if top.returncode == 0 else folder
    return GitRepository(folder, branch, subfolder=subfolder)


def _default_branch(folder: Path, source: str) -> str:
    listed = checked_git(folder, "ls-remote", "--symref", source, "HEAD")
    match = re.search(r"^ref: refs/heads/(\S+)\s+HEAD", listed, re.MULTILINE)
    return match[1] if match else "main"
