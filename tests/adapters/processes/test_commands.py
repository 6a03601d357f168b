"""What is really run for a container."""

from pathlib import Path

import pytest

from kiban.adapters.images import ImageRecord
from kiban.adapters.processes.commands import launch_of
from kiban.adapters.processes.mounts import MountTable
from kiban.adapters.processes.pod_directories import ContainerDirectory
from kiban.cluster.asks import ContainerId, Mount, StartContainer

ID = ContainerId("uid", "app", 0)


def ask(command: tuple[str, ...] = (), args: tuple[str, ...] = (), **env: str) -> StartContainer:
    mounts = {"/tmp": Mount("empty", "tmp"), "/data": Mount("claim", "data")}
    return StartContainer(ID, "shop", "web-1", "image:1", command, args, env, mounts=mounts)


@pytest.fixture
def place(tmp_path: Path) -> ContainerDirectory:
    mounts = MountTable({"/tmp": tmp_path / "pod" / "tmp", "/data": tmp_path / "claims" / "data"})
    return ContainerDirectory(
        home=tmp_path / "home",
        temporary=tmp_path / "temporary",
        bytecode=tmp_path / "bytecode",
        mounts=mounts,
    )


def test_mount_paths_of_the_pod_are_made_real(place: ContainerDirectory, tmp_path: Path) -> None:
    image = ImageRecord("image:1", "sha256:1", str(tmp_path))
    launch = launch_of(ask(("serve",), ("--data=/data/db",), CACHE="/tmp/cache"), image, place)
    assert launch.argv == ("serve", f"--data={tmp_path}/claims/data/db")
    assert launch.env["CACHE"] == f"{tmp_path}/pod/tmp/cache"


def test_a_program_of_ours_below_a_mount_path_stays_where_it_is(place: ContainerDirectory) -> None:
    """Kiban itself may be installed below /tmp, where every pod has a directory of its own."""
    image = ImageRecord("kiban.local/x", "kiban:x", "", entrypoint=("/tmp/kiban/python", "-m", "x"))
    launch = launch_of(ask(args=("--data", "/data")), image, place)
    assert launch.argv[:3] == ("/tmp/kiban/python", "-m", "x")
    assert launch.argv[4] == str(place.mounts.real("/data"))


def test_what_we_add_to_the_environment_is_not_rewritten(
    place: ContainerDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/tmp/kiban/bin/python")
    image = ImageRecord("image:1", "sha256:1", "/srv/image")
    path = launch_of(ask(("serve",)), image, place).env["PATH"]
    assert path.startswith("/tmp/kiban/bin:")


def test_args_replace_the_images_command_and_command_its_entry_point(
    place: ContainerDirectory,
) -> None:
    image = ImageRecord("i", "d", "/srv/image", entrypoint=("run",), command=("all",))
    assert launch_of(ask(), image, place).argv == ("run", "all")
    assert launch_of(ask(args=("one",)), image, place).argv == ("run", "one")
    assert launch_of(ask(("other",)), image, place).argv == ("other",)


def test_an_image_without_a_command_is_said(place: ContainerDirectory) -> None:
    with pytest.raises(FileNotFoundError, match="no command specified"):
        launch_of(ask(), ImageRecord("i", "d", "/srv/image"), place)
