"""Where things are on disk: the platform repo a command means, and Kiban's own state beside it.

A platform directory is recognised by its `platform.yaml`. Its state lives in `.kiban` inside it
and can be removed when nothing runs; nothing there belongs into Git.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from kiban.adapters.journal.database import JournalPlace
from kiban.primitives.problems import Exit, KibanError, Place, Problem

PLATFORM_FILE = "platform.yaml"
# The URL of a PostgreSQL database, when the journal is in one; it may hold a password.
JOURNAL_VARIABLE = "KIBAN_JOURNAL"
# The embedded cluster's objects, in its own directory.
STORE_FILE = "store.db"
# Who did what to it.
AUDIT_FILE = "audit.db"


@dataclass(frozen=True, slots=True)
class State:
    """The state directory of one platform directory, or of a cluster that runs alone."""

    directory: Path

    @property
    def cluster(self) -> Path:
        """The embedded cluster: its journal, certificates, kubeconfig, pods, images."""
        return self.directory / "cluster"

    @property
    def kubeconfig(self) -> Path:
        return self.cluster / "kubeconfig"

    @property
    def journal(self) -> JournalPlace:
        """What was planned and done, readable while Kiban runs: in a file here, or in the
        database that a team shares."""
        return os.environ.get(JOURNAL_VARIABLE) or self.directory / "journal.db"

    @property
    def repository(self) -> Path:
        """The Git repository made for a platform directory that is not one itself."""
        return self.directory / "repo"

    @property
    def source(self) -> Path:
        """Holds the URL of a repository that is followed from here."""
        return self.directory / "source"

    @property
    def log(self) -> Path:
        """What a detached `kiban up` prints."""
        return self.directory / "up.log"

    @property
    def ready_file(self) -> Path:
        """What a running `kiban up` says about itself: process id, addresses, environments."""
        return self.directory / "up.json"


def copies() -> Path:
    """Where copies of repositories are kept for commands that run outside of any platform
    directory, as pipelines do."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "kiban" / "remotes"


def find_platform(start: Path) -> Path:
    """The platform directory at or above `start`."""
    start = start.resolve()
    for directory in (start, *start.parents):
        if (directory / PLATFORM_FILE).is_file():
            return directory
    raise KibanError(
        Problem(
            "repo/not-found",
            f"there is no {PLATFORM_FILE} in {start} or above it",
            Place(file=str(start)),
            fix="run the command in a platform repo, or make one: kiban new my-platform",
        ),
        Exit.USAGE,
    )


def state_of(platform: Path) -> State:
    """The state that belongs to a platform directory."""
    return State(platform / ".kiban")
