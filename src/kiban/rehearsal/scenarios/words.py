"""The language of scenarios: a part of a day, its traffic, what happens in it, what must hold.

scenarios:
  friday:
    description: A release on the busiest evening, while a zone is lost.
    from: 18:00
    duration: 4h
    traffic: {curve: week, factor: 1.2}
    acts:
      - {at: 19:00, deploy: stamp}
      - {at: 19:30, loseZone: first, for: 1h}
    expect: {errorBudget: 10%, recovers: 10m}
"""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from kiban.primitives.instants import parse_span
from kiban.rehearsal.wording import Positive
from kiban.spec.words import Count, Name, Percent, Quantity, Span, Text, Words

_SHARE = re.compile(r"(\d+(?:\.\d+)?)%")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def _clock(value: Any) -> float:
    if isinstance(value, str) and (match := _CLOCK.fullmatch(value)):
        return int(match[1]) * 3600.0 + int(match[2]) * 60.0
    message = f"{value!r} is not a time of day; write it like 08:00"
    raise PydanticCustomError("wrong", "{message}", {"message": message})


def _moment(value: Any) -> str:
    try:
        if isinstance(value, str) and (_CLOCK.fullmatch(value) or parse_span(value) >= 0):
            return value
    except ValueError:
        pass
    message = f"{value!r} is neither a time of day like 12:30 nor a span since the start like 45m"
    raise PydanticCustomError("wrong", "{message}", {"message": message})


def second_of(moment: str, begin: float) -> float:
    """A moment in seconds since midnight of the day on which a rehearsal begins at `begin`. A
    time of day that has passed by then is meant for the next day."""
    if _CLOCK.fullmatch(moment):
        clock = _clock(moment)
        return clock if clock >= begin else clock + 86_400.0
    return begin + parse_span(moment)


def _budgets(value: Any) -> float:
    """A share that may be more than the whole: of a quiet hour's budget a fault uses many."""
    if isinstance(value, str) and (match := _SHARE.fullmatch(value)):
        return float(match[1])
    message = f"{value!r} is not a share of the budget; write it like 10% or 300%"
    raise PydanticCustomError("wrong", "{message}", {"message": message})


_CLOCK_SCHEMA = WithJsonSchema({"type": "string", "pattern": r"^([01]?\d|2[0-3]):[0-5]\d$"})
Clock = Annotated[float, BeforeValidator(_clock), _CLOCK_SCHEMA]
Moment = Annotated[str, BeforeValidator(_moment)]
Budgets = Annotated[
    float,
    BeforeValidator(_budgets),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?%$"}),
]


class TrafficWords(Words):
    """What comes from outside."""

    curve: Literal["day", "week", "constant"] = Field(
        default="day", description="Two humps and a night; the same with weekends; or the peak."
    )
    floor: Percent = Field(default=20.0, description="The least at night, of the peak.")
    factor: Positive = Field(default=1.0, description="The peak is so many times the usual one.")
    replay: dict[Name, Text] = Field(
        default_factory=dict,
        description="Recorded requests a second, by service: a CSV file or a Prometheus query.",
    )


class ActWords(Words):
    """Something that happens. Exactly one of the verbs, from `deploy` to `wake`."""

    at: Moment = Field(description="A time of day like 12:30, or a span since the start like 45m.")
    for_: Span | None = Field(default=None, alias="for", description="Until it is undone.")

    deploy: Text | None = Field(
        default=None, description="A new version of a service; `busiest`, or `*` for all."
    )
    lose_zone: Text | None = Field(default=None, description="A zone, or `first`.")
    interrupt_spot: Percent | None = Field(
        default=None, description="Share of the spot machines that are taken back."
    )
    upgrade_nodes: Text | None = Field(
        default=None, description="A node group, `controlPlane`, or `*` for both."
    )
    break_: Text | None = Field(
        default=None,
        alias="break",
        description="A service or dependency; `busiest` is the dependency that is asked most.",
    )
    start_jobs: Count | None = Field(default=None, description="So many jobs at once.")
    fill_subnet: Text | None = Field(default=None, description="A zone's subnet, or `first`.")
    surge: Positive | None = Field(default=None, description="So many times as many requests.")
    sleep: bool | None = Field(default=None, description="The environment is put to sleep.")
    wake: bool | None = Field(default=None, description="It is woken.")

    every: Span | None = Field(default=None, description="deploy: time between two of several.")
    version: Text | None = Field(default=None, description="deploy: the image's tag.")
    errors: Percent | None = Field(default=None, description="deploy, break: share that fails.")
    slower: Positive | None = Field(default=None, description="deploy, break: times as slow.")
    memory_factor: Positive | None = Field(
        default=None, description="deploy: times as much memory."
    )
    crashes: Span | None = Field(default=None, description="deploy: it crashes so soon.")
    never_ready: bool | None = Field(default=None, description="deploy: it is never ready.")
    zone: Text | None = Field(default=None, description="interruptSpot: in this zone only.")
    force: bool | None = Field(default=None, description="upgradeNodes: without regard to budgets.")
    leave: Count | None = Field(default=None, description="fillSubnet: free addresses left.")
    cpu: Quantity | None = Field(default=None, description="startJobs: request of each.")
    memory: Quantity | None = Field(default=None, description="startJobs: request of each.")
    run: Span | None = Field(default=None, description="startJobs: how long each works.")
    services: list[Name] = Field(default_factory=list, description="surge: only of these.")
    rise: Span | None = Field(default=None, description="surge: until it is there.")
    fall: Span | None = Field(default=None, description="surge: until it is gone.")


VERBS = (
    "deploy", "lose_zone", "interrupt_spot", "upgrade_nodes", "break_", "start_jobs",
    "fill_subnet", "surge", "sleep", "wake",
)  # fmt: skip
# What may stand beside each verb, besides `at` and `for`.
BESIDES = {
    "deploy": ("every", "version", "errors", "slower", "memory_factor", "crashes", "never_ready"),
    "interrupt_spot": ("zone",),
    "upgrade_nodes": ("force",),
    "break_": ("errors", "slower"),
    "start_jobs": ("cpu", "memory", "run"),
    "fill_subnet": ("leave",),
    "surge": ("services", "rise", "fall"),
}


class ExpectWords(Words):
    """What must hold; each is answered pass, fail or unknown."""

    error_budget: Budgets | None = Field(
        default=None,
        description="Share of each service's error budget of this time that may be used.",
    )
    latency: bool | None = Field(default=None, description="Latency objectives are met.")
    recovers: Span | None = Field(
        default=None, description="Requests succeed again so soon after each fault."
    )
    serving_again: Span | None = Field(
        default=None, description="Services have as many instances as before so soon after it."
    )
    pending: Span | None = Field(default=None, description="No pod waits longer for its start.")
    lost: Count | None = Field(
        default=None, description="Requests that may be lost to pods that stop."
    )
    deployed: Span | None = Field(default=None, description="Every deploy is done so soon.")
    upgraded: bool | None = Field(default=None, description="Every node upgrade is completed.")
    turns: Count | None = Field(
        default=None, description="Times an hour that an autoscaler may change direction."
    )
    cost: Positive | None = Field(default=None, description="Dollars a day, at most.")
    awake: Span | None = Field(default=None, description="All services serve so soon after waking.")


class ScenarioWords(Words):
    """One scenario."""

    description: str = Field(default="", description="What it is, in a sentence.")
    from_: Clock = Field(
        default=0.0, alias="from", description="The time of day of its start; midnight by default."
    )
    duration: Span = Field(default=86_400.0, description="How long it is; a day by default.")
    traffic: TrafficWords = Field(
        default_factory=TrafficWords, description="What comes from outside."
    )
    acts: list[ActWords] = Field(default_factory=list, description="What happens.")
    expect: ExpectWords = Field(default_factory=ExpectWords, description="What must hold.")
