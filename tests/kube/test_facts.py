"""The committed table of facts is what the script makes of the published schemas."""

import gzip
import json
import sys
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import pytest

from kiban.kube.facts import KUBERNETES_VERSION, facts

SCRIPTS = Path(__file__).parents[2] / "scripts"


def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    pytest.importorskip("kubernetes_validate")
    pytest.importorskip("lightkube.models")
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import extract_kube_facts

    return extract_kube_facts


def test_the_table_is_made_by_the_script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = script(monkeypatch)
    monkeypatch.setattr(module, "OUT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["extract", KUBERNETES_VERSION])
    module.main()
    name = f"facts-{KUBERNETES_VERSION}.json.gz"
    made = json.loads(gzip.decompress((tmp_path / name).read_bytes()))
    assert made == facts()


def test_the_table_is_small() -> None:
    name = f"facts-{KUBERNETES_VERSION}.json.gz"
    data = files("kiban.kube").joinpath("data", name).read_bytes()
    assert len(data) < 32 * 1024
