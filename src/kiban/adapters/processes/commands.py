"""What is really run for a container: program, environment and working directory, from the pod's
wishes and the image's defaults.

`command` replaces the image's entry point and `args` its command, as in Kubernetes. The child sees
nothing of Kiban's own environment but the PATH, which starts with Kiban's interpreter, so that
`python` is the Python that has the packages.
"""

import errno
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from kiban.adapters.images import ImageRecord
from kiban.adapters.processes import controlling
from kiban.adapters.processes.mounts import MountTable
from kiban.adapters.processes.pod_directories import ContainerDirectory
from kiban.cluster.asks import StartContainer

_TEMPORARY = "/tmp"


@dataclass(frozen=True, slots=True)
class Launch:
    """A program with its whole environment and its working directory."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    directory: Path
    mounts: MountTable

    def for_program(self, argv: tuple[str, ...]) -> "Launch":
        """Another program in the same place, its mount paths made real."""
        return replace(self, argv=tuple(self.mounts.rewritten(word) for word in argv))

    def in_terminal(self) -> "Launch":
        """The same with its input as the terminal that controls it."""
        script = str(Path(controlling.__file__).resolve())
        command = (sys.executable, "-I", "-S", script, *self.argv)
        return replace(self, argv=command, env={"TERM": "xterm", **self.env})

    def check_found(self) -> None:
        """Raise `FileNotFoundError` where there is no such program."""
        program = self.argv[0]
        is_found = shutil.which(program, path=self.env.get("PATH")) is not None
        if not is_found and not (self.directory / program).exists():
            raise FileNotFoundError(errno.ENOENT, "not found", program)


def launch_of(ask: StartContainer, image: ImageRecord, place: ContainerDirectory) -> Launch:
    """The launch of one attempt. Raises `FileNotFoundError` when there is nothing to run."""
    if ask.command:
        words = (*ask.command, *ask.args)
    else:
        words = (*image.entrypoint, *(ask.args or image.command))
    # The entry point of an image that is part of Kiban is a program of this machine: it may lie
    # below what the pod takes for its own /tmp.
    ours = 0 if ask.command or image.directory else len(image.entrypoint)
    mounts = place.mounts
    argv = (*words[:ours], *(mounts.rewritten(word) for word in words[ours:]))
    if not argv:
        raise FileNotFoundError(2, "no command specified", "")
    return Launch(
        argv=argv,
        env=_environment(ask, image, place),
        directory=_working_directory(ask, image, place),
        mounts=mounts,
    )


def _environment(
    ask: StartContainer, image: ImageRecord, place: ContainerDirectory
) -> dict[str, str]:
    temporary = place.mounts.real(_TEMPORARY)
    path = ask.env.get("PATH") or image.env.get("PATH") or os.environ.get("PATH", os.defpath)
    defaults = {
        "HOME": str(place.home),
        "TMPDIR": temporary if temporary != _TEMPORARY else str(place.temporary),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        # Images are read-only; compiled modules are shared by all containers of a cluster.
        "PYTHONPYCACHEPREFIX": str(place.bytecode),
    }
    own = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{path}",
        "KIBAN_POD": ask.id.pod_uid,
        "KIBAN_CONTAINER": f"{ask.id.container}/{ask.id.attempt}",
        **place.mounts.variables(ask.mounts),
    }
    wished = {**image.env, **ask.env}
    given = {name: place.mounts.rewritten(value) for name, value in wished.items()}
    return {**defaults, **given, **own}


def _working_directory(ask: StartContainer, image: ImageRecord, place: ContainerDirectory) -> Path:
    """The image's directory stands for its WORKDIR; a working directory below that, or below the
    root, is looked for in it. A mount path leads to what is mounted."""
    mounted = place.mounts.real(ask.working_dir) if ask.working_dir else ""
    if ask.working_dir and mounted != ask.working_dir:
        return Path(mounted)
    root = Path(image.directory) if image.directory else place.home
    wanted = ask.working_dir.removeprefix(image.working_dir).strip("/")
    inside = root / wanted
    return inside if wanted and inside.is_dir() else root
