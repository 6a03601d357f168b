"""When the probes of a container pass or give up, by arithmetic instead of by asking.

A probe is asked first after its initial delay, then once a period; a startup probe holds the
others back. Source of the rules: kubernetes pkg/kubelet/prober/worker.go.
"""

import math
from collections.abc import Mapping
from typing import Any

from kiban.cluster.kubelet.probing import (
    DEFAULT_FAILURES,
    DEFAULT_PERIOD_SECONDS,
    DEFAULT_SUCCESSES,
)

Container = Mapping[str, Any]


def first_pass(container: Container, start: float) -> float:
    """Seconds from the process to the answer of the readiness probe that makes it ready, when it
    could answer after `start` seconds."""
    begun = 0.0
    startup = container.get("startupProbe")
    if startup:
        begun = _first_asked(startup, 0.0, start)
    readiness = container.get("readinessProbe")
    if not readiness:
        return begun
    first = _first_asked(readiness, begun, start)
    more = int(readiness.get("successThreshold") or DEFAULT_SUCCESSES) - 1
    return first + more * _period(readiness)


def died_of_probes(container: Container, start: float | None) -> tuple[float, str] | None:
    """When a container that could answer after `start` seconds (None: never) is killed before
    that by its startup or liveness probe, and by which; None when it lives."""
    startup = container.get("startupProbe")
    if startup:
        end = _given_up(startup, 0.0)
        if start is None or _first_asked(startup, 0.0, start) > end:
            return end, "failed startup probe"
        return None
    liveness = container.get("livenessProbe")
    if liveness:
        end = _given_up(liveness, 0.0)
        if start is None or _first_asked(liveness, 0.0, start) > end:
            return end, "failed liveness probe"
    return None


def _period(probe: Mapping[str, Any]) -> float:
    return max(1.0, float(probe.get("periodSeconds") or DEFAULT_PERIOD_SECONDS))


def _delay(probe: Mapping[str, Any]) -> float:
    return float(probe.get("initialDelaySeconds") or 0)


def _first_asked(probe: Mapping[str, Any], begun: float, start: float) -> float:
    """The first beat of a probe at which a container can answer that can from `start` on. The
    beats count from the process; before `begun` nothing is asked, and the first is at once."""
    first = max(_delay(probe), begun)
    if start <= first:
        return first
    period = _period(probe)
    return first + math.ceil((start - first) / period) * period


def _given_up(probe: Mapping[str, Any], begun: float) -> float:
    failures = int(probe.get("failureThreshold") or DEFAULT_FAILURES)
    return max(_delay(probe), begun) + (failures - 1) * _period(probe)
