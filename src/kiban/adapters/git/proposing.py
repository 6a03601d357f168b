"""Puts an edit on a branch of its own, on top of the followed one, for people to look at: pushed
to where the repository came from, or kept here when it came from nowhere."""

from dataclasses import dataclass

from kiban.adapters.git.program import git_failed, run_git
from kiban.adapters.git.repository import Edit, GitRepository

REMOTE = "origin"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A branch that holds one commit more than the followed one; `remote` is the URL that it was
    pushed to, empty when it is only here."""

    branch: str
    base: str
    commit: str
    remote: str = ""


def propose(
    repository: GitRepository, branch: str, path: str, change: Edit, message: str
) -> Proposal | None:
    """Commit an edit of one file on a branch, which is made anew; None when nothing changes."""
    repository.fetch()
    tip = repository.commit_of(f"refs/heads/{repository.branch}")
    full = f"{repository.subfolder}/{path}" if repository.subfolder else path
    before = repository.file(tip, path) or ""
    after = change(before)
    if after == before:
        return None
    commit = repository.commit_on(tip, full, after, message)
    remote, name = _remote_of(repository)
    if name:
        reference = f"+{commit}:refs/heads/{branch}"
        args: tuple[str, ...] = ("push", "--quiet", name, reference)
    else:
        args = ("update-ref", "-m", "kiban", f"refs/heads/{branch}", commit)
    done = run_git(repository.folder, *args)
    if done.returncode:
        raise git_failed(args, done.stderr, repository.folder)
    return Proposal(branch, repository.branch, commit, remote)


def _remote_of(repository: GitRepository) -> tuple[str, str]:
    """The URL that a repository came from, and what Git calls it; both empty for none."""
    if repository.remote:
        return repository.remote, repository.remote
    found = run_git(repository.folder, "remote", "get-url", REMOTE)
    url = found.stdout.decode().strip() if found.returncode == 0 else ""
    return url, REMOTE if url else ""
