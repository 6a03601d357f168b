"""End points that are not about objects: version, health, the list of paths."""

import orjson

from kiban.cluster.api.discovery import page_not_found
from kiban.cluster.api.negotiation import PLAIN
from kiban.cluster.api.rendering import value_response
from kiban.cluster.api.values import Request, Response
from kiban.cluster.api.world import World

VERSION = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.2+kiban",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-06-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "",
}
HEALTH_PATHS = ("/healthz", "/livez", "/readyz")
TEXT = "text/plain; charset=utf-8"


def answer(world: World, request: Request) -> Response:
    """A GET of a path that is neither an object's nor discovery's."""
    path = request.path.rstrip("/") or "/"
    if path == "/version":
        return value_response(VERSION, PLAIN)
    if path in HEALTH_PATHS or any(path.startswith(health + "/") for health in HEALTH_PATHS):
        name = path.strip("/").partition("/")[0]
        verbose = f"[+]ping ok\n[+]store ok\n{name} check passed\n"
        body = verbose if request.flag("verbose") else "ok"
        return Response(200, body.encode(), TEXT)
    if path == "/":
        return Response(200, orjson.dumps({"paths": _paths(world)}))
    return page_not_found()


def _paths(world: World) -> list[str]:
    kinds = world.registry.kinds
    groups = [
        f"/apis/{group}/{version}" if group else f"/api/{version}"
        for group, versions in kinds.groups().items()
        for version in versions
    ]
    fixed = ["/api", "/apis", "/openapi/v2", "/openapi/v3", "/version", *HEALTH_PATHS]
    return sorted([*fixed, *groups])
