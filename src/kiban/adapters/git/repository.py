"""The platform repo through the `git` program, so that users' credentials, hooks and settings work.

A local repository is read where it is; a URL is kept as a bare copy that is fetched. Commits are
made on top of the branch without touching the work tree's other files, and land by compare and
swap: when somebody else was quicker, the edit is made again on what they left. In a local
repository whose branch is checked out, the edited file and its index entry follow the commit as
they do after `git commit -- path`; other uncommitted edits stay, also those in the same file.
"""

import asyncio
import fcntl
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from kiban.adapters.git.program import (
    git_failed,
    git_problem,
    is_race,
    run_git,
)
from kiban.primitives.instants import MICROSECONDS, Instant
from kiban.primitives.problems import KibanError

# How often a local branch is looked at (one or two `stat` calls) and a remote one fetched.
LOCAL_SECONDS = 0.2
REMOTE_SECONDS = 15.0
# An edit that loses the race so often is somebody else's loop.
RACES_LIMIT = 20

Edit = Callable[[str], str]
_FIELDS = "%H%x1f%an <%ae>%x1f%at%x1f%s%x1f%b%x1e"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One commit, as the log tells it: `message` is its first line, `body` the rest."""

    commit: str
    author: str
    at: Instant
    message: str
    body: str = ""


class CommitFiles(dict[str, str]):
    """Text files by path, and the commit they are of."""

    def __init__(self, commit: str, files: Mapping[str, str]) -> None:
        super().__init__(files)
        self.commit = commit


class GitRepository:
    """One branch of one repository. `subfolder` is where the platform repo lies in it."""

    def __init__(self, folder: Path, branch: str, *, remote: str = "", subfolder: str = "") -> None:
        self.folder, self.branch, self.remote, self.subfolder = folder, branch, remote, subfolder
        self._common = Path(self._git("rev-parse", "--git-common-dir").strip())
        self._common = (folder / self._common).resolve()
        self._seen: tuple[object, ...] = ()
        self._head = ""

    @property
    def private(self) -> Path:
        """A directory inside Git's own, for what can be made again from the commits."""
        return self._common / "kiban"

    # Reading

    def head(self) -> str:
        """The commit at the tip of the branch; free of cost while nothing moves."""
        signature = self._signature()
        if signature != self._seen or not self._head:
            self._head, self._seen = self._resolve(), signature
        return self._head

    def fetch(self) -> None:
        """Bring the copy of a remote repository up to date."""
        if not self.remote:
            return
        fetch = (
            "fetch",
            "--quiet",
            self.remote,
            f"+refs/heads/{self.branch}:refs/heads/{self.branch}",
        )
        for _ in range(RACES_LIMIT):
            done = self._run(*fetch)
            if done.returncode == 0:
                return
            # Another process brings the same copy up to date.
            if not is_race(done.stderr):
                break
        raise git_failed(fetch, done.stderr, self.folder)

    def files(self, commit: str, suffixes: Sequence[str] = (".yaml", ".yml")) -> CommitFiles:
        """The text files of a commit by path from the platform repo's root."""
        tree = f"{commit}:{self.subfolder}" if self.subfolder else commit
        listed = self._git("ls-tree", "-r", "-z", tree)
        found: dict[str, str] = {}
        for line in filter(None, listed.split("\0")):
            meta, path = line.split("\t", 1)
            mode, _, blob = meta.split(" ")[:3]
            if path.endswith(tuple(suffixes)) and mode.startswith("100"):
                found[path] = blob
        return CommitFiles(commit, self._blobs(found))

    def file(self, commit: str, path: str) -> str | None:
        """One file at a commit, or None."""
        return self._text_at(commit, self._full(path))

    def log(self, path: str = "", limit: int = 100, start: str = "") -> list[LogEntry]:
        """Commits, the newest first; with `path`, those that changed it."""
        where = ["--", self._full(path)] if path else []
        tip = start or self.head()
        text = self._git("log", f"--max-count={limit}", f"--format={_FIELDS}", tip, *where)
        return [_entry(line) for line in text.split("\x1e") if line.strip()]

    def versions(self, path: str, limit: int = 200) -> list[str]:
        """The texts that a file had, the oldest first; those of the commits that changed it."""
        commits = [entry.commit for entry in self.log(path, limit)][::-1]
        return list(self._blobs({one: f"{one}:{self._full(path)}" for one in commits}).values())

    def commit_info(self, commit: str) -> LogEntry:
        """Who made a commit, when and why."""
        return self.log(limit=1, start=commit)[0]

    def commit_of(self, revision: str) -> str:
        """The commit that a branch, a tag or any other word of Git's names. Raises `KibanError`."""
        found = self._run("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        if found.returncode or revision.startswith("-"):
            what = f"{revision!r} names no commit here."
            fix = "Name a branch, a tag or a commit; in a pipeline, fetch it first."
            raise git_problem("no-commit", what, self.folder, fix)
        return found.stdout.decode().strip()

    def common_ancestor(self, one: str, other: str) -> str:
        """Where two histories parted; the first commit itself when they have nothing in common."""
        found = self._run("merge-base", one, other)
        return one if found.returncode else found.stdout.decode().strip()

    def exists(self, commit: str) -> bool:
        """Whether the repository still has the commit."""
        return self._run("cat-file", "-e", f"{commit}^{{commit}}").returncode == 0

    async def follow(self, after: str = "") -> AsyncIterator[str]:
        """Every new tip of the branch, the first one at once unless it is `after`."""
        last, pause = after, REMOTE_SECONDS if self.remote else LOCAL_SECONDS
        while True:
            if self.remote:
                await asyncio.to_thread(self._try_fetch)
            if self._signature() != self._seen or not self._head:
                await asyncio.to_thread(self._try_head)
            if self._head not in ("", last):
                last = self._head
                yield last
            await asyncio.sleep(pause)

    # Writing

    def edit(self, path: str, change: Edit, message: str) -> str:
        """Change one file and commit that alone on top of the branch; the new commit.

        `change` gets the file's text (empty when there is none) and gives the new one; it may be
        called again when somebody else was quicker. Gives the tip when nothing changes. A text
        that becomes empty removes the file.
        """
        full = self._full(path)
        with self._lock():
            for _ in range(RACES_LIMIT):
                self.fetch()
                tip = self._resolve()
                before = self._text_at(tip, full) or ""
                after = change(before)
                if after == before:
                    return tip
                commit = self.commit_on(tip, full, after, message)
                if commit and self._land(tip, commit):
                    self._follow_in_work_tree(full, before, after, change)
                    return commit
        raise git_problem(
            "too-many-races",
            f"{self.branch} moved {RACES_LIMIT} times while {path} was being edited.",
            self.folder,
            "Try again when it is quieter.",
        )

    def commit_on(self, tip: str, path: str, text: str, message: str) -> str:
        """A commit of one changed file; what `git commit --only` does, hooks included."""
        with tempfile.TemporaryDirectory(prefix="kiban-", dir=self._common) as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self._git("read-tree", tip, env=index)
            self._stage(tip, path, text, env=index)
            self._git("hook", "run", "--ignore-missing", "pre-commit", env=index)
            note = Path(folder) / "COMMIT_EDITMSG"
            note.write_text(message.rstrip() + "\n")
            self._git("hook", "run", "--ignore-missing", "commit-msg", "--", str(note), env=index)
            tree = self._git("write-tree", env=index).strip()
            who = self.identity()
            return self._git("commit-tree", tree, "-p", tip, "-F", str(note), env=who).strip()

    def identity(self) -> Mapping[str, str]:
        """Who commits where nobody has said who they are, as on a fresh machine."""
        if self._run("var", "GIT_COMMITTER_IDENT").returncode == 0:
            return {}
        return {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", "Kiban"), ("EMAIL", "kiban@localhost"))
        }

    def _land(self, tip: str, commit: str) -> bool:
        """Move the branch from `tip` to `commit`, unless it is elsewhere by now."""
        if self.remote:
            spec = f"{commit}:refs/heads/{self.branch}"
            pushed = self._run("push", "--quiet", self.remote, spec)
            if pushed.returncode and not is_race(pushed.stderr):
                raise git_failed(["push"], pushed.stderr, self.folder)
            if pushed.returncode:
                return False
        name = f"refs/heads/{self.branch}"
        moved = self._run("update-ref", "-m", "kiban", name, commit, tip)
        if moved.returncode and not is_race(moved.stderr):
            raise git_failed(["update-ref"], moved.stderr, self.folder)
        return moved.returncode == 0

    def _follow_in_work_tree(self, path: str, before: str, after: str, change: Edit) -> None:
        """Bring the file and the index of a checked-out branch along with the commit."""
        if self.remote or not self._is_checked_out():
            return
        file = self.folder / path
        held = file.read_text() if file.exists() else None
        if held is None and before:
            return
        text = after if held in (None, before) else change(held or "")
        _replace(file, text)
        staged = self._text_at("", path)
        if staged is None and before:
            return
        indexed = after if staged in (None, before) else change(staged or "")
        self._stage("HEAD", path, indexed)
        self._run("update-index", "-q", "--refresh")

    def _stage(
        self, tip: str, path: str, text: str, *, env: Mapping[str, str] | None = None
    ) -> None:
        """Have an index hold a text at a path, with the mode that the file has; or nothing."""
        if not text:
            # Without a work tree there is no `rm`; this form knows none.
            gone = f"0 {'0' * len(self._resolve())}\t{path}\n"
            self._git("update-index", "--index-info", env=env, text=gone)
            return
        blob = self._git("hash-object", "-w", "--stdin", text=text).strip()
        mode = self._mode_at(tip, path)
        self._git("update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}", env=env)

    def _is_checked_out(self) -> bool:
        if self._git("rev-parse", "--is-bare-repository").strip() == "true":
            return False
        head = self._run("symbolic-ref", "--quiet", "HEAD").stdout.decode().strip()
        return head == f"refs/heads/{self.branch}"

    # Git itself

    def _resolve(self) -> str:
        found = self._run("rev-parse", "--verify", "--quiet", f"refs/heads/{self.branch}")
        if found.returncode:
            known = self._git("branch", "--format=%(refname:short)").split()
            what = f"There is no branch {self.branch!r} with a commit."
            fix = f"Branches: {', '.join(known) or 'none'}."
            raise git_problem("no-branch", what, self.folder, fix)
        return found.stdout.decode().strip()

    def _signature(self) -> tuple[object, ...]:
        """Changes whenever a ref may have moved; costs three `stat` calls."""
        names = (f"refs/heads/{self.branch}", "packed-refs", "reftable/tables.list")
        return tuple(_stamp(self._common / name) for name in names)

    def _text_at(self, commit: str, path: str) -> str | None:
        """A file's text at a commit; with an empty commit, in the index."""
        found = self._run("cat-file", "blob", f"{commit}:{path}")
        return found.stdout.decode(errors="replace") if found.returncode == 0 else None

    def _mode_at(self, commit: str, path: str) -> str:
        listed = self._git("ls-tree", "--full-tree", commit, "--", path)
        return listed.split(" ", 1)[0] if listed else "100644"

    def _blobs(self, wanted: Mapping[str, str]) -> dict[str, str]:
        if not wanted:
            return {}
        request = "".join(f"{blob}\n" for blob in wanted.values())
        data = self._run("cat-file", "--batch", text=request).stdout
        found, start = {}, 0
        for path in wanted:
            end = data.index(b"\n", start)
            if data[start:end].endswith(b" missing"):
                start = end + 1
                continue
            size = int(data[start:end].split(b" ")[2])
            body = data[end + 1 : end + 1 + size]
            start = end + 1 + size + 1
            found[path] = body.decode(errors="replace")
        return found

    def _full(self, path: str) -> str:
        return f"{self.subfolder}/{path}" if self.subfolder else path

    def _try_fetch(self) -> None:
        try:
            self.fetch()
        except KibanError:
            # Offline for a while: the branch stays where it was last seen.
            return

    def _try_head(self) -> None:
        try:
            self.head()
        except KibanError:
            # A branch that is being replaced is looked at again.
            return

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One edit at a time among processes of Kiban; others are met by compare and swap."""
        with (self._common / "kiban.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _git(
        self, *args: str, env: Mapping[str, str] | None = None, text: str | None = None
    ) -> str:
        done = self._run(*args, env=env, text=text)
        if done.returncode:
            raise git_failed(args, done.stderr or done.stdout, self.folder)
        return done.stdout.decode(errors="replace")

    def _run(
        self, *args: str, env: Mapping[str, str] | None = None, text: str | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return run_git(self.folder, *args, env=env, text=text)


def _entry(line: str) -> LogEntry:
    commit, author, at, message, body = line.strip("\n").split("\x1f", 4)
    return LogEntry(commit, author, Instant(int(at) * MICROSECONDS), message, body.strip())


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_ino, found.st_size)


def _replace(file: Path, text: str) -> None:
    """Write a file whole or not at all, keeping its mode; without text, remove it."""
    if not text:
        file.unlink(missing_ok=True)
        # As Git does, with the directories that held nothing else.
        with suppress(OSError):
            for folder in file.parents:
                folder.rmdir()
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    mode = file.stat().st_mode if file.exists() else None
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as new:
        new.write(text)
    Path(new.name).chmod(mode if mode is not None else 0o644)
    Path(new.name).replace(file)
