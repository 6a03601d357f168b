"""A pod with its preferences taken as requirements, and the same pod with one fewer, and so on.

Provisioning tries the strictest form first and relaxes it step by step: further required node
terms, preferred pod affinity, preferred anti-affinity, preferred node affinity, and soft spread.
Taints that are only to be avoided never count. Source: scheduling/preferences.go.
"""

from collections.abc import Callable, Iterator
from typing import Any

from kiban.kube.objects import Manifest, get_in, replaced

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
Relax = Callable[[Manifest], Manifest | None]


def forms(pod: Manifest, *, respects: bool = True) -> Iterator[Manifest]:
    """The pod as a scheduler of hard rules is to see it, strictest first."""
    current = pod if respects else _without_preferences(pod)
    while True:
        yield strict(current)
        relaxed = next((found for relax in _STEPS if (found := relax(current))), None)
        if relaxed is None:
            return
        current = relaxed


def strict(pod: Manifest) -> Manifest:
    """Every preference as a requirement: of node terms the heaviest one."""
    spec = dict(pod["spec"])
    affinity = {name: dict(part) for name, part in (spec.get("affinity") or {}).items() if part}
    if "nodeAffinity" in affinity:
        affinity["nodeAffinity"] = _strict_nodes(affinity["nodeAffinity"])
    for name in ("podAffinity", "podAntiAffinity"):
        part = affinity.get(name)
        if part and part.get(PREFERRED):
            wanted = [entry["podAffinityTerm"] for entry in part[PREFERRED]]
            affinity[name] = {REQUIRED: [*(part.get(REQUIRED) or ()), *wanted]}
    if affinity:
        spec["affinity"] = affinity
    if spec.get("topologySpreadConstraints"):
        spec["topologySpreadConstraints"] = [
            {**entry, "whenUnsatisfiable": "DoNotSchedule"}
            for entry in spec["topologySpreadConstraints"]
        ]
    return {**pod, "spec": spec}


def _strict_nodes(affinity: dict[str, Any]) -> dict[str, Any]:
    """Required terms are alternatives, of which the first counts; the heaviest preference is
    added to it."""
    terms = get_in(affinity, REQUIRED, "nodeSelectorTerms", default=[])
    preferred = sorted(affinity.get(PREFERRED) or (), key=lambda entry: -entry["weight"])
    first = dict(terms[0]) if terms else {}
    if preferred:
        more = preferred[0]["preference"].get("matchExpressions") or []
        first["matchExpressions"] = [*(first.get("matchExpressions") or ()), *more]
    return {REQUIRED: {"nodeSelectorTerms": [first]}} if first else {}


def _fewer_node_terms(pod: Manifest) -> Manifest | None:
    path = ("spec", "affinity", "nodeAffinity", REQUIRED, "nodeSelectorTerms")
    terms = get_in(pod, *path, default=[])
    return replaced(pod, path, terms[1:]) if len(terms) > 1 else None


def _fewer(part: str) -> Relax:
    """Without the heaviest preference of a part of the affinity."""

    def relax(pod: Manifest) -> Manifest | None:
        path = ("spec", "affinity", part, PREFERRED)
        entries = get_in(pod, *path, default=[])
        if not entries:
            return None
        return replaced(pod, path, sorted(entries, key=lambda entry: -entry["weight"])[1:])

    return relax


def _less_spread(pod: Manifest) -> Manifest | None:
    spreads = pod["spec"].get("topologySpreadConstraints") or []
    for at, entry in enumerate(spreads):
        if entry.get("whenUnsatisfiable") == "ScheduleAnyway":
            kept = [*spreads[:at], *spreads[at + 1 :]]
            return replaced(pod, ("spec", "topologySpreadConstraints"), kept)
    return None


def _without_preferences(pod: Manifest) -> Manifest:
    for relax in _STEPS[1:]:
        while (found := relax(pod)) is not None:
            pod = found
    return pod


_STEPS: tuple[Relax, ...] = (
    _fewer_node_terms,
    _fewer("podAffinity"),
    _fewer("podAntiAffinity"),
    _fewer("nodeAffinity"),
    _less_spread,
)
