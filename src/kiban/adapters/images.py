"""The local image store: directories by digest, snapshots of a service at a commit.

An image is what `git archive` would give of a service's directory, or its working tree, made
read-only under `blobs/<digest>`; references are small JSON files. The digest depends on names,
modes and contents only. Where a Dockerfile stands in the directory, `CMD`, `ENTRYPOINT`, `ENV`
and `WORKDIR` of the stage that is asked for are the image's defaults. Two builds at once meet in a
rename.
"""

import io
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote

from kiban.adapters.dockerfiles import ImageDefaults, read_dockerfile
from kiban.primitives.problems import KibanError, Place, Problem

BUILT_IN_PREFIX = "kiban.local/"
BUILT_INS = ("postgres", "redis", "aws")
# What a working tree has and an image does not.
_LEFT_OUT = frozenset({".git", ".kiban", "__pycache__", ".venv", "node_modules", ".DS_Store"})


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which Dockerfile of a directory makes the image, which stage of it, with what arguments."""

    dockerfile: str = "Dockerfile"
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image in the store. `directory` is empty for one that is part of Kiban."""

    reference: str
    digest: str
    directory: str
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_dir: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    recipe: Recipe = field(default_factory=Recipe)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One file of an image: a mode of 755 or 644, or a link with its target as content."""

    path: str
    mode: int
    content: bytes
    is_link: bool = False


class ImageStore:
    """Images under one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def build(
        self,
        repository: Path,
        service_dir: str,
        *,
        image: str,
        tag: str,
        commit: str = "",
        recipe: Recipe | None = None,
    ) -> ImageRecord:
        """Snapshot a directory of a repository, at a commit or as it lies there.

        Raises `KibanError` when the commit or the directory is not there.
        """
        if commit:
            entries = _committed(repository, service_dir, commit)
        else:
            entries = _working_tree(repository / service_dir)
        source = f"{service_dir}@{commit or 'worktree'}"
        return self.add(entries, f"{image}:{tag}", source=source, recipe=recipe or Recipe())

    def add(
        self,
        entries: Sequence[_Entry],
        reference: str,
        *,
        source: str = "",
        recipe: Recipe | None = None,
    ) -> ImageRecord:
        """Store files as an image under a reference."""
        digest = _digest(entries)
        directory = self._blobs / digest
        if not directory.is_dir():
            self._write(entries, directory)
        record = ImageRecord(
            reference, f"sha256:{digest}", str(directory), source=source, recipe=recipe or Recipe()
        )
        self._references.mkdir(parents=True, exist_ok=True)
        path = self._path(reference)
        with tempfile.NamedTemporaryFile("w", dir=self._references, delete=False) as draft:
            draft.write(json.dumps(asdict(record)))
        Path(draft.name).replace(path)
        return _with_defaults(record)

    def find(self, reference: str) -> ImageRecord | None:
        """The image of a reference (no tag means `latest`; a digest is looked up by itself)."""
        built_in = _built_in(reference)
        if built_in is not None:
            return built_in
        path = self._path(_tagged(reference))
        try:
            saved = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        recipe = Recipe(**saved.pop("recipe", {}))
        record = ImageRecord(**saved, recipe=recipe)
        return _with_defaults(record) if Path(record.directory).is_dir() else None

    def list(self) -> Sequence[ImageRecord]:
        """Every reference in the store, sorted."""
        names = sorted(unquote(path.stem) for path in self._references.glob("*.json"))
        return [record for name in names if (record := self.find(name)) is not None]

    def remove(self, reference: str) -> None:
        """Forget a reference; `prune` then frees what it held."""
        self._path(_tagged(reference)).unlink(missing_ok=True)

    def prune(self) -> int:
        """Remove every directory that no reference leads to; how many there were."""
        used = {Path(record.directory).name for record in self.list()}
        unused = [p for p in sorted(self._blobs.glob("*")) if p.name not in used]
        for path in unused:
            _remove_tree(path)
        return len(unused)

    @property
    def _blobs(self) -> Path:
        return self.directory / "blobs"

    @property
    def _references(self) -> Path:
        return self.directory / "references"

    def _path(self, reference: str) -> Path:
        return self._references / f"{quote(reference, safe='')}.json"

    def _write(self, entries: Sequence[_Entry], directory: Path) -> None:
        self._blobs.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".building-", dir=self._blobs))
        for entry in entries:
            path = draft / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.is_link:
                path.symlink_to(entry.content.decode())
            else:
                path.write_bytes(entry.content)
                path.chmod(entry.mode & ~0o222)
        for folder, _, _ in os.walk(draft, topdown=False):
            Path(folder).chmod(0o755 if folder == str(draft) else 0o555)
        try:
            draft.rename(directory)
        except OSError:
            # Somebody else built the same image in the meantime.
            _remove_tree(draft)
        with suppress(OSError):
            directory.chmod(0o555)


def _committed(repository: Path, service_dir: str, commit: str) -> list[_Entry]:
    prefix = service_dir.strip("/")
    treeish = f"{commit}:{prefix}" if prefix not in ("", ".") else commit
    done = subprocess.run(
        ["git", "-C", str(repository), "archive", "--format=tar", treeish],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise KibanError(
            Problem(
                "image/no-source",
                f"there is no {service_dir} at commit {commit}",
                Place(file=str(repository)),
                why=done.stderr.decode(errors="replace").strip(),
                fix="commit the directory, or name the commit that has it",
            )
        )
    return sorted(_tar_entries(done.stdout), key=lambda entry: entry.path)


def _tar_entries(data: bytes) -> Iterator[_Entry]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            path = PurePosixPath(member.name).as_posix()
            if member.issym():
                yield _Entry(path, 0o777, member.linkname.encode(), is_link=True)
            elif member.isfile():
                file = archive.extractfile(member)
                assert file is not None
                yield _Entry(path, 0o755 if member.mode & 0o100 else 0o644, file.read())


def _working_tree(root: Path) -> list[_Entry]:
    if not root.is_dir():
        raise KibanError(
            Problem(
                "image/no-source",
                f"there is no directory {root}",
                fix="name the directory of the service inside the repository",
            )
        )
    found: list[_Entry] = []
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in _LEFT_OUT)
        for name in sorted(files):
            path = Path(folder) / name
            if name in _LEFT_OUT or name.endswith(".pyc"):
                continue
            relative = path.relative_to(root).as_posix()
            if path.is_symlink():
                found.append(_Entry(relative, 0o777, str(path.readlink()).encode(), is_link=True))
            elif path.is_file():
                mode = 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644
                found.append(_Entry(relative, mode, path.read_bytes()))
    return sorted(found, key=lambda entry: entry.path)


def _digest(entries: Sequence[_Entry]) -> str:
    total = sha256()
    for entry in entries:
        inner = sha256(entry.content).hexdigest()
        total.update(f"{entry.mode:o} {int(entry.is_link)} {inner} {entry.path}\n".encode())
    return total.hexdigest()


def _with_defaults(record: ImageRecord) -> ImageRecord:
    recipe = record.recipe
    path = Path(record.directory) / recipe.dockerfile
    found = ImageDefaults()
    if path.is_file():
        found = read_dockerfile(path.read_text(), recipe.target, recipe.args)
    return replace(
        record,
        entrypoint=found.entrypoint,
        command=found.command,
        working_dir=found.working_dir,
        env=found.env,
    )


def _built_in(reference: str) -> ImageRecord | None:
    prefix, _, name = reference.partition("@")[0].partition(":")[0].rpartition("/")
    if f"{prefix}/" != BUILT_IN_PREFIX or name not in BUILT_INS:
        return None
    command = (sys.executable, "-m", f"kiban.adapters.local.{name}")
    return ImageRecord(reference, f"kiban:{name}", "", entrypoint=command)


def _tagged(reference: str) -> str:
    last = reference.rpartition("/")[2]
    return reference if ":" in last or "@" in last else f"{reference}:latest"


def _remove_tree(path: Path) -> None:
    for folder, _, _ in os.walk(path):
        Path(folder).chmod(0o755)
    shutil.rmtree(path, ignore_errors=True)
