"""The repo that the tests of the compiler share: a small platform that says a bit of everything."""

from pathlib import Path

import pytest

from kiban.spec import read_directory

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def files() -> dict[str, str]:
    return read_directory(GOLDEN / "repo")
