"""A platform that is really up: a repository, the embedded cluster, real processes, Envoy.

Every test speaks to it as a user would: through `kiban` in a process of its own, through Git, and
through the gateway.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

Found = TypeVar("Found")

PATIENCE_SECONDS = 90.0
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Repo:
    """A platform repo on disk and what a user does with it."""

    path: Path

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the repo, whatever it ends with."""
        return subprocess.run(
            [sys.executable, "-m", "kiban", *arguments],
            cwd=self.path,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def kiban(self, *arguments: str, code: int = 0) -> str:
        """Run a command in the repo; what it says. The exit code must be the given one."""
        done = self.run(*arguments)
        assert done.returncode == code, (
            f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done.stdout + (done.stderr if code else "")

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.kiban(*arguments, "--json", code=code))

    def status(self) -> dict[str, Any]:
        """`kiban status`, well or not."""
        done = self.run("status", "--json")
        assert done.returncode in (0, 1), done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost"]
        done = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.path,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, message: str, **files: str) -> str:
        """Change files and commit them; the new commit. Slashes are written as `__`."""
        for name, text in files.items():
            path = self.path / (name.replace("__", "/") + ".yaml")
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def releases(self, environment: str = "dev") -> dict[str, str]:
        """What the release file says."""
        text = (self.path / f"releases/{environment}.yaml").read_text()
        found: dict[str, str] = yaml.safe_load(text)
        return found

    def up(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = self.json("up", "--detach", "--until", "ready", *arguments)
        return found

    @property
    def facts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.path / ".kiban/up.json").read_text())
        return found

    def get(self, path: str = "/", host: str = "shop.localhost") -> tuple[int, str]:
        """One request through the gateway."""
        gateway = self.facts["cluster"]["gateway"]
        request = urllib.request.Request(f"http://{gateway}{path}", headers={"Host": host})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def processes(self) -> list[int]:
        """Every process of this platform's cluster, by the marker in its environment."""
        from kiban.adapters.processes.warden import CLUSTER_VARIABLE, cluster_id

        marker = f"{CLUSTER_VARIABLE}={cluster_id(self.path / '.kiban/cluster')}".encode()
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                if marker in environ.read_bytes().split(b"\0"):
                    found.append(int(environ.parent.name))
            except OSError:
                continue
        return sorted(found)

    def kill(self) -> None:
        """`kill -9` of Kiban itself."""
        os.kill(int(self.facts["pid"]), signal.SIGKILL)


def until(ask: Callable[[], Found], patience: float = PATIENCE_SECONDS) -> Found:
    """Ask until the answer is true; the answer."""
    deadline = time.monotonic() + patience
    while True:
        found = ask()
        if found:
            return found
        assert time.monotonic() < deadline, f"never became true; last was {found!r}"
        time.sleep(POLL_SECONDS)


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repo]:
    """A new repo, and nothing of it left afterwards."""
    path = tmp_path_factory.mktemp("platform") / "shop"
    subprocess.run(
        [sys.executable, "-m", "kiban", "new", "shop", "--directory", str(path)], check=True
    )
    repo = Repo(path)
    yield repo
    repo.kiban("down")
    assert repo.processes() == []


@pytest.fixture(scope="module")
def platform(repo: Repo) -> Repo:
    """A new repo that is up and ready."""
    repo.up()
    return repo
