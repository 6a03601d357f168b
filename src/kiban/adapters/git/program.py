"""Runs the `git` program and makes problems of what it says."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from kiban.primitives.problems import Exit, KibanError, Place, Problem

GIT_SECONDS = 120.0


def run_git(
    folder: Path, *args: str, env: Mapping[str, str] | None = None, text: str | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder; the answer with its exit code, whatever that is."""
    # Questions on the terminal would stop a program that nobody watches.
    full = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", **(env or {})}
    try:
        return subprocess.run(
            ["git", *args],
            cwd=folder,
            env=full,
            input=text.encode() if text is not None else b"",
            capture_output=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        what = "The program `git` is not installed."
        raise git_problem("no-git", what, folder, "Install Git.") from error
    except subprocess.TimeoutExpired as error:
        what = f"`git {args[0]}` did not end within {GIT_SECONDS:g} s."
        raise git_problem("timeout", what, folder) from error


def checked_git(folder: Path, *args: str) -> str:
    done = run_git(folder, *args)
    if done.returncode:
        raise git_failed(args, done.stderr, folder)
    return done.stdout.decode(errors="replace")


def is_race(stderr: bytes) -> bool:
    text = stderr.decode(errors="replace")
    signs = ("but expected", "cannot lock ref", "fetch first", "non-fast-forward", "[rejected]")
    return any(sign in text for sign in signs)


def git_failed(args: Sequence[str], stderr: bytes, folder: Path) -> KibanError:
    # A URL may hold a password.
    text = re.sub(r"//[^@/\s]*@", "//", stderr.decode(errors="replace").strip())
    return git_problem("failed", f"`git {args[0]}` failed: {text}", folder)


def git_problem(code: str, what: str, folder: Path, fix: str = "") -> KibanError:
    problem = Problem(f"git/{code}", what, Place(file=str(folder)), fix=fix)
    return KibanError(problem, Exit.WORLD_FAILED)
