"""The examples of the reference page run as they stand there."""

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "rehearsal.md"
WORLD, REPO = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def done(program: str) -> dict[str, Any]:
    """The names that a program leaves."""
    namespace: dict[str, Any] = {}
    exec(compile(program, str(PAGE), "exec"), namespace)
    return namespace


def test_a_world_can_be_built_run_and_asked() -> None:
    assert done(WORLD)["world"].seconds == 600


def test_a_platform_repo_can_be_rehearsed_in_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert done(REPO)["run"].seed == 1
