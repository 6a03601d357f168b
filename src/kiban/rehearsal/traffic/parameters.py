"""What the model knows of a service: how long a request takes it, what it costs, whom it calls.

All are plain numbers in seconds, cores, bytes and requests a second. Where they come from is the
business of `assumptions`; what they mean is said here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Balancing = Literal["random", "least"]
Stop = Literal["graceful", "at-once"]


@dataclass(frozen=True, slots=True)
class CallModel:
    """How a service calls another one: `times` for each request of its own, each tried again
    `retries` times. An optional call that fails costs time, and a default is answered instead.
    What is called through a queue is not waited for. The caller gives up after `timeout`, when it
    is shorter than that of who is called."""

    to: str
    times: float = 1.0
    retries: int = 0
    optional: bool = False
    queued: bool = False
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class ServiceTraits:
    """One service, one of its instances unless said otherwise.

    `time` is what a request takes when the instance does nothing else, calls not counted;
    `variation` its squared coefficient of variation. `cores` bounds the CPU of an instance. With
    `parallel`, it makes all its calls at the same time. Callers give up after `timeout`;
    `backlog` bounds those who wait (0: only their patience). For `warm` seconds after it is ready
    an instance takes `warm_factor` times the time and the CPU.
    """

    name: str
    peak: float = 0.0
    time: float = 0.02
    variation: float = 1.0
    arrival_variation: float = 1.0
    cpu: float = 0.005
    idle_cpu: float = 0.005
    cores: float = 1.0
    memory: float = 48 * 2**20
    memory_each: float = 2**18
    workers: int = 8
    backlog: int = 0
    timeout: float = 5.0
    client_retries: int = 0
    balancing: Balancing = "random"
    start: float = 5.0
    start_cpu: float = 0.5
    start_memory: float = 32 * 2**20
    image: float = 200e6
    stop: Stop = "graceful"
    warm: float = 0.0
    warm_factor: float = 1.0
    shape: str = ""
    parallel: bool = False
    calls: tuple[CallModel, ...] = ()


@dataclass(frozen=True, slots=True)
class DependencyModel:
    """A database, cache, queue or bucket that somebody else runs: it answers in `time`."""

    name: str
    kind: str = "resource"
    time: float = 0.002
    variation: float = 1.0


@dataclass(frozen=True, slots=True)
class ExternalMetric:
    """A figure that the autoscaler gets from outside: measured every `every` seconds, seen `late`
    seconds afterwards, or never. `figure` is one of a service's own (`backlog`, `requests`,
    `in-flight`, `latency`), times `factor`."""

    name: str
    service: str
    figure: str = "backlog"
    every: float = 30.0
    late: float = 0.0
    absent: bool = False
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Models:
    """Everything that the traffic knows of one environment."""

    services: Mapping[str, ServiceTraits]
    dependencies: Mapping[str, DependencyModel] = field(default_factory=dict)
    metrics: Mapping[str, ExternalMetric] = field(default_factory=dict)
    noise: float = 0.05


def scaled(models: Models, factor: float) -> Models:
    """The same with peaks `factor` times as high."""
    if factor == 1.0:
        return models
    services = {name: replace(one, peak=one.peak * factor) for name, one in models.services.items()}
    return replace(models, services=services)
