"""Files of SOPS are opened by a program of that name; here a small one stands in for it."""

import os
from pathlib import Path

import pytest

from kiban.adapters.sources.opening import open_sealed
from kiban.primitives.problems import KibanError


def sops(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "sops").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "sops").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_what_the_program_prints_is_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sops(tmp_path, 'cat "$6" | tr a-z A-Z >/dev/null; echo "$DATA"', monkeypatch)
    monkeypatch.setenv("DATA", '{"kind": "Secret", "metadata": {"name": "db"}, "data": {}}')
    assert open_sealed("kind: Secret\n")["metadata"]["name"] == "db"


def test_a_program_that_cannot_open_it_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sops(
        tmp_path,
        'cat >/dev/null; echo "no key could decrypt the data key" >&2; exit 128',
        monkeypatch,
    )
    with pytest.raises(KibanError, match=r"no key could decrypt"):
        open_sealed("kind: Secret\n")


def test_what_is_no_secret_is_refused_without_being_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sops(tmp_path, "cat >/dev/null; echo hush", monkeypatch)
    with pytest.raises(KibanError) as caught:
        open_sealed("kind: Secret\n")
    assert "hush" not in str(caught.value)


def test_without_the_program_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KibanError, match=r"Install sops"):
        open_sealed("kind: Secret\n")
