"""What the cluster asks of the outside world, and what the world reports back, as values.

The kubelet's state tables produce asks; a runtime carries them out and posts reports. The process
runtime starts real process groups; the modelled one answers by arithmetic on a virtual clock. A
report names the pod by uid, so that one about a pod that is gone is recognised and dropped.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kiban.primitives.instants import Instant


@dataclass(frozen=True, slots=True)
class ContainerId:
    """One container of one pod. `attempt` counts its starts from 0."""

    pod_uid: str
    container: str
    attempt: int


@dataclass(frozen=True, slots=True)
class PullImage:
    """Is the image in the local store? Answered by `ImagePulled` or `ImageMissing`."""

    pod_uid: str
    image: str


@dataclass(frozen=True, slots=True)
class StartContainer:
    """Start a container as a process group. `env`, `command` and `args` are resolved: references
    expanded, service names replaced by addresses. `mounts` maps a path in the container to the
    directory or files behind it. `runs_to_completion` says that its end is not a failure (init
    containers, jobs), for models. `stdin` keeps an input open for those who attach, `stdin_once`
    for the first of them; `tty` makes input and output a terminal. Answered by `ContainerStarted`
    or `ContainerExited`."""

    id: ContainerId
    namespace: str
    pod_name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: Mapping[str, str]
    working_dir: str = ""
    address: str = ""
    mounts: Mapping[str, "Mount"] = field(default_factory=dict)
    image_id: str = ""
    read_only_root: bool = False
    runs_to_completion: bool = False
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False


@dataclass(frozen=True, slots=True)
class Mount:
    """What stands behind a mount path: an empty directory of the pod, a persistent claim of its
    namespace, a directory of the machine (`name` is its path), or files with their content."""

    kind: Literal["empty", "claim", "files", "host"]
    name: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    sub_path: str = ""
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class SignalContainer:
    """Send `TERM` or `KILL` to a container's whole process group."""

    id: ContainerId
    signal: Literal["TERM", "KILL"]


@dataclass(frozen=True, slots=True)
class RunHook:
    """Run a lifecycle handler (`exec`, `httpGet`, `sleep`). Answered by `HookFinished`."""

    id: ContainerId
    hook: Literal["preStop", "postStart"]
    handler: Mapping[str, Any]
    address: str
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class RunProbe:
    """Probe a container once. Answered by `ProbeAnswered`."""

    id: ContainerId
    probe: Literal["startup", "readiness", "liveness"]
    handler: Mapping[str, Any]
    address: str
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class WriteFiles:
    """What the files of a running pod's volumes are made of has changed: write them anew. Volumes
    by name; not answered."""

    pod_uid: str
    volumes: Mapping[str, "Mount"]


@dataclass(frozen=True, slots=True)
class RemovePod:
    """The pod is over: forget its directories and its address; logs may be kept a while."""

    pod_uid: str


Ask = PullImage | StartContainer | SignalContainer | RunHook | RunProbe | WriteFiles | RemovePod


@dataclass(frozen=True, slots=True)
class ImagePulled:
    pod_uid: str
    image: str
    image_id: str


@dataclass(frozen=True, slots=True)
class ImageMissing:
    pod_uid: str
    image: str
    message: str


@dataclass(frozen=True, slots=True)
class ContainerStarted:
    id: ContainerId
    pid: int
    at: Instant


@dataclass(frozen=True, slots=True)
class ContainerExited:
    """The container's main process ended, or could not be started (`reason` `StartError`)."""

    id: ContainerId
    exit_code: int
    at: Instant
    signal: int = 0
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class ProbeAnswered:
    id: ContainerId
    probe: Literal["startup", "readiness", "liveness"]
    success: bool
    message: str
    at: Instant


@dataclass(frozen=True, slots=True)
class HookFinished:
    id: ContainerId
    hook: Literal["preStop", "postStart"]
    success: bool
    message: str
    at: Instant


Report = (
    ImagePulled | ImageMissing | ContainerStarted | ContainerExited | ProbeAnswered | HookFinished
)
