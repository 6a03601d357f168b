"""The first page: whether each environment can be used, and every service in every environment."""

from collections.abc import Iterable, Mapping
from typing import Any

from kiban.delivery.status import DeliveryStatus, ServiceStatus
from kiban.primitives.instants import rfc3339
from kiban.web.board import Board, environment_of
from kiban.web.outline import EnvironmentOutline, ServiceOutline
from kiban.web.pictures.picture import Picture, Row
from kiban.web.pictures.pods import DRAINING, ENDED, READY, life_of

PAGE = 50
# The worst first, which is also how they are sorted.
ORDER = ("Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy", "")


class PlatformPictures:
    """Draws the first page; what has not changed since the last time is not drawn again."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[int, Row]] = {}

    def picture(self, board: Board, query: Mapping[str, str]) -> Picture:
        """`q` filters by name, team or state; `page` counts from 0; `sort` is `name` or worst."""
        wanted = query.get("q", "").casefold().split()
        rows = [self._row(board, service) for service in board.outline.services.values()]
        found = [row for row in rows if all(word in row["text"] for word in wanted)]
        if query.get("sort") != "name":
            found.sort(key=lambda row: (row["rank"], row["id"]))
        pages = max(1, -(-len(found) // PAGE))
        page = min(_number(query.get("page", "")), pages - 1)
        facts = {
            "platform": board.outline.name,
            "environments": [
                environment_facts(board, each) for each in board.outline.environments.values()
            ],
            "services": len(rows),
            "found": len(found),
            "page": page,
            "pages": pages,
            "unwell": sum(1 for row in rows if row["rank"] < ORDER.index("Progressing")),
            "latest": [act.as_data() for act in reversed(board.headlines)],
        }
        return Picture(facts, found[page * PAGE : (page + 1) * PAGE])

    def _row(self, board: Board, service: ServiceOutline) -> Row:
        version = board.version_of(service.name)
        known = self._rows.get(service.name)
        if known is None or known[0] != version:
            known = self._rows[service.name] = (version, service_row(board, service))
        return known[1]


def service_row(board: Board, service: ServiceOutline) -> Row:
    """One service in all environments."""
    cells = {
        name: _cell(board, service, name)
        for name in board.outline.environments
        if name in service.environments
    }
    states = [cell["status"] for cell in cells.values() if "status" in cell]
    rank = min((ORDER.index(state) for state in states if state in ORDER), default=len(ORDER) - 1)
    words = (service.name, service.team, service.kind, *states)
    return {
        "id": service.name,
        "kind": service.kind,
        "team": service.team,
        "rank": rank,
        "cells": cells,
        "text": " ".join(words).casefold(),
    }


def _cell(board: Board, service: ServiceOutline, environment: str) -> dict[str, Any]:
    found = board.service_statuses(environment, service.name)
    if not found and not board.statuses_of(environment):
        # Nobody tells of this environment here: only what Git says is known.
        return {"tag": service.tags.get(environment, "")}
    lives = [life_of(pod) for pod in board.pods_of(environment, service.name)]
    load = board.latest_load(environment, service.name)
    worst = _worst(found)
    return {
        "tag": service.tags.get(environment, ""),
        "status": worst.status if worst else "",
        "step": worst.step if worst else "",
        "why": worst.message if worst else "",
        "ready": lives.count(READY),
        "pods": len(lives) - lives.count(ENDED) - lives.count(DRAINING),
        "rate": round(load.requests, 1) if load else None,
        "errors": round(load.errors, 2) if load else None,
        "p99": round(load.most_ms) if load else None,
    }


def _worst(found: Iterable[ServiceStatus]) -> ServiceStatus | None:
    return min(found, key=lambda each: _rank(each.status), default=None)


def _rank(status: str) -> int:
    return ORDER.index(status) if status in ORDER else 0


def environment_facts(board: Board, environment: EnvironmentOutline) -> dict[str, Any]:
    """Whether an environment can be used, in one word and a sentence."""
    statuses = board.statuses_of(environment.name)
    return {
        "name": environment.name,
        "after": environment.after,
        "description": environment.description,
        "clusters": [_on_cluster(board, status) for status in statuses],
        "addresses": _links(board, statuses),
        "arriving": _arriving(board, environment),
    }


def _arriving(board: Board, environment: EnvironmentOutline) -> list[str]:
    """The services whose releases are still only where this environment's come from."""
    return [
        service.name
        for service in board.outline.services.values()
        if environment.name in service.environments
        and (tag := service.tags.get(environment.after)) is not None
        and tag != service.tags.get(environment.name)
    ]


def _links(board: Board, statuses: Iterable[DeliveryStatus]) -> list[str]:
    """Where the routes answer; through the gateway of this machine if there is one."""
    port = board.gateway.rpartition(":")[2]
    found = {each for status in statuses for every in status.addresses.values() for each in every}
    if not port:
        return [f"https://{address}" for address in sorted(found)]
    split = [address.partition("/") for address in sorted(found)]
    return [f"http://{host}:{port}{slash}{path}" for host, slash, path in split]


def _on_cluster(board: Board, status: DeliveryStatus) -> dict[str, Any]:
    services = [each for each in status.services if each.name in board.outline.services]
    well = sum(1 for service in services if service.status == "Healthy")
    commit = status.newest or status.commit
    return {
        "subject": status.subject,
        "environment": environment_of(status.subject),
        "phase": status.phase,
        "ready": status.is_ready,
        "well": well,
        "services": len(services),
        "message": status.message,
        "since": rfc3339(status.since) if status.since else "",
        "commit": _commit_facts(status),
        "waits": bool(commit and commit.id != status.delivered),
        "problems": [problem.as_data() for problem in status.problems],
    }


def _commit_facts(status: DeliveryStatus) -> dict[str, Any] | None:
    commit = status.newest or status.commit
    if commit is None:
        return None
    return {
        "id": commit.id,
        "words": commit.message.partition("\n")[0],
        "author": name_of(commit.author),
        "at": rfc3339(commit.at) if commit.at else "",
    }


def name_of(author: str) -> str:
    """`Ai <ai@example.com>` gives `Ai`."""
    return author.partition(" <")[0]


def _number(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 7 else 0
