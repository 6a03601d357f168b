"""Where the files of sources are read: a directory, or a commit that nobody has checked out."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

from kiban.adapters.git.program import checked_git, run_git

# What no source means, wherever it lies.
_LEFT_OUT = (".git", ".kiban", "__pycache__", "node_modules", ".venv")


class Tree(Protocol):
    """The files of a platform repo, by path from its root."""

    def under(self, folder: str) -> list[str]:
        """The paths of all files below a folder, sorted; the folder itself when it is a file."""
        ...

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The contents of files that are there."""
        ...


class DirectoryTree:
    """Files as they lie on the disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def under(self, folder: str) -> list[str]:
        start = self._root / folder
        if start.is_file():
            return [folder]
        # A directory is left out before it is walked: node_modules may hold a million files.
        found: list[str] = []
        open_ = [start] if start.is_dir() else []
        while open_:
            for entry in open_.pop().iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    open_ += [entry] if entry.name not in _LEFT_OUT else []
                elif entry.is_file():
                    found.append(entry.relative_to(self._root).as_posix())
        return sorted(found)

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        return {path: (self._root / path).read_bytes() for path in paths}


class CommitTree:
    """Files of a commit. `subfolder` is where the platform repo lies in the repository."""

    def __init__(self, folder: Path, commit: str, subfolder: str = "") -> None:
        self._folder = folder
        self._name = f"{commit}:{subfolder}" if subfolder else commit

    @cached_property
    def _blobs(self) -> Mapping[str, str]:
        listed = checked_git(self._folder, "ls-tree", "-r", "-z", self._name)
        found = {}
        for line in filter(None, listed.split("\0")):
            meta, path = line.split("\t", 1)
            mode, _, blob = meta.split(" ")[:3]
            if mode.startswith("100"):
                found[path] = blob
        return found

    def under(self, folder: str) -> list[str]:
        prefix = "" if folder == "." else f"{folder}/"
        return sorted(path for path in self._blobs if path == folder or path.startswith(prefix))

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        wanted = list(paths)
        request = "".join(f"{self._blobs[path]}\n" for path in wanted)
        data = run_git(self._folder, "cat-file", "--batch", text=request).stdout
        found, start = {}, 0
        for path in wanted:
            end = data.index(b"\n", start)
            size = int(data[start:end].split(b" ")[2])
            found[path] = data[end + 1 : end + 1 + size]
            start = end + 1 + size + 1
        return found


def content_digest(files: Mapping[str, bytes], *words: str) -> str:
    """The name of an input: of its files and of whatever else decides the outcome."""
    total = blake2b(digest_size=16)
    for word in words:
        total.update(f"{len(word)}:{word}".encode())
    for path in sorted(files):
        total.update(f"{len(path)}:{path}{len(files[path])}:".encode())
        total.update(files[path])
    return total.hexdigest()
