"""Mount paths without root: directories under the pod's own, and texts that name them rewritten.

No process here may mount anything, so `/etc/app` cannot be made. What stands behind a mount path
is put under the pod's directory; where the environment, the command or the arguments name the
mount path, they are given the real one; and `KIBAN_MOUNT_<NAME>` says it too.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from kiban.cluster.asks import Mount, StartContainer


class MountTable:
    """The mount paths of one container and the real directories behind them."""

    def __init__(self, real: Mapping[str, Path]) -> None:
        self._real = {path.rstrip("/") or "/": str(target) for path, target in real.items()}
        longest_first = sorted(self._real, key=len, reverse=True)
        names = "|".join(re.escape(path) for path in longest_first)
        # At the start, or after what separates a path from what is before it.
        self._pattern = re.compile(rf"(?<![^\s=:,;'\"])(?:{names})(?=$|[/\s:,;'\"])")

    def real(self, path: str) -> str:
        """The real directory of a mount path, or the path itself."""
        return self._real.get(path.rstrip("/") or "/", path)

    def rewritten(self, text: str) -> str:
        if not self._real or "/" not in text:
            return text
        return self._pattern.sub(lambda match: self._real[match.group()], text)

    def variables(self, mounts: Mapping[str, Mount]) -> dict[str, str]:
        names = {path: re.sub(r"\W", "_", mount.name).upper() for path, mount in mounts.items()}
        return {f"KIBAN_MOUNT_{name}": self.real(path) for path, name in names.items()}


def materialised(ask: StartContainer, volumes: Path, claims: Path) -> MountTable:
    """Make what stands behind every mount of a container."""
    real: dict[str, Path] = {}
    for path, mount in ask.mounts.items():
        root = _root(mount, volumes, claims / ask.namespace)
        target = root / mount.sub_path if mount.sub_path else root
        if mount.kind == "files":
            write_files(root, mount.files)
        else:
            target.mkdir(parents=True, exist_ok=True)
        real[path] = target
    return MountTable(real)


def _root(mount: Mount, volumes: Path, claims: Path) -> Path:
    if mount.kind == "host":
        return Path(mount.name)
    return claims / mount.name if mount.kind == "claim" else volumes / mount.name


def write_files(root: Path, files: Mapping[str, bytes]) -> None:
    """Make a directory hold exactly these files; each is replaced at once, never half written."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, content in files.items():
        path = root / name
        if not path.resolve().is_relative_to(root.resolve()):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.new")
        draft.write_bytes(content)
        draft.chmod(0o600)
        draft.replace(path)
    wanted = {(root / name).relative_to(root) for name in files}
    for path in list(root.rglob("*")):
        if path.is_file() and path.relative_to(root) not in wanted:
            path.unlink()
