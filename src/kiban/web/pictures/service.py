"""The page of one service in one environment: what it is doing, whom it needs, what happened."""

from collections.abc import Mapping
from typing import Any

from kiban.kube.objects import Manifest, get_in, labels_of
from kiban.web.board import Board, Load
from kiban.web.pictures.graph import laid_out, neighbourhood
from kiban.web.pictures.picture import Picture
from kiban.web.pictures.platform import service_row
from kiban.web.pictures.pods import life_of, tile
from kiban.web.pictures.timeline import events_of, moments_of

ZONE_LABEL = "topology.kubernetes.io/zone"


def service_picture(board: Board, query: Mapping[str, str]) -> Picture:
    """`name` and `env` say of what; the rows are its pods."""
    name = query.get("name", "")
    service = board.outline.services.get(name)
    environments = board.outline.environments
    if service is None:
        return Picture({"missing": name})
    wanted = query.get("env", "")
    environment = wanted if wanted in environments else next(iter(service.environments), "")
    row = service_row(board, service)
    pods = board.pods_of(environment, name)
    facts: dict[str, Any] = {
        "missing": "",
        "name": name,
        "kind": service.kind,
        "team": service.team,
        "description": service.description,
        "environment": environment,
        "environments": list(service.environments),
        "cells": row["cells"],
        "loads": loads_of(board, environment, name),
        "graph": graph_of(board, environment, name),
        "objects": [
            {"object": str(each.key), "status": each.status, "why": each.message or each.reason}
            for status in board.service_statuses(environment, name)
            for each in status.objects
        ],
        "moments": moments_of(board, environment, name),
        "events": events_of(board, environment, name),
        "problems": [
            problem.as_data()
            for status in board.statuses_of(environment)
            for problem in status.problems
        ],
    }
    rows = [{"id": pod["metadata"]["name"], **tile(pod, zone_of(board, pod))} for pod in pods]
    return Picture(facts, sorted(rows, key=lambda row: (row["zone"], row["node"], row["id"])))


def zone_of(board: Board, pod: Manifest) -> str:
    node = board.nodes.get(get_in(pod, "spec", "nodeName", default=""))
    return labels_of(node).get(ZONE_LABEL, "") if node else ""


def loads_of(board: Board, environment: str, service: str) -> list[dict[str, float]]:
    """The readings of the last minutes, the oldest first."""
    known = board.outline.environments.get(environment)
    found = board.loads.get((known.namespace, service), ()) if known else ()
    return [_load_facts(load) for load in found]


def _load_facts(load: Load) -> dict[str, float]:
    return {
        "at": load.at,
        "rate": round(load.requests, 2),
        "errors": round(load.errors, 2),
        "p50": round(load.half_ms, 1),
        "p99": round(load.most_ms, 1),
    }


def graph_of(board: Board, environment: str, center: str) -> dict[str, Any]:
    """The neighbourhood of a service, or with an empty center all services, with live figures."""
    services = board.outline.services
    uses = {name: each.uses for name, each in services.items()}
    everything = dict.fromkeys([*sorted(uses), *(name for used in uses.values() for name in used)])
    laid = laid_out(uses, neighbourhood(uses, center) if center else everything)
    nodes = []
    for name, (column, row) in laid.places.items():
        load = board.latest_load(environment, name)
        states = [each.status for each in board.service_statuses(environment, name)]
        lives = [life_of(pod) for pod in board.pods_of(environment, name)]
        nodes.append(
            {
                "id": name,
                "column": column,
                "row": row,
                "resource": name not in services,
                "status": states[0] if states else "",
                "ready": lives.count("ready"),
                "rate": round(load.requests, 1) if load else None,
                "errors": round(load.errors, 2) if load else None,
                "p99": round(load.most_ms) if load else None,
            }
        )
    return {"nodes": nodes, "edges": [list(edge) for edge in laid.edges]}
