"""Mount paths that nobody may mount."""

from pathlib import Path

from kiban.adapters.processes.mounts import MountTable, materialised, write_files
from kiban.cluster.asks import ContainerId, Mount, StartContainer

TABLE = MountTable({"/etc/app": Path("/real/conf"), "/etc/app/keys/": Path("/real/keys")})


def asked(mounts: dict[str, Mount]) -> StartContainer:
    return StartContainer(ContainerId("u", "app", 0), "ns", "p", "i", (), (), {}, mounts=mounts)


def test_a_path_is_rewritten_wherever_a_path_can_start() -> None:
    texts = {
        "/etc/app": "/real/conf",
        "/etc/app/a.yaml": "/real/conf/a.yaml",
        "/etc/app/keys/k": "/real/keys/k",
        "--config=/etc/app/a": "--config=/real/conf/a",
        "cat /etc/app/a; cat /etc/app": "cat /real/conf/a; cat /real/conf",
        "file:/etc/app:/etc/app/keys": "file:/real/conf:/real/keys",
    }
    assert {text: TABLE.rewritten(text) for text in texts} == texts


def test_what_only_looks_like_the_path_is_left_alone() -> None:
    for text in ("/etc/application", "/opt/etc/app", "http://host/etc/app", "etc/app", ""):
        assert TABLE.rewritten(text) == text


def test_volumes_of_every_kind_are_made(tmp_path: Path) -> None:
    mounts = {
        "/tmp": Mount("empty", "tmp"),
        "/data": Mount("claim", "d", sub_path="x"),
        "/conf": Mount("files", "conf", {"a/b": b"1", "../out": b"2"}),
        "/host": Mount("host", str(tmp_path / "host")),
    }
    table = materialised(asked(mounts), tmp_path / "volumes", tmp_path / "claims")
    assert table.real("/tmp") == str(tmp_path / "volumes/tmp")
    assert (tmp_path / "claims/ns/d/x").is_dir()
    assert (tmp_path / "volumes/conf/a/b").read_bytes() == b"1"
    assert not (tmp_path / "volumes/out").exists()
    assert table.variables(mounts)["KIBAN_MOUNT_CONF"] == str(tmp_path / "volumes/conf")


def test_files_are_made_to_match(tmp_path: Path) -> None:
    write_files(tmp_path, {"a": b"1", "b": b"2"})
    write_files(tmp_path, {"a": b"3"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"3"}
