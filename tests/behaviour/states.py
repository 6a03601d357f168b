"""A timeline folded into the states it passed through."""

from dataclasses import dataclass
from typing import Any

_PHASES = {
    "pod.bound": "starting",
    "pod.ready": "ready",
    "pod.unready": "starting",
    "pod.terminating": "terminating",
    "pod.succeeded": "succeeded",
    "pod.failed": "failed",
}
_FINAL = ("succeeded", "failed")
_OBJECTS = (
    "deployment", "replicaset", "statefulset", "daemonset", "job", "cronjob", "hpa", "pdb", "node",
)  # fmt: skip


@dataclass(frozen=True)
class State:
    """Everything that is compared, from one instant on."""

    t: float
    pods: dict[str, dict[str, int]]
    objects: dict[str, dict[str, Any]]

    def says(self, pods: Any, objects: Any) -> bool:
        return bool(self.pods == pods and self.objects == objects)


def fold(timeline: list[dict[str, Any]]) -> list[State]:
    """The states after each fact, equal neighbours merged."""
    phases: dict[str, str] = {}
    owners: dict[str, str] = {}
    objects: dict[str, dict[str, Any]] = {}
    states: list[State] = []
    for fact in timeline:
        what, name = fact["what"], fact.get("name", "")
        if what == "pod.created":
            phases[name] = "unbound"
            owners[name] = fact.get("owner", "-")
        elif what == "pod.gone":
            phases.pop(name, None)
        elif what in _PHASES:
            _step(phases, name, _PHASES[what])
        elif what in _OBJECTS:
            fields = {k: v for k, v in fact.items() if k not in ("t", "what", "name")}
            objects[f"{what}/{name}"] = fields
        elif what.endswith(".gone"):
            objects.pop(f"{what.removesuffix('.gone')}/{name}", None)
        else:
            continue
        state = State(fact["t"], _counted(phases, owners), dict(objects))
        if not states or not states[-1].says(state.pods, state.objects):
            states.append(state)
    return states


def _step(phases: dict[str, str], name: str, phase: str) -> None:
    present = phases.get(name)
    if present in _FINAL or (present == "terminating" and phase not in _FINAL):
        return
    phases[name] = phase


def _counted(phases: dict[str, str], owners: dict[str, str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for name, phase in phases.items():
        counts = found.setdefault(owners[name], {})
        counts[phase] = counts.get(phase, 0) + 1
    return found
