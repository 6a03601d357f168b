"""The scale of a workload: how many replicas, through a kind that every workload shares.

Source: kubernetes/pkg/registry/apps/deployment/storage/storage.go and B1.13 of the reference.
"""

from collections.abc import Mapping
from dataclasses import replace

from kiban.cluster.api import bodies, ownership, patching, rendering
from kiban.cluster.api.calls import Call
from kiban.cluster.api.changes import check_applied_identity
from kiban.cluster.api.failures import Cause, Failure, bad_request, internal, not_found
from kiban.cluster.api.negotiation import form_of
from kiban.cluster.api.options import call_of, patch_option_faults
from kiban.cluster.api.routing import Target
from kiban.cluster.api.values import Request, Response
from kiban.cluster.api.world import World
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import Key, Manifest, get_in, replaced
from kiban.kube.ownership import owners_after, scale_owners
from kiban.kube.schema import shape_of
from kiban.kube.selectors import selector_from_object
from kiban.primitives.instants import Instant

API_VERSION = "autoscaling/v1"
_REPLICAS = ("spec", "replicas")
_INFO = KindInfo("autoscaling", "v1", "Scale", "scales", "scale", True)
_BUILT_IN = replace(_INFO, type_name="io.k8s.api.autoscaling.v1.Scale")


def answer(
    world: World, request: Request, target: Target, info: KindInfo, now: Instant
) -> Response:
    """GET, PUT or PATCH of a scale. Raises `Failure`."""
    form = form_of(request.headers.get("accept", ""))
    key = Key(info.group, info.kind, target.namespace, target.name)
    if target.verb == "get":
        live = world.store.get(key)
        if live is None:
            raise not_found(info, target.name)
        return rendering.value_response(_shown(world, info, live), form)
    call = call_of(request, now, "UpdateOptions" if target.verb == "update" else "PatchOptions")
    stored = _write(world, request, info, key, call)
    return rendering.value_response(_shown(world, info, stored), form)


def _shown(world: World, info: KindInfo, live: Manifest) -> Manifest:
    paths = world.registry.scale_paths(info)
    return scale_of(live) if paths is None else custom_scale_of(live, paths)


def _write(world: World, request: Request, info: KindInfo, key: Key, call: Call) -> Manifest:
    paths = world.registry.scale_paths(info)
    path = _REPLICAS if paths is None else _parts(paths["specReplicasPath"])
    if request.method == "PUT":
        body, _ = bodies.object_of(request, "Scale")
        wished = bodies.check_type(body, _INFO)
        return world.registry.update(
            info, key, lambda live: _scaled(live, wished, key.name, path), call, "scale"
        )
    patch_option_faults(request, is_apply=patching.is_apply(request))
    if patching.is_apply(request):
        return _apply(world, request, info, key, call)
    # A custom kind's scale takes no strategic merge patch, as the kind itself takes none.
    change, _ = patching.patch_of(request, _BUILT_IN if info.type_name else _INFO)

    def changed(live: Manifest) -> Manifest:
        return _scaled(live, change(_shown(world, info, live)), key.name, path)

    return world.registry.update(info, key, changed, call, "scale")


def _apply(world: World, request: Request, info: KindInfo, key: Key, call: Call) -> Manifest:
    """Server-side apply: what is owned of a scale is the field of the object behind it."""
    paths = world.registry.scale_paths(info)
    path = _REPLICAS if paths is None else _parts(paths["specReplicasPath"])
    config = bodies.configuration_of(request, _BUILT_IN)
    live = world.store.get(key)
    if live is None:
        raise not_found(info, key.name)
    scale = _shown(world, info, live)
    managed = scale_owners(live["metadata"].get("managedFields"), path)
    scale = {**scale, "metadata": {**scale["metadata"], "managedFields": managed}}
    check_applied_identity(_BUILT_IN, key, config, scale)
    applied = ownership.applied(
        shape_of(_BUILT_IN),
        _BUILT_IN,
        scale,
        config,
        call,
        force=request.flag("force"),
        subresource="scale",
    )
    owners = applied.manifest["metadata"].get("managedFields")

    def changed(live: Manifest) -> Manifest:
        new = _scaled(live, applied.manifest, key.name, path)
        own = live["metadata"].get("managedFields")
        own = owners_after(own, owners, path, info.api_version)
        return {**new, "metadata": {**new["metadata"], "managedFields": own}}

    return world.registry.update(info, key, changed, replace(call, tracked=True), "scale")


def _scaled(live: Manifest, scale: Manifest, name: str, path: tuple[str, ...]) -> Manifest:
    """The workload with the replicas, the resourceVersion and the uid that the scale names."""
    asked = scale["metadata"]
    if asked.get("name") != name:
        raise bad_request(
            f"the name of the object ({asked.get('name', '')}) does not match the name on the "
            f"URL ({name})"
        )
    replicas = get_in(scale, "spec", "replicas", default=0)
    if replicas < 0:
        raise _negative(name, replicas)
    metadata = dict(live["metadata"])
    for part in ("resourceVersion", "uid"):
        if asked.get(part):
            metadata[part] = asked[part]
    return replaced({**live, "metadata": metadata}, path, replicas)


def _negative(name: str, replicas: int) -> Failure:
    message = f"Invalid value: {replicas}: must be greater than or equal to 0"
    cause: Cause = {"reason": "FieldValueInvalid", "message": message, "field": "spec.replicas"}
    details = {"name": name, "group": "autoscaling", "kind": "Scale", "causes": [cause]}
    text = f'Scale.autoscaling "{name}" is invalid: spec.replicas: {message}'
    return Failure(422, "Invalid", text, details)


def scale_of(workload: Manifest) -> Manifest:
    """The scale of a Deployment, ReplicaSet, StatefulSet or ReplicationController."""
    metadata = workload["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    replicas = get_in(workload, "spec", "replicas", default=1)
    status: Manifest = {"replicas": get_in(workload, "status", "replicas", default=0)}
    selector = _selector(workload)
    if selector:
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": API_VERSION,
        "metadata": {name: metadata[name] for name in kept if name in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def custom_scale_of(live: Manifest, paths: Mapping[str, str]) -> Manifest:
    """The scale of a custom object, from where its definition says it is."""
    metadata = live["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    wished = get_in(live, *_parts(paths["specReplicasPath"]))
    if wished is None:
        path = paths["specReplicasPath"]
        raise internal(f'the spec replicas field "{path}" does not exist')
    status = {"replicas": get_in(live, *_parts(paths["statusReplicasPath"]), default=0)}
    if paths.get("labelSelectorPath"):
        selector = get_in(live, *_parts(paths["labelSelectorPath"]))
        status |= {"selector": selector} if selector else {}
    return {
        "kind": "Scale",
        "apiVersion": API_VERSION,
        "metadata": {name: metadata[name] for name in kept if name in metadata},
        "spec": {"replicas": wished} if wished else {},
        "status": status,
    }


def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.lstrip(".").split("."))


def _selector(workload: Manifest) -> str:
    given = get_in(workload, "spec", "selector", default={})
    if workload["kind"] == "ReplicationController":
        given = {"matchLabels": given}
    return str(selector_from_object(given))
