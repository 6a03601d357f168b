"""When a probe runs and what its answers mean: thresholds, periods, first results.

Source of the rules: kubernetes pkg/kubelet/prober/worker.go. A probe is asked first at the start
of the container plus its initial delay, then once a period, never twice at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kiban.primitives.instants import Instant, later

ProbeKind = Literal["startup", "readiness", "liveness"]
PROBE_FIELDS: tuple[tuple[ProbeKind, str], ...] = (
    ("startup", "startupProbe"),
    ("readiness", "readinessProbe"),
    ("liveness", "livenessProbe"),
)
HANDLERS = ("httpGet", "tcpSocket", "exec", "grpc")
DEFAULT_PERIOD_SECONDS = 10
DEFAULT_TIMEOUT_SECONDS = 1
DEFAULT_SUCCESSES = 1
DEFAULT_FAILURES = 3


@dataclass(slots=True)
class Probe:
    """One probe of one running container. `passed` is the result that counts: liveness starts
    passed, readiness and startup do not."""

    kind: ProbeKind
    spec: Mapping[str, Any]
    next_at: Instant
    passed: bool
    successes: int = 0
    failures: int = 0
    under_way: bool = False

    @property
    def period_seconds(self) -> float:
        return max(1.0, float(self.spec.get("periodSeconds") or DEFAULT_PERIOD_SECONDS))

    @property
    def timeout_seconds(self) -> float:
        return max(1.0, float(self.spec.get("timeoutSeconds") or DEFAULT_TIMEOUT_SECONDS))

    def asked(self, now: Instant) -> None:
        """The probe is on its way; the next one keeps the beat, without catching up."""
        self.under_way = True
        beat = later(self.next_at, self.period_seconds)
        self.next_at = beat if beat > now else later(now, self.period_seconds)

    def answered(self, success: bool) -> bool:
        """Count an answer; whether the result that counts changed, or failed for good."""
        self.under_way = False
        self.successes, self.failures = (
            (self.successes + 1, 0) if success else (0, self.failures + 1)
        )
        before = self.passed
        if self.successes >= int(self.spec.get("successThreshold") or DEFAULT_SUCCESSES):
            self.passed = True
        elif self.has_failed:
            self.passed = False
        return self.passed != before or self.has_failed

    @property
    def has_failed(self) -> bool:
        return self.failures >= int(self.spec.get("failureThreshold") or DEFAULT_FAILURES)


def probes_of(container: Mapping[str, Any], started_at: Instant) -> dict[str, Probe]:
    """The probes of a container that started now."""
    return {
        kind: Probe(
            kind,
            spec,
            later(started_at, float(spec.get("initialDelaySeconds") or 0)),
            passed=kind == "liveness",
        )
        for kind, field in PROBE_FIELDS
        if (spec := container.get(field))
    }


def handler_of(action: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, Any]:
    """The handler of a probe or a hook alone, with named ports looked up in the container."""
    handlers = {name: action[name] for name in (*HANDLERS, "sleep") if action.get(name) is not None}
    return {name: _with_port(handler, container) for name, handler in handlers.items()}


def _with_port(handler: Any, container: Mapping[str, Any]) -> Any:
    port = handler.get("port")
    if not isinstance(port, str):
        return handler
    declared = container.get("ports") or []
    found = next((entry["containerPort"] for entry in declared if entry.get("name") == port), None)
    number = found if found is not None else int(port) if port.isdecimal() else 0
    return {**handler, "port": number}
