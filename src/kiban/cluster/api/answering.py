"""From a request to its response: the one entrance for everything that comes over HTTP.

Synchronous and without I/O. What must wait (a watch, a log) comes back as a stream or an errand
for the adapter.
"""

from collections.abc import Callable
from dataclasses import replace

from kiban.cluster.api import discovery, objects, openapi, static, subresources
from kiban.cluster.api.failures import Failure, method_not_allowed
from kiban.cluster.api.negotiation import PLAIN, Form, form_of
from kiban.cluster.api.rendering import failure_response
from kiban.cluster.api.routing import Target, resolve, target_of
from kiban.cluster.api.special import SPECIAL
from kiban.cluster.api.values import Consult, Request, Response
from kiban.cluster.api.world import World
from kiban.cluster.authorization.impersonation import acting_user
from kiban.cluster.authorization.rights import may, refusal, wish_of
from kiban.cluster.consulting import Unanswered
from kiban.primitives.instants import Instant


def answer(world: World, request: Request, now: Instant) -> Response:
    """The response to a request; refusals are responses too."""
    consultation = request.consultation
    if consultation is not None:
        consultation.begin()
        now = consultation.began
    try:
        response = _answer(world, request, now)
    except Unanswered as unanswered:
        return Response(503, errand=Consult(unanswered.questions))
    except Failure as failure:
        response = failure_response(failure, _form_for_failures(request))
    response.revision = world.store.revision
    return response


def _form_for_failures(request: Request) -> Form:
    try:
        return Form(form_of(request.headers.get("accept", "")).media)
    except Failure:
        return PLAIN


def _answer(world: World, request: Request, now: Instant) -> Response:
    watch = request.flag("watch")
    target = target_of(request.method, request.path, watch=watch)
    wish = wish_of(request.method, request.path, target)
    user = acting_user(world.store, request.user, request.headers, wish)
    if not may(world.store, user, wish):
        raise refusal(user, wish)
    if user is not request.user:
        request = replace(request, user=user)
    if target is None:
        return _not_about_objects(world, request)
    if target.version not in world.registry.kinds.groups().get(target.group, ()):
        return discovery.page_not_found()
    if _is_misplaced(world, target):
        return discovery.page_not_found()
    info, subresource = resolve(world.registry.kinds, target)
    if subresource is not None:
        return subresources.answer(world, request, target, info, now)
    special = SPECIAL.get(info.group_kind)
    handle = special or _VERBS.get(target.verb)
    if handle is None:
        raise method_not_allowed()
    response = handle(world, request, target, info, now)
    deprecation = world.registry.warning_about(info)
    if deprecation:
        response.warnings = (deprecation, *response.warnings)
    return response


def _is_misplaced(world: World, target: Target) -> bool:
    """Whether a path under a group of custom kinds leads to none of them, or to one of the whole
    cluster inside a namespace: those who serve custom kinds pass on what they do not know."""
    kinds = world.registry.kinds
    info = kinds.at(target.group, target.version, target.resource)
    if info is None:
        served = kinds.in_version(target.group, target.version)
        return not any(other.type_name for other in served)
    return not info.type_name and bool(target.namespace) and not info.namespaced


_VERBS: dict[str, Callable[..., Response]] = {
    "get": objects.get,
    "list": objects.list_,
    "watch": objects.watch,
    "create": objects.create,
    "update": objects.update,
    "patch": objects.patch,
    "delete": objects.delete,
    "deletecollection": objects.delete_collection,
}


def _not_about_objects(world: World, request: Request) -> Response:
    first = request.path.strip("/").partition("/")[0]
    if request.method not in ("GET", "HEAD"):
        if first not in ("api", "apis", "openapi", "version"):
            return discovery.page_not_found()
        raise method_not_allowed()
    if first in ("api", "apis"):
        return discovery.discovered(request, world.registry.kinds)
    if first == "openapi":
        return openapi.answer(request, world.registry.kinds, world.registry.shape_of)
    return static.answer(world, request)
