"""The platform repo a command means: its working tree, and the Git repository that is followed."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from kiban.adapters.git import GitRepository, is_url, open_repository
from kiban.spec import Platform, load_platform, read_directory
from kiban.wiring.places import PLATFORM_FILE, State, find_platform, state_of

IDENTITY = ("-c", "user.name=Kiban", "-c", "user.email=kiban@localhost")
LEFT_OUT = (".git", ".kiban", "__pycache__")


@dataclass(frozen=True, slots=True)
class Home:
    """A platform directory, its state, and where its Git repository is."""

    directory: Path
    state: State
    source: str

    def repository(self, branch: str = "") -> GitRepository:
        """The repository that commands commit to and `kiban up` follows."""
        return open_repository(self.source, self.state.directory / "remotes", branch=branch)


def platform_here(start: Path | None = None) -> Platform:
    """The platform of the directory a command runs in. Raises all its mistakes at once."""
    return load_platform(read_directory(find_platform(start or Path.cwd())))


def home_of(source: str = ".") -> Home:
    """Where a command works: a platform directory, or a URL that is followed from here.

    An example gets a repository of its own on first use, so that playing with it never commits to
    the repository it came in; what is changed in the directory later is taken over as a commit.
    """
    if is_url(source) and not Path(source).exists():
        state = State((Path.cwd() / ".kiban").resolve())
        state.directory.mkdir(exist_ok=True, mode=0o700)
        state.source.write_text(source)
        return Home(Path.cwd(), state, source)
    if followed := _followed_from(Path(source)):
        return followed
    directory = find_platform(Path(source))
    state = state_of(directory)
    state.directory.mkdir(exist_ok=True, mode=0o700)
    if load_marker(directory):
        import_example(directory, state)
        return Home(directory, state, str(state.repository))
    return Home(directory, state, str(directory))


def _followed_from(start: Path) -> Home | None:
    """Where a repository that lies elsewhere is followed from, at or above a directory."""
    for directory in (start.resolve(), *start.resolve().parents):
        if (directory / PLATFORM_FILE).is_file():
            return None
        state = state_of(directory)
        if state.source.is_file():
            return Home(directory, state, state.source.read_text())
    return None


def load_marker(directory: Path) -> bool:
    """Whether the directory says that it is an example; a broken one says nothing."""
    lines = (directory / "platform.yaml").read_text(errors="replace").splitlines()
    return "example: true" in lines


def import_example(directory: Path, state: State) -> None:
    """Give the example a history of its own, and take over what has changed in its directory."""
    found = _digest(directory)
    note = state.directory / "imported.json"
    known = json.loads(note.read_text())["digest"] if note.exists() else ""
    if found == known and (state.repository / ".git").exists():
        return
    first = not (state.repository / ".git").exists()
    if first:
        shutil.rmtree(state.repository, ignore_errors=True)
        state.repository.mkdir(parents=True)
        _git(state.repository, "init", "--quiet", "--initial-branch", "main")
    shutil.copytree(
        directory,
        state.repository,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns(*LEFT_OUT),
    )
    _git(state.repository, "add", "--all")
    words = f"Import {directory.name}" if first else f"Take over changes of {directory.name}"
    _git(state.repository, "commit", "--quiet", "--allow-empty", "-m", words)
    note.write_text(json.dumps({"digest": found}))


def _digest(directory: Path) -> str:
    total = sha256()
    for path in sorted(directory.rglob("*")):
        relative = path.relative_to(directory)
        if path.is_file() and not set(relative.parts) & set(LEFT_OUT):
            total.update(f"{relative}\0{path.stat().st_mode & 0o100}\0".encode())
            total.update(path.read_bytes())
    return total.hexdigest()


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", *IDENTITY, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
