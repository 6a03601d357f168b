"""Requests to a part or an act of an object: status, scale, binding, eviction, token, streams."""

from collections.abc import Callable

from kiban.cluster.api import objects, pods, proxying, scale, tokens
from kiban.cluster.api.failures import method_not_allowed
from kiban.cluster.api.routing import Target
from kiban.cluster.api.values import Request, Response
from kiban.cluster.api.world import World
from kiban.kube.kinds import KindInfo
from kiban.primitives.instants import Instant

Handler = Callable[[World, Request, Target, KindInfo, Instant], Response]


def answer(
    world: World, request: Request, target: Target, info: KindInfo, now: Instant
) -> Response:
    """Route to the subresource's own handler. Raises `Failure`."""
    handler = _HANDLERS.get(target.subresource)
    if handler is None:
        raise method_not_allowed()
    return handler(world, request, target, info, now)


def _part(world: World, request: Request, target: Target, info: KindInfo, now: Instant) -> Response:
    """The object itself, through an end point that changes only a part of it."""
    verbs: dict[str, Handler] = {
        "get": objects.get,
        "update": objects.update,
        "patch": objects.patch,
    }
    return verbs[target.verb](world, request, target, info, now)


_HANDLERS: dict[str, Handler] = {
    "status": _part,
    "finalize": _part,
    "approval": _part,
    "ephemeralcontainers": _part,
    "resize": _part,
    "scale": scale.answer,
    "binding": pods.bind,
    "eviction": pods.evict,
    "log": pods.logs,
    "exec": pods.run,
    "attach": pods.run,
    "portforward": pods.forward,
    "proxy": proxying.answer,
    "token": tokens.request,
}
