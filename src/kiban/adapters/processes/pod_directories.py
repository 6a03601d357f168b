"""Where pods keep things: `pods/<uid>` for volumes, logs and homes, `claims` for what stays.

A pod's volumes go with the pod. Its logs stay until a hundred later pods are gone, so that one
can still ask why it died.
"""

import json
import shutil
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kiban.adapters.processes.mounts import MountTable, materialised, write_files
from kiban.cluster.asks import ContainerId, StartContainer, WriteFiles

KEPT_PODS = 100
GONE = "gone"


@dataclass(frozen=True, slots=True)
class ContainerDirectory:
    """The places of one container."""

    home: Path
    temporary: Path
    bytecode: Path
    mounts: MountTable


class PodDirectories:
    """The directories of all pods of one cluster, found again after a restart."""

    def __init__(self, state: Path) -> None:
        self._pods = state / "pods"
        self._claims = state / "claims"
        self._bytecode = state / "bytecode"
        self._uids: dict[tuple[str, str], str] = {}
        self._gone: deque[str] = deque()
        for path in sorted(self._pods.glob("*/pod.json"), key=lambda p: p.stat().st_mtime):
            with suppress(OSError, ValueError, KeyError):
                about = json.loads(path.read_text())
                self._uids[(about["namespace"], about["name"])] = path.parent.name
        gone = sorted(self._pods.glob(f"*/{GONE}"), key=lambda p: p.stat().st_mtime)
        self._gone.extend(path.parent.name for path in gone)

    def prepare(self, ask: StartContainer) -> ContainerDirectory:
        """Make the directories of a container, with everything that is mounted."""
        uid = ask.id.pod_uid
        pod = self._pods / uid
        home = pod / ask.id.container
        temporary = home / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        name = (ask.namespace, ask.pod_name)
        if self._uids.get(name) != uid:
            self._uids[name] = uid
            about = {"namespace": ask.namespace, "name": ask.pod_name}
            (pod / "pod.json").write_text(json.dumps(about))
        mounts = materialised(ask, pod / "volumes", self._claims)
        return ContainerDirectory(home, temporary, self._bytecode, mounts)

    def write_files(self, ask: WriteFiles) -> None:
        """Bring the files of a pod's volumes up to date; files that are no more are removed."""
        for name, mount in ask.volumes.items():
            root = self._pods / ask.pod_uid / "volumes" / name
            if root.is_dir():
                write_files(root, mount.files)

    def uid(self, namespace: str, pod: str) -> str:
        """The uid of the pod that last ran under a name. Raises `LookupError`."""
        found = self._uids.get((namespace, pod))
        if found is None:
            raise LookupError(f"no program of pod {namespace}/{pod} has run here")
        return found

    def log_path(self, id: ContainerId) -> Path:
        return self._pods / id.pod_uid / id.container / f"{id.attempt}.log"

    def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> Path:
        """The log of the last attempt, or of the one before. Raises `LookupError`."""
        directory = self._pods / self.uid(namespace, pod) / container
        attempts = sorted(int(path.stem) for path in directory.glob("*.log"))
        if len(attempts) <= int(previous):
            which = "previous terminated container" if previous else "container"
            raise LookupError(f'{which} "{container}" in pod "{pod}" not found')
        return directory / f"{attempts[-2 if previous else -1]}.log"

    def remove(self, uid: str) -> None:
        """The pod is gone: its volumes go now, its logs later."""
        shutil.rmtree(self._pods / uid / "volumes", ignore_errors=True)
        if not (self._pods / uid).is_dir():
            return
        (self._pods / uid / GONE).touch()
        self._gone.append(uid)
        while len(self._gone) > KEPT_PODS:
            shutil.rmtree(self._pods / self._gone.popleft(), ignore_errors=True)
