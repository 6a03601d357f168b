"""How containers behave that are not there: how long they start, when their probes pass, how they
end. Decided from the pod's own probes and hooks and from a model of its service or image.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

from kiban.kube.objects import Manifest, get_in
from kiban.rehearsal.machines.probes import died_of_probes, first_pass
from kiban.rehearsal.naming import service_of

MEBIBYTE = 1024**2
# From the end of the pull to the process: sandbox, network and runtime take about that long.
CREATION_SECONDS = 1.0
# The exit code of SIGKILL.
KILLED_CODE = 137


@dataclass(frozen=True, slots=True)
class ServiceModel:
    """How one program behaves. `start` is from the process to the first request it could answer,
    `stop` from SIGTERM to its end; `run` is the length of a job's work. A program that crashes
    does so `crash_after` seconds after each start."""

    start: float = 8.0
    stop: float = 0.5
    image_bytes: int = 200 * MEBIBYTE
    run: float = 30.0
    crash_after: float | None = None
    exit_code: int = 1
    end_reason: str = "Error"
    never_ready: bool = False


@dataclass(frozen=True, slots=True)
class Life:
    """One run of a pod's containers, in seconds from the process on: until it is `ready` and
    until its `end`; None: never. `why` says who ended it."""

    ready: float | None
    end: float | None = None
    exit_code: int = 0
    end_reason: str = "Completed"
    why: str = ""


@dataclass(frozen=True, slots=True)
class Farewell:
    """A pod's end, in seconds from the wish that it go: until it stops to take requests (SIGTERM),
    and until it is gone."""

    term: float
    gone: float


class Conduct(Protocol):
    """What a machine is told about the pods that it runs."""

    def images(self, pod: Manifest) -> Mapping[str, int]:
        """The images a pod needs, with their size in bytes."""
        ...

    def creation(self, pod: Manifest) -> float:
        """Seconds from the images to the process."""
        ...

    def life(self, pod: Manifest, attempt: int) -> Life:
        """How the next run goes; asked once for each."""
        ...

    def farewell(self, pod: Manifest, grace: float) -> Farewell: ...


@dataclass
class ModelledConduct:
    """Programs that behave as their service's model says; an image may have a model of its own,
    which is how one version behaves unlike the others."""

    services: Mapping[str, ServiceModel] = field(default_factory=dict)
    by_image: dict[str, ServiceModel] = field(default_factory=dict)
    default: ServiceModel = field(default_factory=ServiceModel)

    def model(self, pod: Manifest) -> ServiceModel:
        """The model of a pod's main container."""
        image = pod["spec"]["containers"][0]["image"]
        found = self.by_image.get(image)
        return found or self.services.get(service_of(pod), self.default)

    def images(self, pod: Manifest) -> Mapping[str, int]:
        spec = pod["spec"]
        entries = [*(spec.get("initContainers") or ()), *spec["containers"]]
        size = self.model(pod).image_bytes
        return {
            entry["image"]: self.by_image.get(entry["image"], self.default).image_bytes
            if index < len(entries) - len(spec["containers"])
            else size
            for index, entry in enumerate(entries)
        }

    def creation(self, pod: Manifest) -> float:
        return CREATION_SECONDS

    def life(self, pod: Manifest, attempt: int) -> Life:
        model = self.model(pod)
        if pod["spec"].get("restartPolicy", "Always") != "Always":
            return _run_to_completion(pod, model)
        return _service(pod, model)

    def farewell(self, pod: Manifest, grace: float) -> Farewell:
        longest = max((_pre_stop(entry) for entry in pod["spec"]["containers"]), default=0.0)
        term = min(longest, grace)
        # The kubelet leaves a container at least two seconds after its hook.
        left = max(grace - term, 2.0) if grace > 0 else 0.0
        return Farewell(term, term + min(self.model(pod).stop, left))


def _run_to_completion(pod: Manifest, model: ServiceModel) -> Life:
    """A job's run: its work, or its crash."""
    crashes = model.crash_after is not None
    seconds = model.run if model.crash_after is None else model.crash_after
    ready = first_pass(pod["spec"]["containers"][0], model.start)
    found = ready if ready < seconds else None
    if crashes:
        return Life(found, seconds, model.exit_code, model.end_reason, "it crashed")
    return Life(found, seconds, why="its work is done")


def _service(pod: Manifest, model: ServiceModel) -> Life:
    """A run without an end of its own, unless it crashes or its probes give up."""
    container = pod["spec"]["containers"][0]
    start = None if model.never_ready else model.start
    ready = first_pass(container, start) if start is not None else None
    given_up = died_of_probes(container, start)
    crash = model.crash_after
    if crash is not None and (given_up is None or crash < given_up[0]):
        found = ready if ready is not None and ready < crash else None
        return Life(found, crash, model.exit_code, model.end_reason, "it crashed")
    if given_up is not None:
        return Life(None, given_up[0], KILLED_CODE, "Error", given_up[1])
    return Life(ready)


def _pre_stop(container: Mapping[str, Any]) -> float:
    """The seconds of a `preStop` hook that sleeps, as an action or as a command."""
    hook = get_in(container, "lifecycle", "preStop") or {}
    if "sleep" in hook:
        return float(hook["sleep"].get("seconds") or 0)
    words = " ".join(get_in(hook, "exec", "command", default=[])).split()
    for word, after in pairwise(words):
        if word.rpartition("/")[2] == "sleep" and after.rstrip("s").isdigit():
            return float(after.rstrip("s"))
    return 0.0
