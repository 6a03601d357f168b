"""Runs the programs that render: kustomize or `kubectl kustomize`, helm, sops."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from kiban.primitives.problems import Exit, KibanError, Place, Problem

TOOL_SECONDS = 120.0
# Lines of a tool's complaint that are shown.
SHOWN_LINES = 6

_WHERE = {
    "kustomize": "Install kubectl or kustomize; `kubectl kustomize` does as well.",
    "helm": "Install Helm 3 or later.",
    "sops": "Install sops and give it its key; `sops --decrypt FILE` must work.",
}


def kustomize() -> list[str]:
    """The command that renders a directory, with whichever program there is."""
    if found := shutil.which("kustomize"):
        return [found, "build"]
    if found := shutil.which("kubectl"):
        return [found, "kustomize"]
    raise _missing("kustomize")


def program(name: str) -> str:
    """Where a program is. Raises `KibanError` when it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise _missing(name)
    return found


def signature(command: Sequence[str]) -> str:
    """Changes when a program is replaced by another version of it."""
    state = Path(command[0]).resolve().stat()
    return f"{Path(command[0]).name} {state.st_size} {state.st_mtime_ns} {' '.join(command[1:])}"


def run(
    command: Sequence[str],
    folder: Path,
    about: Place,
    *,
    given: str = "",
    env: Mapping[str, str] | None = None,
) -> str:
    """What a program prints. Its complaints become a problem, for which `about` is the place."""
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **(env or {})},
            input=given.encode(),
            capture_output=True,
            timeout=TOOL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        what = f"`{name}` did not end within {TOOL_SECONDS:g} s"
        raise KibanError(Problem("sources/timeout", what, about), Exit.WORLD_FAILED) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-SHOWN_LINES:]
        what = f"`{name}` failed: " + " ".join(line.strip() for line in said)
        raise KibanError(Problem("sources/failed", what, about))
    return done.stdout.decode(errors="replace")


def _missing(name: str) -> KibanError:
    what = f"the program `{name}` is needed and not installed"
    return KibanError(Problem("sources/no-tool", what, fix=_WHERE[name]), Exit.WORLD_FAILED)
