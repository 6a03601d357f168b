"""What people may write in rehearsal.yaml: what they know of their services, and scenarios.

Every field may be left out; `guesses` says what is assumed then, and the report lists it.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from kiban.spec.words import Count, Name, Quantity, Span, Words

_RATE = re.compile(r"(\d+(?:\.\d+)?)/(s|m|h)")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


# What people write differs from what the model calls it.
WRITTEN = {"idle_cpu": "idle"}


def as_written(parameter: str) -> str:
    """A parameter of the model by the word that people write for it."""
    word = WRITTEN.get(parameter, parameter)
    return to_camel(word) if "_" in word else word


def _rate(value: Any) -> float:
    if isinstance(value, str) and (match := _RATE.fullmatch(value)):
        return float(match[1]) / _SECONDS[match[2]]
    message = f"{value!r} is not a rate; write it like 400/s or 20/m"
    raise PydanticCustomError("wrong", "{message}", {"message": message})


Rate = Annotated[
    float,
    BeforeValidator(_rate),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?/(s|m|h)$"}),
]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class CallWords(Words):
    """How a service calls another one, or a resource, for each request of its own."""

    times: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="How often; 0.3 means for three requests of ten."
    )
    retries: Count | None = Field(default=None, description="How often a failed call is repeated.")
    timeout: Span | None = Field(default=None, description="When the caller gives up one attempt.")
    optional: bool | None = Field(
        default=None, description="A default is answered when it fails; as `uses` says, otherwise."
    )


class ServiceWords(Words):
    """What is known of one service; figures are those of one instance."""

    peak: Rate | None = Field(default=None, description="Requests from outside at the day's peak.")
    shape: Literal["curve", "constant"] | None = Field(
        default=None, description="Whether they follow the scenario's curve."
    )
    time: Span | None = Field(
        default=None, description="Mean time of a request without waiting and without calls."
    )
    variation: Positive | None = Field(
        default=None, description="Squared coefficient of variation of that time."
    )
    cpu: Span | None = Field(default=None, description="Processor time of a request.")
    idle: Quantity | None = Field(default=None, description="CPU used without requests.")
    cores: Quantity | None = Field(default=None, description="CPU it can use at most.")
    memory: Quantity | None = Field(default=None, description="Memory without requests.")
    memory_each: Quantity | None = Field(default=None, description="Memory of a request.")
    workers: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None, description="Requests that it works at at the same time."
    )
    backlog: Count | None = Field(
        default=None, description="Requests that may wait in it; 0 for any number."
    )
    timeout: Span | None = Field(default=None, description="When its callers give up.")
    client_retries: Count | None = Field(
        default=None, description="How often those outside try again."
    )
    balancing: Literal["random", "least"] | None = Field(
        default=None, description="How an instance is chosen: by chance, or the least busy one."
    )
    start: Span | None = Field(default=None, description="From the process to the first answer.")
    start_cpu: Quantity | None = Field(default=None, description="CPU used while it starts.")
    warm: Span | None = Field(
        default=None, description="How long it is slow after it is ready: compilers, caches."
    )
    warm_factor: Positive | None = Field(
        default=None, description="Meanwhile a request takes so many times the time and CPU."
    )
    image: Quantity | None = Field(default=None, description="Size of its image, compressed.")
    stop: Literal["graceful", "at-once"] | None = Field(
        default=None, description="Whether it finishes what it has begun when told to stop."
    )
    run: Span | None = Field(default=None, description="How long a job works.")
    parallel: bool | None = Field(
        default=None, description="It makes all its calls at the same time."
    )
    calls: dict[Name, CallWords] = Field(default_factory=dict, description="By the keys of `uses`.")
    takes: dict[Name, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict,
        description="Messages it takes from a queue, for each request of the services named.",
    )


class DependencyWords(Words):
    """What is known of a shared resource, or of a service's own one as service-key."""

    time: Span | None = Field(default=None, description="Mean time of an answer.")
    variation: Positive | None = Field(
        default=None, description="Squared coefficient of variation of that time."
    )


class MetricWords(Words):
    """Where a metric comes from that the autoscaler reads from outside the cluster."""

    service: Name = Field(description="The service that it is about.")
    figure: Literal["backlog", "requests", "in-flight", "latency"] = Field(
        default="backlog", description="Which of its figures: `backlog` is the length of its queue."
    )
    every: Span = Field(default=30.0, description="Time between two measurements.")
    late: Span = Field(default=0.0, description="How long until a measurement can be seen.")
    absent: bool = Field(default=False, description="It never comes.")
    factor: float = Field(default=1.0, description="The metric is the figure times this.")


class EnvironmentWords(Words):
    """What holds in one environment only."""

    services: dict[Name, ServiceWords] = Field(
        default_factory=dict, description="Merged over `services`, field by field."
    )
    dependencies: dict[Name, DependencyWords] = Field(
        default_factory=dict, description="Merged over `dependencies`."
    )
    metrics: dict[str, MetricWords] = Field(
        default_factory=dict, description="Merged over `metrics`."
    )


class RehearsalWords(Words):
    """The file rehearsal.yaml."""

    services: dict[Name, ServiceWords] = Field(
        default_factory=dict, description="What is known of services, by name."
    )
    dependencies: dict[Name, DependencyWords] = Field(
        default_factory=dict, description="What is known of shared resources, by name."
    )
    metrics: dict[str, MetricWords] = Field(
        default_factory=dict, description="The external metrics of `scale.metrics`, by name."
    )
    noise: Share | None = Field(
        default=None,
        description="Standard deviation of arrivals around their curve, as a share like 0.05.",
    )
    environments: dict[Name, EnvironmentWords] = Field(
        default_factory=dict, description="What differs in one environment."
    )
    scenarios: dict[Name, Any] = Field(
        default_factory=dict, description="Scenarios by name; see [Scenarios](#scenarios)."
    )
