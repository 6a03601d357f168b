"""The command line as a whole: help at once, exit codes, one entry for every command."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from kiban.cli.main import COMMANDS, commands

HEAVY = ("pydantic", "aiohttp", "yaml", "rich", "cryptography", "sqlite3", "asyncio")


def kiban(*arguments: str, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "kiban", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from kiban.cli.main import commands\n"
        "try: commands.main(['--help'], standalone_mode=False)\n"
        f"finally: print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    context = click.Context(commands, info_name="kiban")
    command = commands.get_command(context, name)
    assert command is not None
    for each in command.commands.values() if isinstance(command, click.Group) else [command]:
        shown = CliRunner().invoke(each, ["--help"]).output
        assert re.search(r"Example: .*kiban ", shown), each.name


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_help_is_that_of_the_command(name: str) -> None:
    module, line = COMMANDS[name]
    command = getattr(import_module(f"kiban.cli.{module}"), f"{name.replace('-', '_')}_command")
    assert line.endswith(".")
    assert command.name == name


def test_an_unknown_command_is_wrong_usage() -> None:
    done = kiban("deply")
    assert done.returncode == 2
    assert "No such command" in done.stderr


def test_outside_a_platform_repo_it_says_what_to_do(tmp_path: Path) -> None:
    done = kiban("compile", folder=tmp_path)
    assert done.returncode == 2
    assert "[repo/not-found]" in done.stderr
    assert "kiban new" in done.stderr


def test_the_reader_of_a_pipe_may_leave(tmp_path: Path) -> None:
    kiban("new", "shop", folder=tmp_path)
    command = f"{sys.executable} -m kiban compile --env dev | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path / "shop", capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr


def test_new_refuses_a_directory_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "mine.txt").write_text("mine")
    done = kiban("new", "shop", folder=tmp_path)
    assert done.returncode == 2
    assert [path.name for path in (tmp_path / "shop").iterdir()] == ["mine.txt"]


def test_compile_writes_files_and_the_same_bytes_to_standard_output(tmp_path: Path) -> None:
    kiban("new", "shop", folder=tmp_path)
    repo = tmp_path / "shop"
    assert kiban("compile", "--env", "prod", "--out", "out", folder=repo).returncode == 0
    written = sorted(path.name for path in (repo / "out").rglob("*.yaml"))
    assert written
    once, again = (kiban("compile", "--env", "prod", folder=repo).stdout for _ in range(2))
    assert once == again
    assert "kind: Deployment" in once


def test_explain_names_the_line_that_decides(tmp_path: Path) -> None:
    kiban("new", "shop", folder=tmp_path)
    said = kiban("explain", "hello.drain", "--env", "dev", folder=tmp_path / "shop").stdout
    assert "environment dev: 3" in said
    assert "platform.yaml:" in said


def test_check_finds_nothing_in_a_new_repo(tmp_path: Path) -> None:
    kiban("new", "shop", folder=tmp_path)
    done = kiban("check", folder=tmp_path / "shop")
    assert (done.returncode, done.stderr) == (0, "")


def test_schema_is_json_schema(tmp_path: Path) -> None:
    assert '"$schema"' in kiban("schema").stdout


@pytest.mark.parametrize("command", ["status", "diff", "events", "logs hello"])
def test_a_platform_that_is_not_up_is_said(tmp_path: Path, command: str) -> None:
    kiban("new", "shop", folder=tmp_path)
    repo = tmp_path / "shop"
    (repo / ".kiban" / "cluster").mkdir(parents=True)
    (repo / ".kiban" / "cluster" / "kubeconfig").write_text(
        "clusters: [{name: k, cluster: {server: 'http://127.0.0.1:1'}}]\n"
        "contexts: [{name: k, context: {cluster: k}}]\ncurrent-context: k\n"
    )
    done = kiban(*command.split(), folder=repo)
    assert done.returncode == 4
    assert "cannot be reached" in done.stderr
    assert "kiban up" in done.stderr


def test_a_source_that_is_nowhere_changes_nothing(tmp_path: Path) -> None:
    done = kiban("up", "nowhere", folder=tmp_path)
    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == []
