"""The verbs on objects and collections: get, list, watch, create, update, patch, delete."""

from collections.abc import Callable

from kiban.cluster.api import bodies, deleting, form, listing, metadata, patching, rendering
from kiban.cluster.api.calls import Call
from kiban.cluster.api.failures import Failure, bad_request, details_of, not_found
from kiban.cluster.api.negotiation import Form, form_of
from kiban.cluster.api.options import (
    call_of,
    delete_options,
    list_options,
    patch_option_faults,
)
from kiban.cluster.api.routing import Target
from kiban.cluster.api.values import Request, Response
from kiban.cluster.api.watching import WatchStream
from kiban.cluster.api.world import World
from kiban.cluster.store import Stored
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import POD, SERVICE, SERVICE_ACCOUNT, Key, Manifest, key_of
from kiban.primitives.instants import Instant

# What a delete answers with when the object is gone at once: most say how it went, these show it
# (registry strategies with ReturnDeletedObject).
_SHOWN_WHEN_DELETED = frozenset({POD, SERVICE, SERVICE_ACCOUNT})


def key_of_target(target: Target, info: KindInfo) -> Key:
    namespace = target.namespace if info.namespaced else ""
    return Key(info.group, info.kind, namespace, target.name)


def accepted_form(request: Request) -> Form:
    return form_of(request.headers.get("accept", ""))


def shown(
    world: World, info: KindInfo, manifest: Manifest, form_: Form, status: int, call: Call | None
) -> Response:
    """One object in the form a client asked for, with the warnings its write gave."""
    if form_.transform == "PartialObjectMetadata":
        manifest = rendering.partial(manifest, form_)
    response = rendering.value_response(manifest, form_, status)
    if call is not None:
        response.warnings = tuple(call.warnings)
    return response


# Reading


def get(world: World, request: Request, target: Target, info: KindInfo, now: Instant) -> Response:
    form_ = accepted_form(request)
    stored = world.store.stored(key_of_target(target, info))
    if stored is None:
        raise not_found(info, target.name)
    if form_.media == "json" and not form_.transform:
        return Response(200, stored.encoded)
    return shown(world, info, stored.object, form_, 200, None)


def list_(world: World, request: Request, target: Target, info: KindInfo, now: Instant) -> Response:
    form_ = accepted_form(request)
    options = list_options(request, info, (), watch=False)
    page = listing.listed(world.store, info, target.namespace, options)
    return rendering.list_response(info, page, form_, None)


def watch(world: World, request: Request, target: Target, info: KindInfo, now: Instant) -> Response:
    form_ = accepted_form(request)
    options = list_options(request, info, (), watch=True)
    show = _watch_form(world, info, form_, now)
    stream = WatchStream(world.store, info, target.namespace, options, show, now)
    return Response(200, stream=stream)


def _watch_form(
    world: World, info: KindInfo, form_: Form, now: Instant
) -> Callable[[Stored], bytes]:
    if form_.transform == "PartialObjectMetadata":
        return lambda stored: rendering.encoded(rendering.partial(stored.object, form_), form_)
    return lambda stored: stored.encoded


# Writing


def create(
    world: World, request: Request, target: Target, info: KindInfo, now: Instant
) -> Response:
    form_ = accepted_form(request)
    call = call_of(request, now, "CreateOptions")
    manifest = _body(request, info, call)
    created = world.registry.create(info, target.namespace, manifest, call)
    return shown(world, info, created, form_, 201, call)


def update(
    world: World, request: Request, target: Target, info: KindInfo, now: Instant
) -> Response:
    form_ = accepted_form(request)
    call = call_of(request, now, "UpdateOptions")
    manifest = _body(request, info, call)
    _check_name(manifest, target.name)
    key = key_of_target(target, info)
    stored, created = world.registry.replace(info, key, manifest, call, target.subresource)
    return shown(world, info, stored, form_, 201 if created else 200, call)


def _body(request: Request, info: KindInfo, call: Call) -> Manifest:
    manifest, duplicates = bodies.object_of(request, info.kind)
    typed = bodies.check_type(manifest, info)
    try:
        return form.understood(info, typed, call, duplicates)
    except form.Misread as misread:
        raise misread.in_body(info) from misread


def _check_name(manifest: Manifest, name: str) -> None:
    said = manifest["metadata"].get("name") or ""
    if not said:
        raise bad_request(
            f"the name of the object ({name} based on URL) was undeterminable: name must be "
            "provided"
        )
    if said != name:
        raise bad_request(
            f"the name of the object ({said}) does not match the name on the URL ({name})"
        )


def patch(world: World, request: Request, target: Target, info: KindInfo, now: Instant) -> Response:
    form_ = accepted_form(request)
    call = call_of(request, now, "PatchOptions")
    patch_option_faults(request, is_apply=patching.is_apply(request))
    if patching.is_apply(request):
        return _apply(world, request, target, info, call)
    change, duplicates = patching.patch_of(request, info)
    key = key_of_target(target, info)

    def changed(live: Manifest) -> Manifest:
        new = change(live)
        _check_name(new, target.name)
        try:
            return form.understood(info, new, call, tuple(duplicates))
        except form.Misread as misread:
            raise misread.in_patch(request.body.decode(errors="replace")) from misread

    stored = world.registry.update(info, key, changed, call, target.subresource)
    return shown(world, info, stored, form_, 200, call)


def _apply(world: World, request: Request, target: Target, info: KindInfo, call: Call) -> Response:
    config = bodies.configuration_of(request, info)
    _check_name(config, target.name)
    metadata.placed(info, target.namespace, config)
    key = key_of_target(target, info)
    stored, created = world.registry.apply(
        info,
        key,
        config,
        call,
        force=request.flag("force"),
        subresource=target.subresource,
    )
    return shown(world, info, stored, accepted_form(request), 201 if created else 200, call)


# Deleting


def _delete_body(request: Request) -> Manifest | None:
    if not request.body:
        return None
    body, _ = bodies.object_of(request, "DeleteOptions")
    kind = body.get("kind") or "DeleteOptions"
    if kind != "DeleteOptions":
        raise bad_request(f"expect kind DeleteOptions, got {kind}")
    return body


def delete(
    world: World, request: Request, target: Target, info: KindInfo, now: Instant
) -> Response:
    form_ = accepted_form(request)
    options, call = delete_options(request, _delete_body(request), now)
    key = key_of_target(target, info)
    last, gone = deleting.delete(world.registry, info, key, options, call)
    if gone and info.group_kind not in _SHOWN_WHEN_DELETED:
        details = details_of(info, target.name, uid=last["metadata"]["uid"])
        return rendering.value_response(_success(details), form_)
    return shown(world, info, last, form_, 200, call)


def _success(details: Manifest) -> Manifest:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }


def delete_collection(
    world: World, request: Request, target: Target, info: KindInfo, now: Instant
) -> Response:
    form_ = accepted_form(request)
    selection = list_options(request, info, (), watch=False)
    options, call = delete_options(request, _delete_body(request), now)
    page = listing.listed(world.store, info, target.namespace, selection)
    for stored in page.items:
        key = key_of(stored.object)
        try:
            deleting.delete(world.registry, info, key, options, call)
        except Failure as failure:
            if failure.reason != "NotFound":
                raise
    return rendering.list_response(info, page, form_, None)
