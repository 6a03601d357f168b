"""A Secret that SOPS has encrypted reaches the cluster opened, and nothing else gets to see it. A
small program named sops stands in for the real one: it turns a text around."""

import os
from base64 import b64decode
from pathlib import Path

import pytest
from delivery_stage import Stage, play

from kiban.compiler.bundle import SecretNeed
from kiban.kube.objects import annotations_of

SOPS = r"""#!/bin/sh
value=$(sed -n 's/.*ENC\[\(.*\)\].*/\1/p' | rev)
printf '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, '
printf '"stringData": {"password": "%s"}}' "$value"
"""


@pytest.fixture
def _sops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sops").write_text(SOPS)
    (folder / "sops").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def sealed(stage: Stage, cipher: str) -> SecretNeed:
    text = f"kind: Secret\nstringData: {{password: 'ENC[{cipher}]'}}\n"
    return SecretNeed(stage.scope.namespace, "db", "web", keys=("password",), sealed=text)


@pytest.mark.usefixtures("_sops")
def test_a_sealed_secret_is_opened_on_the_way_and_follows_its_file(
    kubeconfig: str, tmp_path: Path
) -> None:
    async def story(stage: Stage) -> None:
        wanted = [stage.deployment("web", "web")]
        first = stage.commit(wanted, secrets=(sealed(stage, "rewotseulb"),))
        await stage.delivered(first)
        assert await password(stage) == "bluestower"
        second = stage.commit(wanted, secrets=(sealed(stage, "rewotsder"),))
        await stage.delivered(second)
        assert await password(stage) == "redstower"
        # Its file is gone from Git, and with it the Secret.
        await stage.delivered(stage.commit(wanted))
        assert await stage.get("Secret", "db") is None

    play(kubeconfig, tmp_path, story, allow_delete=True)
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
    assert b"stower" not in kept


async def password(stage: Stage) -> str:
    found = await stage.get("Secret", "db")
    assert found is not None
    assert "kiban.dev/sealed" in annotations_of(found)
    return b64decode(found["data"]["password"]).decode()


def test_a_secret_that_cannot_be_opened_is_told_and_holds_up_its_service(
    kubeconfig: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))

    async def story(stage: Stage) -> None:
        needs = (sealed(stage, "rewotseulb"),)
        stage.commit([stage.deployment("web", "web")], secrets=needs)
        await stage.failed("`sops` is needed and not installed")
        assert await stage.get("Deployment", "web") is None

    play(kubeconfig, tmp_path, story)
