"""Whether a timeline says what the recording says, by the rules of the recordings' own README."""

import json
import re
from typing import Any

from states import State, fold

Case = dict[str, Any]
Facts = list[dict[str, Any]]
_UNCOMPARED_EVENTS = ("Scheduled", "FailedScheduling", "NoPods")
# Real controllers say it of every new node; the recordings never hold it.
_UNRECORDED_EVENTS = ("RegisteredNode",)
_COMBINED = "(combined from similar events): "


def differences(case: Case, timeline: Facts) -> list[str]:
    """What differs, most telling first; empty when the case passes."""
    compared = case["compare"]
    found: list[str] = []
    found += _actions(case, timeline)
    if "settled" in compared:
        found += _settled(case, fold(timeline))
    if "events" in compared:
        found += _events(case, timeline)
    if "identity" in compared:
        found += _lives(case, timeline, with_node="node" in compared)
    found += _placements(case, timeline)
    return found


def _settled(case: Case, states: list[State]) -> list[str]:
    tolerance = case["tolerance"]["seconds"] + 0.05
    at = 0
    for number, wanted in enumerate(case["settled"], 1):
        match = next(
            (
                index
                for index in range(at, len(states))
                if states[index].says(wanted["pods"], wanted["objects"])
                and abs(states[index].t - wanted["t"]) <= tolerance
            ),
            None,
        )
        if match is None:
            return [_missing(wanted, states, f"state {number}/{len(case['settled'])}")]
        at = match + 1
    return []


def _missing(wanted: dict[str, Any], states: list[State], which: str) -> str:
    ever = [state.t for state in states if state.says(wanted["pods"], wanted["objects"])]
    if ever:
        return f"{which} wanted at {wanted['t']}, seen at {ever[:5]}"
    until = [state for state in states if state.t <= wanted["t"] + 0.5]
    near = until[-1] if until else None
    if near is None:
        return f"{which} at {wanted['t']}: nothing seen"
    return f"{which} at {wanted['t']}: " + "; ".join(
        _tree_differences({"pods": wanted["pods"], **wanted["objects"]},
                          {"pods": near.pods, **near.objects})
    )  # fmt: skip


def _tree_differences(wanted: Any, seen: Any, path: str = "") -> list[str]:
    if isinstance(wanted, dict) and isinstance(seen, dict):
        return [
            line
            for key in sorted({**wanted, **seen})
            for line in _tree_differences(wanted.get(key), seen.get(key), f"{path}.{key}")
        ]
    if wanted == seen:
        return []
    return [f"{path.lstrip('.')} wanted {json.dumps(wanted)} seen {json.dumps(seen)}"]


def _plain(name: str) -> str:
    """Without pod numbers."""
    return re.sub(r"/(\d+|\?)(?!\d)", "/*", name)


def _event_set(case: Case, timeline: Facts) -> set[tuple[str, str, str, str]]:
    scheduling = case["area"] == "scheduler"
    return {
        (
            fact["kind"],
            _plain(fact["name"]),
            fact["reason"],
            _plain(fact.get("message", "").removeprefix(_COMBINED)),
        )
        for fact in timeline
        if fact["what"] == "event"
        and (scheduling or fact["reason"] not in _UNCOMPARED_EVENTS)
        and fact["reason"] not in _UNRECORDED_EVENTS
    }


def _events(case: Case, timeline: Facts) -> list[str]:
    wanted, seen = _event_set(case, case["timeline"]), _event_set(case, timeline)
    missing = [f"event missing: {' '.join(entry)}" for entry in sorted(wanted - seen)]
    surplus = [f"event too much: {' '.join(entry)}" for entry in sorted(seen - wanted)]
    return [*missing, *surplus]


def _lives(case: Case, timeline: Facts, *, with_node: bool) -> list[str]:
    wanted, seen = (_life_steps(facts, with_node) for facts in (case["timeline"], timeline))
    return [
        f"life of {name}: wanted {wanted.get(name)} seen {seen.get(name)}"
        for name in sorted({**wanted, **seen})
        if wanted.get(name) != seen.get(name)
    ]


def _life_steps(timeline: Facts, with_node: bool) -> dict[str, list[str]]:
    lives: dict[str, list[str]] = {}
    for fact in timeline:
        if fact["what"].startswith("pod."):
            step = fact["what"]
            if with_node and "node" in fact:
                step += f" {fact['node']}"
            lives.setdefault(fact["name"], []).append(step)
    return lives


def _actions(case: Case, timeline: Facts) -> list[str]:
    wanted = [fact for fact in case["timeline"] if fact["what"] == "action"]
    seen = [fact for fact in timeline if fact["what"] == "action"]
    return [
        f"{expected['do']} at {expected['t']}: wanted {json.dumps(expected.get('result'))} "
        f"seen {json.dumps(got.get('result'))}"
        for expected, got in zip(wanted, seen, strict=False)
        if expected.get("result") != got.get("result")
    ]


def _placements(case: Case, timeline: Facts) -> list[str]:
    compared = case["compare"]
    wants = [entry for entry in compared if entry.startswith("placement")]
    if not wants:
        return []
    allowed = case.get("placements") or [case["placement"]]
    seen = placement(case, timeline)
    parts = ["by_zone", "sorted_node_counts"]
    if wants != ["placement"]:
        parts = [entry.partition(".")[2] for entry in wants]
    if any(all(_part(entry, part) == seen[part] for part in parts) for entry in allowed):
        return []
    return [
        f"placement {part}: wanted one of {[_part(entry, part) for entry in allowed]} "
        f"seen {seen[part]}"
        for part in parts
    ]


def _part(entry: dict[str, Any], part: str) -> Any:
    if part in entry:
        return entry[part]
    counts: dict[str, list[int]] = {}
    for pods in entry.get("by_node", {}).values():
        for owner, count in pods.items():
            counts.setdefault(owner, []).append(count)
    return {owner: sorted(each) for owner, each in counts.items()}


def placement(case: Case, timeline: Facts) -> dict[str, Any]:
    """Pods by node and zone at the end."""
    zones = {entry["name"]: entry["zone"] for entry in case["setup"]["nodes"]}
    for action in case["actions"]:
        if action["do"]["verb"] == "add-node":
            node = action["do"]["node"]
            zones[node["name"]] = node["zone"]
    owners: dict[str, str] = {}
    nodes: dict[str, str] = {}
    for fact in timeline:
        if fact["what"] == "pod.created":
            owners[fact["name"]] = fact.get("owner", fact["name"])
            nodes[fact["name"]] = "-"
        elif fact["what"] == "pod.bound":
            nodes[fact["name"]] = fact["node"]
        elif fact["what"] == "pod.gone":
            nodes.pop(fact["name"], None)
    by_node: dict[str, dict[str, int]] = {}
    by_zone: dict[str, dict[str, int]] = {}
    for name, node in nodes.items():
        for table, place in ((by_node, node), (by_zone, zones.get(node, "-"))):
            counts = table.setdefault(place, {})
            counts[owners[name]] = counts.get(owners[name], 0) + 1
    entry = {"by_node": by_node, "by_zone": by_zone}
    return {**entry, "sorted_node_counts": _part(entry, "sorted_node_counts")}
