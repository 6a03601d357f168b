"""Publishes files as the whole content of a branch: rendered manifests, for tools that read them
from Git. A branch that holds them already gets no commit."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from kiban.adapters.git.program import git_failed, run_git
from kiban.adapters.git.repository import GitRepository


def publish(repository: GitRepository, branch: str, files: Mapping[str, str], message: str) -> str:
    """The commit that holds the files at the tip of the branch; empty when it did already."""
    folder = repository.folder
    if repository.remote:
        spec = f"+refs/heads/{branch}:refs/heads/{branch}"
        run_git(folder, "fetch", "--quiet", repository.remote, spec)
    reference = f"refs/heads/{branch}"
    found = run_git(folder, "rev-parse", "--verify", "--quiet", reference)
    tip = found.stdout.decode().strip()
    tree = _tree(folder, files)
    if tip and _git(folder, "rev-parse", f"{tip}^{{tree}}") == tree:
        return ""
    parents = ["-p", tip] if tip else []
    who = repository.identity()
    commit = _git(folder, "commit-tree", tree, *parents, "-m", message, env=who)
    _git(folder, "update-ref", "-m", "kiban", reference, commit, tip or "0" * 40)
    if repository.remote:
        _git(folder, "push", "--quiet", repository.remote, f"{commit}:{reference}")
    return commit


def _tree(folder: Path, files: Mapping[str, str]) -> str:
    """A tree of exactly these files, made without touching the index or the work tree."""
    with tempfile.TemporaryDirectory(prefix="kiban-") as place:
        index = {"GIT_INDEX_FILE": str(Path(place) / "index")}
        lines = []
        for path, text in sorted(files.items()):
            blob = _git(folder, "hash-object", "-w", "--stdin", text=text)
            lines.append(f"100644 {blob}\t{path}\n")
        _git(folder, "update-index", "--add", "--index-info", env=index, text="".join(lines))
        return _git(folder, "write-tree", env=index)


def _git(
    folder: Path, *args: str, env: Mapping[str, str] | None = None, text: str | None = None
) -> str:
    done = run_git(folder, *args, env=env, text=text)
    if done.returncode:
        raise git_failed(args, done.stderr, folder)
    return done.stdout.decode().strip()
