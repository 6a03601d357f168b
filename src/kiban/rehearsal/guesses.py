"""What is assumed of a service that nobody described, from its spec, each with the reason.

The defaults are those of a small service in a scripting language. They are chosen so that a
platform without a word about its traffic has a plain day: the peak of those outside is as much as
brings the busiest service on the way to 70 % of what its largest size is made for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from kiban.compiler.scale import autoscales, maximum, minimum
from kiban.primitives.quantities import parse_quantity
from kiban.rehearsal.traffic.parameters import ServiceTraits
from kiban.spec import ServiceSpec
from kiban.spec.service import Use

# Share of its largest size that the busiest service needs at the assumed peak.
PEAK_SHARE = 0.7
# Share of what a service of fixed size can do that is assumed to come.
FIXED_SHARE = 0.5
DEFAULT_CPU_TARGET = 70.0
DEFAULT_STARTUP = 60.0
# Mean times of what others run, with a little network.
DEPENDENCY_TIMES: Mapping[str, float] = {
    "postgres": 0.004,
    "mysql": 0.004,
    "mongo": 0.004,
    "redis": 0.001,
    "queue": 0.005,
    "topic": 0.005,
    "filesystem": 0.002,
    "bucket": 0.03,
}


class Guess(NamedTuple):
    """A value, and why it is likely."""

    value: float | int | str
    why: str


@dataclass(frozen=True, slots=True)
class Known:
    """What has been settled of a service so far, by the names of `ServiceTraits`."""

    values: Mapping[str, float | int | str]

    def number(self, name: str) -> float:
        return float(self.values[name])


def guess(name: str, spec: ServiceSpec, known: Known) -> Guess:
    """The likely value of a parameter; earlier ones of `ORDER` are known already."""
    found = _OF_SPEC.get(name)
    return found(spec, known) if found is not None else _PLAIN[name]


def _cpu(spec: ServiceSpec, known: Known) -> Guess:
    each, request = spec.scale.requests, _request(spec)
    if each is not None:
        share = (spec.scale.cpu or DEFAULT_CPU_TARGET) / 100
        value = share * request / float(parse_quantity(each))
        return Guess(value, f"{share:.0%} of its CPU request, for `scale.requests` of them")
    return Guess(known.number("time") / 4, "a quarter of its time; the rest is waiting")


def _cores(spec: ServiceSpec, known: Known) -> Guess:
    if spec.resources.cpu_limit is not None:
        return Guess(float(parse_quantity(spec.resources.cpu_limit)), "its CPU limit")
    request = _request(spec)
    if request > 1:
        return Guess(request, "its CPU request, for it has no limit")
    return Guess(1.0, "no limit; a program that runs on one core")


def _memory(spec: ServiceSpec, known: Known) -> Guess:
    return Guess(float(parse_quantity(spec.resources.memory)) / 2, "half of its memory request")


def _workers(spec: ServiceSpec, known: Known) -> Guess:
    if spec.kind == "worker":
        return Guess(4, "four messages at a time")
    return Guess(16, "sixteen requests at a time")


def _timeout(spec: ServiceSpec, known: Known) -> Guess:
    if spec.kind == "worker":
        return Guess(1e6, "messages wait as long as it takes")
    said = [route.timeout for route in spec.routes.values() if route.timeout is not None]
    if said:
        return Guess(min(said), "the timeout of its route")
    if spec.routes:
        return Guess(15.0, "the gateway's own")
    return Guess(5.0, "callers inside give up after five seconds")


def _start(spec: ServiceSpec, known: Known) -> Guess:
    if spec.health.startup != DEFAULT_STARTUP:
        return Guess(spec.health.startup / 3, "a third of `health.startup`")
    return Guess(5.0, "an interpreter and its modules")


def _start_cpu(spec: ServiceSpec, known: Known) -> Guess:
    value = min(known.number("cores"), max(2 * _request(spec), 0.1))
    return Guess(value, "twice its CPU request")


def _request(spec: ServiceSpec) -> float:
    return float(parse_quantity(spec.resources.cpu))


_PLAIN: Mapping[str, Guess] = {
    "shape": Guess("curve", "it follows the scenario's curve"),
    "time": Guess(0.02, "a small service that computes a little and waits a little"),
    "variation": Guess(1.0, "as varied as by chance"),
    "idle_cpu": Guess(0.005, "housekeeping and probes"),
    "memory_each": Guess(256 * 1024.0, "a request and its answer"),
    "backlog": Guess(0, "it accepts whatever comes"),
    "client_retries": Guess(0, "those outside ask once"),
    "balancing": Guess("random", "kube-proxy chooses by chance"),
    "parallel": Guess(0, "one call after the other"),
    "warm": Guess(0.0, "it is as quick at first as later"),
    "warm_factor": Guess(1.0, "it is as quick at first as later"),
    "image": Guess(200e6, "a language runtime and a program"),
    "stop": Guess("graceful", "it finishes what it has begun"),
    "run": Guess(30.0, "a small job"),
}
_OF_SPEC = {
    "cpu": _cpu,
    "cores": _cores,
    "memory": _memory,
    "workers": _workers,
    "timeout": _timeout,
    "start": _start,
    "start_cpu": _start_cpu,
}
# In which order they are settled: some follow from others.
ORDER = (
    "shape", "time", "variation", "cpu", "idle_cpu", "cores", "memory", "memory_each", "workers",
    "backlog", "timeout", "client_retries", "balancing", "parallel", "start", "start_cpu",
    "warm", "warm_factor", "image", "stop",
)  # fmt: skip


def dependency_of(service: str, key: str, use: Use) -> str:
    """The name of what is used: that of a shared resource, or a service's own one."""
    return (use.name or key) if use.type == "resource" else f"{service}-{key}"


def comfortable(spec: ServiceSpec, traits: ServiceTraits) -> float:
    """Requests a second that a service's largest size is made for."""
    most = min(traits.workers / traits.time, traits.cores / traits.cpu)
    if not autoscales(spec):
        return minimum(spec) * most * FIXED_SHARE
    each = PEAK_SHARE * most
    if spec.scale.requests is not None:
        each = min(each, float(parse_quantity(spec.scale.requests)))
    elif spec.scale.cpu is not None or not (spec.scale.memory or spec.scale.metrics):
        target = (spec.scale.cpu or DEFAULT_CPU_TARGET) / 100 * _request(spec)
        each = min(each, max(target - traits.idle_cpu, 0.0) / traits.cpu)
    return maximum(spec) * each * PEAK_SHARE


def peaks(
    entries: Mapping[str, Mapping[str, float]], limits: Mapping[str, float]
) -> dict[str, float]:
    """The rates at the entries that load no service beyond its limit.

    `entries` says how often one request at an entry asks each service, itself included. All begin
    at their own limit; while a service gets too much, those who load it are cut alike.
    """
    found = {entry: limits[entry] for entry in entries}
    for _ in range(len(limits) + 1):
        loads = {
            name: sum(found[entry] * below.get(name, 0.0) for entry, below in entries.items())
            for name in limits
        }
        excess = {name: loads[name] / limits[name] for name in limits if limits[name] > 0}
        worst = max(sorted(excess), key=lambda name: excess[name], default="")
        if not worst or excess[worst] <= 1.0 + 1e-9:
            break
        for entry, below in entries.items():
            if below.get(worst):
                found[entry] /= excess[worst]
    return found
