"""What happened, on one axis: commits, syncs, scaling, restarts and faults together."""

from typing import Any

from kiban.kube.objects import Manifest, get_in
from kiban.telemetry import Act
from kiban.web.board import Board, environment_of

SHOWN = 120
# Lanes by the reason of a Kubernetes event; whatever else is a warning is a fault.
_LANES = {
    "SuccessfulRescale": "scale",
    "ScalingReplicaSet": "rollout",
    "Killing": "restart",
    "BackOff": "fault",
    "Unhealthy": "fault",
    "Evicted": "restart",
    "Preempted": "restart",
}


def events_of(board: Board, environment: str, service: str) -> list[dict[str, Any]]:
    """What the cluster says of a service and its objects, the newest first."""
    known = board.outline.environments.get(environment)
    if known is None:
        return []
    found = [
        _event_facts(event)
        for event in board.events_in(known.namespace)
        if is_about(_about(event), service, board.outline.services)
    ]
    return sorted(found, key=lambda each: str(each["at"]), reverse=True)[:SHOWN]


def moments_of(board: Board, environment: str, service: str) -> list[dict[str, Any]]:
    """Acts and events of a service as points in time, the oldest first. A program that does not
    answer its startup probe yet is no fault."""
    moments = [
        {
            "at": act.at,
            "lane": "gate" if act.what.startswith("gate") else "sync",
            "words": f"{act.what}: {act.result}" if act.result else act.what,
            "who": act.who,
            "bad": act.result in ("failed", "fail", "abandoned"),
            "plan": act.plan,
        }
        for act in board.acts
        if _concerns(act, environment, service)
    ]
    for event in events_of(board, environment, service):
        starts = event["message"].startswith("Startup probe failed")
        bad = event["warning"] and not starts
        lane = "rollout" if starts else _LANES.get(event["reason"], "fault" if bad else "")
        if lane:
            words = f"{event['reason']}: {event['message']}"
            moments.append({"at": event["at"], "lane": lane, "words": words, "bad": bad})
    return sorted(moments, key=lambda each: str(each["at"]))[-SHOWN:]


def is_about(name: str, service: str, services: object) -> bool:
    """Whether an object's name is the service's or of one of its parts; `shop-api-7f` belongs to
    `shop-api` where there is one, and not to `shop`."""
    if name == service:
        return True
    if not name.startswith(f"{service}-"):
        return False
    known: set[str] = set(services) if isinstance(services, dict) else set()
    return not any(
        len(other) > len(service) and (name == other or name.startswith(f"{other}-"))
        for other in known
    )


def _concerns(act: Act, environment: str, service: str) -> bool:
    if environment_of(act.subject) not in ("", environment) and act.subject != environment:
        return False
    return act.result == "began" or service in act.subject or service in act.what


def _about(event: Manifest) -> str:
    return str(get_in(event, "involvedObject", "name", default=""))


def _event_facts(event: Manifest) -> dict[str, Any]:
    about = event.get("involvedObject", {})
    at = event.get("lastTimestamp") or event.get("eventTime")
    return {
        "at": at or event["metadata"]["creationTimestamp"],
        "warning": event.get("type") == "Warning",
        "reason": event.get("reason", ""),
        "object": f"{about.get('kind', '')}/{about.get('name', '')}",
        "message": event.get("message", ""),
        "count": event.get("count") or get_in(event, "series", "count", default=1) or 1,
    }
