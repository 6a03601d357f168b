"""The verbs on objects and collections: get, list, watch, create, update, patch, delete."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat

import orjson

from kiban.cluster.api import (
    bodies,
    deleting,
    form,
    listing,
    metadata,
    patching,
    rendering,
    versions,
)
from kiban.cluster.api.calls import Call
from kiban.cluster.api.failures import Failure, bad_request, details_of, forbidden, not_found
from kiban.cluster.api.negotiation import PLAIN, Form, form_of
from kiban.cluster.api.options import (
    call_of,
    delete_options,
    list_options,
    patch_option_faults,
)
from kiban.cluster.api.rendering import Shown
from kiban.cluster.api.routing import Target
from kiban.cluster.api.values import Request, Response
from kiban.cluster.api.watching import WatchStream
from kiban.cluster.api.world import World
from kiban.cluster.authorization.rights import may, refusal
from kiban.cluster.authorization.roles import Wish
from kiban.cluster.bootstrap import SYSTEM_PRIORITIES
from kiban.cluster.history import Stored
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import POD, SERVICE, SERVICE_ACCOUNT, Key, Manifest, key_of
from kiban.kube.warnings import warnings_of
from kiban.primitives.instants import Instant

# What a delete answers with when the object is gone at once: most say how it went, these show it
# (registry strategies with ReturnDeletedObject).
_SHOWN_WHEN_DELETED = frozenset({POD, SERVICE, SERVICE_ACCOUNT})


def key_of_target(world: World, target: Target, info: KindInfo) -> Key:
    """The key under which the object is stored, whatever version the path names."""
    kind = versions.stored_info(world.registry.kinds, info)
    namespace = target.namespace if info.namespaced else ""
    return Key(kind.group, kind.kind, namespace, target.name)


def accepted_form(request: Request) -> Form:
    return form_of(request.headers.get("accept", ""))


def wish_of(request: Request, now: Instant) -> Shown:
    """How the client wants objects shown."""
    return Shown(accepted_form(request), now, request.value("includeObject") or "Metadata")


def shown(
    world: World, info: KindInfo, manifest: Manifest, wish: Shown, status: int = 200
) -> Response:
    """One object as the client wants it, in the version of its path."""
    convert = versions.to_version(world.registry.kinds, info)
    form_ = wish.form
    if convert is not None:
        manifest = convert(manifest)
    elif form_ == PLAIN and "name" in manifest["metadata"]:
        stored = world.store.stored(key_of(manifest))
        if stored is not None and stored.object is manifest:
            # What the journal needs as well.
            return Response(status, stored.encoded)
    if form_.transform == "Table":
        version = {"resourceVersion": manifest["metadata"].get("resourceVersion", "")}
        value = rendering.table([manifest], wish, version, world.registry.printer_of(info))
        return rendering.value_response(value, form_, status)
    if form_.transform == "PartialObjectMetadata":
        manifest = rendering.partial(manifest, form_)
    return rendering.value_response(manifest, form_, status)


def written(
    world: World, info: KindInfo, manifest: Manifest, wish: Shown, call: Call, *, created: bool
) -> Response:
    """An object after a write, with the warnings the write gave."""
    response = shown(world, info, manifest, wish, 201 if created else 200)
    response.warnings = (*call.warnings, *warnings_of(manifest))
    return response


@contextmanager
def warned(call: Call) -> Iterator[None]:
    """A refusal carries the warnings that the write gave before it."""
    try:
        yield
    except Failure as failure:
        failure.warnings = tuple(call.warnings)
        raise


# Reading


def get(world: World, request: Request, target: Target, info: KindInfo, now: Instant) -> Response:
    wish = wish_of(request, now)
    stored = world.store.stored(key_of_target(world, target, info))
    if stored is None:
        raise not_found(info, target.name)
    if wish.form == PLAIN and versions.to_version(world.registry.kinds, info) is None:
        return Response(200, stored.encoded)
    return shown(world, info, stored.object, wish)


def list_(world: World, request: Request, target: Target, info: KindInfo, now: Instant) -> Response:
    wish = wish_of(request, now)
    options = list_options(request, info, world.registry.selectable(info), watch=False)
    kinds = world.registry.kinds
    page = listing.listed(world.store, versions.stored_info(kinds, info), target.namespace, options)
    convert = versions.to_version(kinds, info)
    return rendering.list_response(info, page, wish, world.registry.printer_of(info), convert)


def watch(world: World, request: Request, target: Target, info: KindInfo, now: Instant) -> Response:
    wish = wish_of(request, now)
    options = list_options(request, info, world.registry.selectable(info), watch=True)
    show = _watch_form(world, info, wish)
    kind = versions.stored_info(world.registry.kinds, info)
    stream = WatchStream(world.store, kind, target.namespace, options, show, now)
    return Response(200, stream=stream)


def _watch_form(world: World, info: KindInfo, wish: Shown) -> Callable[[Stored], bytes]:
    """How a watch shows each object; ages in its tables are as of its beginning."""
    convert = versions.to_version(world.registry.kinds, info)
    if wish.form.transform == "PartialObjectMetadata":
        return lambda stored: orjson.dumps(rendering.partial(stored.object, wish.form))
    if wish.form.transform == "Table":
        first = chain([True], repeat(False))
        return lambda stored: orjson.dumps(
            _table_event(world, info, versions.shown_as(stored, convert), wish, next(first))
        )
    return lambda stored: versions.shown_as(stored, convert).encoded


def _table_event(
    world: World, info: KindInfo, stored: Stored, wish: Shown, headed: bool
) -> Manifest:
    version = {"resourceVersion": stored.object["metadata"]["resourceVersion"]}
    bookmark = "name" not in stored.object["metadata"]
    objects = [] if bookmark else [stored.object]
    printer = world.registry.printer_of(info)
    return rendering.table(objects, wish, version, printer, headed=headed)


# Writing


def create(
    world: World, request: Request, target: Target, info: KindInfo, now: Instant
) -> Response:
    wish = wish_of(request, now)
    call = call_of(request, now, "CreateOptions", info.api_version)
    manifest = _body(world, request, info, call)
    kinds = world.registry.kinds
    kind = versions.stored_info(kinds, info)
    manifest = versions.to_stored(kinds, info, manifest)
    with warned(call):
        created = world.registry.create(kind, target.namespace, manifest, call)
    return written(world, info, created, wish, call, created=True)


def update(
    world: World, request: Request, target: Target, info: KindInfo, now: Instant
) -> Response:
    wish = wish_of(request, now)
    call = call_of(request, now, "UpdateOptions", info.api_version)
    manifest = _body(world, request, info, call)
    _check_name(manifest, target.name)
    key = key_of_target(world, target, info)
    kinds = world.registry.kinds
    kind = versions.stored_info(kinds, info)
    manifest = versions.to_stored(kinds, info, manifest)
    with warned(call):
        stored, created = world.registry.replace(kind, key, manifest, call, target.subresource)
    return written(world, info, stored, wish, call, created=created)


def _body(world: World, request: Request, info: KindInfo, call: Call) -> Manifest:
    manifest, duplicates = bodies.object_of(request, info.kind)
    typed = bodies.check_type(manifest, info)
    try:
        return world.registry.understood(info, typed, call, duplicates)
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
    wish = wish_of(request, now)
    call = call_of(request, now, "PatchOptions", info.api_version)
    patch_option_faults(request, is_apply=patching.is_apply(request))
    if patching.is_apply(request):
        return _apply(world, request, target, info, call)
    change, duplicates = patching.patch_of(request, info)
    key = key_of_target(world, target, info)

    kinds = world.registry.kinds
    convert = versions.to_version(kinds, info)

    def changed(live: Manifest) -> Manifest:
        new = change(convert(live) if convert else live)
        _check_name(new, target.name)
        try:
            known = None if convert else live
            understood = world.registry.understood(info, new, call, tuple(duplicates), known)
        except form.Misread as misread:
            raise misread.in_patch(request.body.decode(errors="replace")) from misread
        return versions.to_stored(kinds, info, understood)

    kind = versions.stored_info(kinds, info)
    with warned(call):
        stored = world.registry.update(kind, key, changed, call, target.subresource)
    return written(world, info, stored, wish, call, created=False)


def _apply(world: World, request: Request, target: Target, info: KindInfo, call: Call) -> Response:
    config = bodies.configuration_of(request, info)
    _check_name(config, target.name)
    metadata.placed(info, target.namespace, config)
    key = key_of_target(world, target, info)
    if world.store.get(key) is None:
        creation = Wish("create", info.group, info.plural, "", target.namespace, target.name)
        if not may(world.store, request.user, creation):
            raise refusal(request.user, creation)
    kinds = world.registry.kinds
    with warned(call):
        stored, created = world.registry.apply(
            versions.stored_info(kinds, info),
            key,
            versions.to_stored(kinds, info, config),
            call,
            force=request.flag("force"),
            subresource=target.subresource,
        )
    return written(world, info, stored, wish_of(request, call.now), call, created=created)


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
    wish = wish_of(request, now)
    options, call = delete_options(request, _delete_body(request), now)
    key = key_of_target(world, target, info)
    if info.kind == "PriorityClass" and target.name in SYSTEM_PRIORITIES:
        why = "this is a system priority class and cannot be deleted"
        raise forbidden(info, target.name, why)
    last, gone = deleting.delete(world.registry, info, key, options, call)
    if gone and info.group_kind not in _SHOWN_WHEN_DELETED:
        details = details_of(info, target.name, uid=last["metadata"]["uid"])
        return rendering.value_response(_success(details), wish.form)
    return shown(world, info, last, wish)


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
    wish = wish_of(request, now)
    selection = list_options(request, info, world.registry.selectable(info), watch=False)
    options, call = delete_options(request, _delete_body(request), now)
    page = listing.listed(world.store, info, target.namespace, selection)
    for stored in page.items:
        key = key_of(stored.object)
        try:
            deleting.delete(world.registry, info, key, options, call)
        except Failure as failure:
            if failure.reason != "NotFound":
                raise
    return rendering.list_response(info, page, wish, world.registry.printer_of(info))
