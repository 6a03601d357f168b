"""`kiban new`: what it makes loads, wherever it is put."""

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from kiban.cli.scaffold import new_command
from kiban.primitives.problems import Exit, KibanError
from kiban.spec import load_platform, read_directory


def test_a_path_names_the_platform_by_its_last_part(tmp_path: Path) -> None:
    made = CliRunner().invoke(new_command, [str(tmp_path / "shop")], catch_exceptions=False)
    assert made.exit_code == 0
    assert load_platform(read_directory(tmp_path / "shop")).name == "shop"
    log = ["git", "log", "--format=%s"]
    assert subprocess.check_output(log, cwd=tmp_path / "shop", text=True) == "Start\n"


@pytest.mark.parametrize("name", ["My_Shop", "1st", "a." + "b", "", "x" * 60])
def test_a_name_that_no_platform_can_have_makes_nothing(tmp_path: Path, name: str) -> None:
    arguments = [name, "--directory", str(tmp_path / "repo")]
    with pytest.raises(KibanError, match=r"cannot be called") as refused:
        CliRunner().invoke(new_command, arguments, catch_exceptions=False)
    assert refused.value.exit_code == Exit.USAGE
    assert not (tmp_path / "repo").exists()
