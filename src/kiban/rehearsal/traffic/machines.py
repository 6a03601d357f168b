"""What the services' instances can do, as vectors: servers, times, CPU and memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kiban.rehearsal.traffic.erlang import Indices
from kiban.rehearsal.traffic.exact import Vector
from kiban.rehearsal.traffic.parameters import Models, ServiceTraits


@dataclass(frozen=True, slots=True)
class Instances:
    """One element a service; see `ServiceTraits` for the meaning. `spread` is half the sum of the
    squared variations of arrivals and service, `servers` the workers as whole numbers, `sharing`
    the exponent of the wait for a CPU shared by several."""

    time: Vector
    variation: Vector
    spread: Vector
    cpu: Vector
    idle_cpu: Vector
    cores: Vector
    sharing: Vector
    memory: Vector
    memory_each: Vector
    start_cpu: Vector
    start_memory: Vector
    workers: Vector
    servers: Indices
    backlog: Vector
    timeout: Vector
    client_retries: Indices
    pooled: Vector
    is_pooled: bool


def instances(models: Models, order: Sequence[str]) -> Instances:
    found = [models.services.get(name) or ServiceTraits(name) for name in order]

    def column(name: str) -> Vector:
        return np.array([getattr(model, name) for model in found], dtype=np.float64)

    cores = np.maximum(column("cores"), 1e-3)
    pooled = np.array([float(model.balancing == "least") for model in found], dtype=np.float64)
    return Instances(
        time=column("time"),
        variation=column("variation"),
        spread=(column("variation") + column("arrival_variation")) * 0.5,
        cpu=np.maximum(column("cpu"), 1e-9),
        idle_cpu=column("idle_cpu"),
        cores=cores,
        sharing=np.sqrt(2.0 * (np.maximum(cores, 1.0) + 1.0)) - 1.0,
        memory=column("memory"),
        memory_each=column("memory_each"),
        start_cpu=column("start_cpu"),
        start_memory=column("start_memory"),
        workers=column("workers"),
        servers=np.array([model.workers for model in found], dtype=np.int64),
        backlog=column("backlog"),
        timeout=column("timeout"),
        client_retries=np.array([model.client_retries for model in found], dtype=np.int64),
        pooled=pooled,
        is_pooled=bool(pooled.any()),
    )
