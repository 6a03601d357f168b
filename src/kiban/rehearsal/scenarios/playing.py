"""A scenario put on a stage: its traffic, and its acts at their times."""

from collections.abc import Mapping, Sequence

from kiban.primitives.instants import Instant, later
from kiban.rehearsal.agenda import Act as Doing
from kiban.rehearsal.scenarios.acts import DOINGS
from kiban.rehearsal.scenarios.scenario import Act, Scenario
from kiban.rehearsal.scenarios.stage import Stage
from kiban.rehearsal.traffic import LoadPlan, Models
from kiban.rehearsal.traffic.parameters import scaled
from kiban.rehearsal.traffic.shapes import Constant, Curve, Daily, Replay, Weekly

# The day on which everybody's rehearsals begin is a Thursday.
DEFAULT_WEEKDAY = 3
LOOK_SECONDS = 30.0
Recordings = Mapping[str, tuple[Sequence[float], Sequence[float]]]


def load_plan(
    scenario: Scenario, recordings: Recordings | None = None, weekday: int = DEFAULT_WEEKDAY
) -> LoadPlan:
    """What comes when, for the traffic of a scenario. `recordings` holds times and values of the
    services to replay; `weekday` counts from Monday."""
    words = scenario.traffic
    floor = words.floor / 100
    curve: Curve
    if words.curve == "constant":
        curve = Constant()
    elif words.curve == "week":
        curve = Weekly(weekday * 86_400.0 + scenario.begin, floor)
    else:
        curve = Daily(scenario.begin, floor)
    replays = {name: Replay(*series) for name, series in sorted((recordings or {}).items())}
    return LoadPlan(curve, {"constant": Constant()}, replays)


def models_for(scenario: Scenario, models: Models) -> Models:
    """The models with the peaks of a scenario."""
    return scaled(models, scenario.traffic.factor)


def play(scenario: Scenario, stage: Stage) -> None:
    """Plan all acts. The world may run afterwards."""
    if stage.cloud is not None and stage.cloud.addresses.subnets:
        stage.world.after(0.0, _looking(stage))
    for act in scenario.acts:
        stage.world.after(act.at, _doing(stage, act))


def _looking(stage: Stage) -> Doing:
    """What looks at the subnets now, and again in a while."""

    def look(now: Instant) -> None:
        assert stage.cloud is not None
        stage.watch.look(stage.cloud.addresses.free())
        stage.world.at(later(now, LOOK_SECONDS), look)

    return look


def _doing(stage: Stage, act: Act) -> Doing:
    def do(now: Instant) -> None:
        DOINGS[act.verb](stage, act, now)

    return do
