"""How many replicas one metric asks for. Pure arithmetic, in the order of the real thing.

Doubles and the order of operations matter: 66 against a target of 60 is a ratio of
1.1000000000000001, and so beyond the tolerance. Source:
pkg/controller/podautoscaler/replica_calculator.go and metrics/utilization.go.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from kiban.cluster.controllers.horizontal_pod_autoscaler.metrics import Sample
from kiban.cluster.controllers.pod_state import PodState, state_of
from kiban.cluster.controllers.pods import phase_of
from kiban.cluster.quotas import pod_total
from kiban.kube.objects import Manifest, condition_of, get_in
from kiban.primitives.instants import MICROSECONDS, Instant, later
from kiban.primitives.quantities import milli

TOLERANCE = 0.1
CPU_INITIALIZATION_SECONDS = 300.0
INITIAL_READINESS_SECONDS = 30.0
_INITIALIZATION = round(CPU_INITIALIZATION_SECONDS * MICROSECONDS)
_READINESS = round(INITIAL_READINESS_SECONDS * MICROSECONDS)


class Uncountable(Exception):
    """There is nothing to compute a ratio from."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far from 1 a ratio may be without a change, downwards and upwards."""

    down: float = TOLERANCE
    up: float = TOLERANCE

    def covers(self, ratio: float) -> bool:
        return 1.0 - ratio <= self.down if ratio < 1.0 else ratio - 1.0 <= self.up


USUAL = Tolerance()


@dataclass(frozen=True, slots=True)
class Present:
    """The size now, and how far from the target it may be."""

    replicas: int
    tolerance: Tolerance = USUAL


@dataclass(frozen=True)
class Groups:
    """The pods by how their samples are to be used; `used` are the samples that count."""

    ready: int = 0
    unready: Sequence[str] = ()
    missing: Sequence[str] = ()
    used: Mapping[str, int] = field(default_factory=dict)


def grouped(
    pods: Sequence[Manifest], samples: Mapping[str, Sample], resource: str, now: Instant
) -> Groups:
    """Sort pods into those that count, those that are not ready to, those without a sample."""
    ready, unready, missing = 0, [], []
    used: dict[str, int] = {}
    is_cpu = resource == "cpu"
    for pod in pods:
        state = state_of(pod)
        if state.is_deleting or state.phase == "Failed":
            continue
        name = state.name
        sample = samples.get(name)
        if state.phase == "Pending":
            unready.append(name)
        elif sample is None:
            missing.append(name)
        elif is_cpu and _is_warming_up(state, sample, now):
            unready.append(name)
        else:
            ready += 1
            used[name] = sample.total
    return Groups(ready, unready, missing, used)


def _is_warming_up(pod: PodState, sample: Sample, now: Instant) -> bool:
    """Whether a pod's use of CPU says nothing yet of its load."""
    if pod.ready is None or pod.started is None:
        return True
    since = pod.ready_changed or Instant(0)
    is_unready = pod.ready["status"] == "False"
    if pod.started + _INITIALIZATION > now:
        return bool(is_unready or sample.at < later(since, sample.window_seconds))
    return bool(is_unready and pod.started + _READINESS > since)


@dataclass(frozen=True, slots=True)
class Proposal:
    """How many replicas, and the figures that the status shows."""

    replicas: int
    average_milli: int = 0
    utilization: int | None = None


def by_utilization(
    groups: Groups, requests: Mapping[str, int], target: int, present: Present
) -> Proposal:
    """Replicas for a percentage of what the pods request. Raises `Uncountable`."""
    ratio, utilization, average = _utilization(groups.used, requests, target)

    def measure(used: Mapping[str, int]) -> float:
        return _utilization(used, requests, target)[0]

    idle = {name: requests[name] * max(100, target) // 100 for name in groups.missing}
    return Proposal(_decided(groups, ratio, idle, measure, present), average, utilization)


def by_average(groups: Groups, target: int, present: Present) -> Proposal:
    """Replicas for an average per pod."""
    average = sum(groups.used.values()) // len(groups.used)

    def measure(used: Mapping[str, int]) -> float:
        return (sum(used.values()) // len(used)) / target

    idle = dict.fromkeys(groups.missing, target)
    return Proposal(_decided(groups, average / target, idle, measure, present), average)


def _utilization(
    used: Mapping[str, int], requests: Mapping[str, int], target: int
) -> tuple[float, int, int]:
    count = total = requested = 0
    for name, value in used.items():
        request = requests.get(name)
        if request is not None:
            count += 1
            total += value
            requested += request
    if requested == 0:
        raise Uncountable("no metrics returned matched known pods")
    utilization = total * 100 // requested
    return utilization / target, utilization, total // count


def _decided(
    groups: Groups,
    ratio: float,
    idle: Mapping[str, int],
    measure: Callable[[Mapping[str, int]], float],
    present: Present,
) -> int:
    """The replicas for a ratio. What is not known is counted against the change: pods without a
    sample as busy on the way down and as idle on the way up, unready ones as idle."""
    current, covers = present.replicas, present.tolerance.covers
    up_with_unready = bool(groups.unready) and ratio > 1.0
    if not up_with_unready and not groups.missing:
        return current if covers(ratio) else math.ceil(ratio * groups.ready)
    filled = dict(groups.used)
    if ratio < 1.0:
        filled |= idle
    elif ratio > 1.0:
        filled |= dict.fromkeys(groups.missing, 0)
    if up_with_unready:
        filled |= dict.fromkeys(groups.unready, 0)
    new = measure(filled)
    turned = (ratio < 1.0 < new) or (new < 1.0 < ratio)
    if covers(new) or turned:
        return current
    replicas = math.ceil(new * len(filled))
    contrary = (new < 1.0 and replicas > current) or (new > 1.0 and replicas < current)
    return current if contrary else replicas


def by_total(total: int, target: int, present: Present, pods: Sequence[Manifest]) -> Proposal:
    """Replicas for a figure of the whole, against a target for the whole."""
    ratio = total / target
    if present.replicas == 0:
        return Proposal(math.ceil(ratio))
    if present.tolerance.covers(ratio):
        return Proposal(present.replicas)
    ready = sum(
        phase_of(pod) == "Running" and (condition_of(pod, "Ready") or {}).get("status") == "True"
        for pod in pods
    )
    return Proposal(math.ceil(ratio * ready))


def by_share(total: int, target: int, present: Present) -> Proposal:
    """Replicas for a figure of the whole, against a target for each pod."""
    wanted = replicas = present.replicas
    if replicas == 0 or not present.tolerance.covers(total / (target * replicas)):
        wanted = math.ceil(total / target)
    return Proposal(wanted, math.ceil(total / replicas) if replicas else 0)


def requests_of(
    pods: Sequence[Manifest], resource: str, container: str | None = None
) -> dict[str, int]:
    """What pods request, in thousandths, by name. Raises `Uncountable` when one does not say."""
    found: dict[str, int] = {}
    for pod in pods:
        spec = pod["spec"]
        known = _REQUESTS.get(id(spec))
        if known is None or known[0] is not spec or known[1] != (resource, container):
            known = _read_request(pod, resource, container)
        found[pod["metadata"]["name"]] = known[2]
    return found


# Specs are never changed, and are asked for the same at every look. They are known by identity;
# each is held, so that no other can take its place. As many are remembered, and those before.
READ_LIMIT = 16_384
_Request = tuple[Manifest, tuple[str, str | None], int]
_REQUESTS: dict[int, _Request] = {}
_REQUESTS_BEFORE: dict[int, _Request] = {}


def _read_request(pod: Manifest, resource: str, container: str | None) -> _Request:
    spec = pod["spec"]
    known = _REQUESTS_BEFORE.get(id(spec))
    if known is None or known[0] is not spec or known[1] != (resource, container):
        known = (spec, (resource, container), _request_of(pod, resource, container))
    if len(_REQUESTS) >= READ_LIMIT:
        _REQUESTS_BEFORE.clear()
        _REQUESTS_BEFORE.update(_REQUESTS)
        _REQUESTS.clear()
    _REQUESTS[id(spec)] = known
    return known


def _request_of(pod: Manifest, resource: str, container: str | None) -> int:
    """What the pod asks for as a whole, if it does, or else its containers and sidecars."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    if container is None and get_in(spec, "resources", "requests"):
        asked = pod_total(spec, "requests", resource)
        if not asked.value:
            raise Uncountable(f"missing pod-level request for {resource} in Pod {name}")
        return milli(str(asked))
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    chosen = [c for c in [*spec["containers"], *sidecars] if container in (None, c["name"])]
    if not chosen:
        raise Uncountable(f"container {container} not found in Pod {name}")
    return sum(_request_in(each, resource, name) for each in chosen)


def _request_in(container: Manifest, resource: str, pod: str) -> int:
    asked = get_in(container, "resources", "requests", resource)
    if asked is None:
        raise Uncountable(
            f"missing request for {resource} in container {container['name']} of Pod {pod}"
        )
    return milli(asked)
