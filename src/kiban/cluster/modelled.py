"""What containers would answer if there were any: a model of their timing, for images that are not
there and for rehearsals.

`answer` turns an ask into reports with the instants at which they are due. A modelled container
starts, becomes ready, serves nothing, and ends soon after TERM; one that runs to completion ends
by itself.
"""

from dataclasses import dataclass, field

from kiban.cluster.asks import (
    Ask,
    ContainerExited,
    ContainerId,
    ContainerStarted,
    HookFinished,
    ImagePulled,
    ProbeAnswered,
    PullImage,
    RemovePod,
    Report,
    RunHook,
    RunProbe,
    SignalContainer,
    StartContainer,
    WriteFiles,
)
from kiban.primitives.instants import Instant, later

TERM_EXIT_CODE = 143
KILL_EXIT_CODE = 137


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds from one event to the next. `ready` counts from the start of the process."""

    pull: float = 0.0
    start: float = 0.2
    ready: float = 0.1
    stop: float = 0.05
    run: float = 1.0
    probe: float = 0.001


@dataclass
class ModelledContainers:
    """Every modelled container that was started."""

    timing: Timing = field(default_factory=Timing)
    _ready_at: dict[ContainerId, Instant] = field(default_factory=dict)

    def answer(self, ask: Ask, now: Instant) -> list[tuple[Instant, Report]]:
        """The reports that follow from an ask, each with its instant."""
        match ask:
            case PullImage():
                at = later(now, self.timing.pull)
                return [(at, ImagePulled(ask.pod_uid, ask.image, f"modelled:{ask.image}"))]
            case StartContainer():
                return self._started(ask, now)
            case SignalContainer():
                return self._signalled(ask, now)
            case RunProbe():
                return [self._probed(ask, now)]
            case RunHook():
                at = later(now, self.timing.probe)
                return [(at, HookFinished(ask.id, ask.hook, True, "", at))]
            case WriteFiles():
                return []
            case RemovePod():
                gone = [id for id in self._ready_at if id.pod_uid == ask.pod_uid]
                for id in gone:
                    del self._ready_at[id]
                return []

    def _started(self, ask: StartContainer, now: Instant) -> list[tuple[Instant, Report]]:
        at = later(now, self.timing.start)
        self._ready_at[ask.id] = later(at, self.timing.ready)
        reports: list[tuple[Instant, Report]] = [(at, ContainerStarted(ask.id, 0, at))]
        if ask.runs_to_completion:
            end = later(at, self.timing.run)
            reports.append((end, ContainerExited(ask.id, 0, end)))
        return reports

    def _signalled(self, ask: SignalContainer, now: Instant) -> list[tuple[Instant, Report]]:
        if self._ready_at.pop(ask.id, None) is None:
            return []
        if ask.signal == "KILL":
            return [(now, ContainerExited(ask.id, KILL_EXIT_CODE, now, signal=9))]
        at = later(now, self.timing.stop)
        return [(at, ContainerExited(ask.id, TERM_EXIT_CODE, at, signal=15))]

    def _probed(self, ask: RunProbe, now: Instant) -> tuple[Instant, Report]:
        at = later(now, self.timing.probe)
        ready_at = self._ready_at.get(ask.id)
        is_ready = ready_at is not None and ready_at <= at
        message = "" if is_ready else "the modelled container is not ready yet"
        return at, ProbeAnswered(ask.id, ask.probe, is_ready, message, at)
