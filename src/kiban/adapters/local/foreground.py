"""How the program of a local resource is told what to do, and how it runs another in its place."""

import argparse
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from kiban.primitives.problems import Exit, KibanError, Problem

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Arguments:
    """Where a resource keeps its data and where it listens."""

    data: Path
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Account:
    """The user a program runs as."""

    uid: int
    gid: int
    name: str


def run(main: Callable[[Arguments], int], what: str, default_port: int) -> None:
    """Parse the arguments, run, say what went wrong, and leave with the right code."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--data", type=Path, default=Path("data"), help="directory of the data")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or default_port))
    parser.add_argument("--host", default=os.environ.get("HOST") or "127.0.0.1")
    given = parser.parse_args()
    try:
        code = main(Arguments(given.data.absolute(), given.host, given.port))
    except KibanError as error:
        print(error, file=sys.stderr)  # noqa: T201
        code = error.exit_code
    sys.exit(code)


def secret(name: str, default: str | None = None) -> str:
    """A secret from the environment. Control characters would end the line it is written on."""
    value = os.environ.get(name) or default
    if value is None or any(ord(letter) < 32 for letter in value):
        state = "is not set" if value is None else "holds control characters"
        raise KibanError(
            Problem(
                "local/secret",
                f"The environment variable {name} {state}.",
                fix=f"Give the pod {name} from the secret of its resource.",
            ),
            Exit.WORLD_FAILED,
        )
    return value


def run_child(
    command: Sequence[str], *, stop_signal: signal.Signals, account: Account | None
) -> int:
    """Run a program in the foreground; SIGTERM and SIGINT reach it as `stop_signal`.

    Returns its exit code, or 128 and the signal that killed it, as a shell does. It stays in our
    process group and does not survive us.
    """
    # No thread runs in this process, so `preexec_fn` cannot meet a lock that one of them holds.
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=_die_with_parent if _libc is not None else None,  # noqa: PLW1509
        **as_account(account),
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        child.send_signal(stop_signal)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    code: int = child.wait()
    return code if code >= 0 else 128 - code


def as_account(account: Account | None) -> dict[str, Any]:
    """The arguments of `subprocess` that run a program as another user."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": [], "cwd": "/"}


def _die_with_parent() -> None:
    assert _libc is not None
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
