"""Kubeconfig files: contexts, merging, credentials, and what is wrong with them."""

import asyncio
import os
import ssl
import stat
from pathlib import Path

import pytest
import yaml

from kiban.adapters.api_server.certificates import server_identity
from kiban.adapters.kubernetes.config import Access, Credential, load_access
from kiban.primitives.instants import Instant, later, parse_rfc3339
from kiban.primitives.problems import KibanError


def write(path: Path, *, name: str = "dev", user: object = None, **cluster: object) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": "http://127.0.0.1:1/", **cluster}}],
        "users": [{"name": name, "user": user or {"token": f"token-of-{name}"}}],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": name, "namespace": "shop"}}
        ],
    }
    path.write_text(yaml.safe_dump(config))
    return path


def token_of(access: Access) -> str:
    return asyncio.run(Credential(access).token(Instant(0)))


def test_the_current_context_is_taken_and_the_token_is_never_shown(tmp_path: Path) -> None:
    access = load_access(path=str(write(tmp_path / "config")))
    assert (access.server, access.context, access.namespace) == (
        "http://127.0.0.1:1", "dev", "shop",
    )  # fmt: skip
    assert token_of(access) == "token-of-dev"
    assert "token-of" not in repr(access)


def test_several_files_are_merged_and_the_first_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [write(tmp_path / "a"), write(tmp_path / "b", name="prod"), tmp_path / "missing"]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, files)))
    assert load_access().context == "dev"
    assert token_of(load_access("prod")) == "token-of-prod"


def test_a_context_that_is_not_there_is_answered_with_the_nearest(tmp_path: Path) -> None:
    path = str(write(tmp_path / "config", name="staging"))
    with pytest.raises(KibanError, match="Did you mean 'staging'"):
        load_access("stagging", path)
    with pytest.raises(KibanError, match="no kubeconfig"):
        load_access(path=str(tmp_path / "none"))


def test_paths_in_a_file_are_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    path = write(tmp_path / "config", user={"tokenFile": "token"})
    assert token_of(load_access(path=str(path))) == "from-a-file"


def test_certificates_are_checked_unless_that_is_waived_in_so_many_words(tmp_path: Path) -> None:
    identity = server_identity(tmp_path)
    server = "https://127.0.0.1:1"
    authority = str(identity.authority)
    path = write(tmp_path / "config", server=server, **{"certificate-authority": authority})
    checked = load_access(path=str(path)).tls
    assert checked is not None
    assert checked.verify_mode == ssl.CERT_REQUIRED
    path = write(tmp_path / "config", server=server, **{"insecure-skip-tls-verify": True})
    waived = load_access(path=str(path)).tls
    assert waived is not None
    assert waived.verify_mode == ssl.CERT_NONE


PLUGIN = """#!/bin/sh
echo run >> "$RUNS"
echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
 "status": {"token": "made", "expirationTimestamp": "2030-01-01T00:10:00Z"}}'
"""


def plugin(folder: Path, script: str) -> Access:
    program = folder / "plugin"
    program.write_text(script)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    env = [{"name": "RUNS", "value": str(folder / "runs")}]
    user = {"exec": {"command": str(program), "env": env, "installHint": "install it"}}
    return load_access(path=str(write(folder / "config", user=user)))


def test_a_plug_in_is_run_once_and_again_shortly_before_its_token_expires(tmp_path: Path) -> None:
    access = plugin(tmp_path, PLUGIN)
    start = parse_rfc3339("2030-01-01T00:00:00Z")

    async def three_times() -> list[str]:
        credential = Credential(access)
        return [await credential.token(later(start, seconds)) for seconds in (0, 60, 595)]

    assert asyncio.run(three_times()) == ["made"] * 3
    assert (tmp_path / "runs").read_text() == "run\nrun\n"


def test_a_plug_in_that_fails_is_quoted(tmp_path: Path) -> None:
    access = plugin(tmp_path, "#!/bin/sh\necho log in first >&2\nexit 3\n")
    with pytest.raises(KibanError, match="log in first"):
        token_of(access)
    (tmp_path / "plugin").unlink()
    with pytest.raises(KibanError, match="not installed"):
        token_of(access)
