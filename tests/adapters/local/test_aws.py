import subprocess
import sys
from importlib.util import find_spec

import pytest


@pytest.mark.skipif(find_spec("moto") is not None, reason="moto is installed here")
def test_without_moto_it_says_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kiban.adapters.local.aws"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 4
    assert "pip install 'moto[server]'" in done.stderr
