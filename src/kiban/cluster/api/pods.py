"""The acts on pods: binding, eviction, and asking for logs, a command, an attachment, ports."""

from kiban.cluster.api import binding, eviction, rendering
from kiban.cluster.api.acts import BINDING, EVICTION, act_of
from kiban.cluster.api.calls import DeleteOptions
from kiban.cluster.api.failures import (
    Cause,
    Failure,
    bad_request,
    internal,
    not_found,
    wrong_value,
)
from kiban.cluster.api.negotiation import form_of
from kiban.cluster.api.options import call_of
from kiban.cluster.api.routing import Target
from kiban.cluster.api.values import PodExec, PodLogs, PodPortForward, Request, Response
from kiban.cluster.api.world import World
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import POD, Key, Manifest, get_in
from kiban.kube.validation.faults import unsupported
from kiban.primitives.digits import signed_number, whole_number
from kiban.primitives.instants import Instant, parse_rfc3339

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
_CREATED = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Success",
    "code": 201,
}


# Binding and eviction


def bind(world: World, request: Request, target: Target, info: KindInfo, now: Instant) -> Response:
    """POST of a Binding, to a pod's own end point or to the namespace's."""
    call = call_of(request, now, "CreateOptions")
    body = act_of(request, BINDING)
    wanted = body.get("target") or {}
    faults = [] if wanted.get("name") else ["target.name: Required value"]
    if wanted.get("kind") not in (None, "", "Node"):
        fault = unsupported("target.kind", wanted["kind"], ("Node", "<empty>"))
        faults.insert(0, str(fault))
    if faults:
        raise internal(faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]")
    name = target.name or get_in(body, "metadata", "name", default="")
    binding.bind(world.registry, Key(*POD, target.namespace, name), body, call)
    return _created(request)


def evict(world: World, request: Request, target: Target, info: KindInfo, now: Instant) -> Response:
    """POST of an Eviction."""
    call = call_of(request, now, "CreateOptions")
    body = act_of(request, EVICTION)
    if get_in(body, "metadata", "name", default=target.name) != target.name:
        raise bad_request("name in URL does not match name in Eviction object")
    given = body.get("deleteOptions") or {}
    preconditions = given.get("preconditions") or {}
    options = DeleteOptions(
        grace_seconds=given.get("gracePeriodSeconds"),
        propagation=given.get("propagationPolicy") or "",
        uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"),
    )
    if given.get("dryRun"):
        call = call.as_dry_run()
    eviction.evict(world.registry, Key(*POD, target.namespace, target.name), options, call)
    return _created(request)


def _created(request: Request) -> Response:
    return rendering.value_response(_CREATED, form_of(request.headers.get("accept", "")), 201)


# Streams


def logs(world: World, request: Request, target: Target, info: KindInfo, now: Instant) -> Response:
    """GET of a log: an errand for the adapter once it is clear which container's."""
    wish = _log_wish(world, request, target, info)
    pod = world.store.get(wish.pod)
    assert pod is not None, "the pod was there a moment ago"
    if not get_in(pod, "spec", "nodeName"):
        return Response(204, content_type="text/plain")
    waiting = _waiting(pod, wish)
    if waiting:
        raise bad_request(waiting)
    return Response(200, content_type="text/plain", errand=wish)


def _log_wish(world: World, request: Request, target: Target, info: KindInfo) -> PodLogs:
    tail, limit = _count(request, "tailLines"), _count(request, "limitBytes")
    since = _count(request, "sinceSeconds")
    causes: list[Cause] = []
    if tail is not None and tail < 0:
        causes.append(wrong_value("tailLines", str(tail), "must be greater than or equal to 0"))
    if limit is not None and limit < 1:
        causes.append(wrong_value("limitBytes", str(limit), "must be greater than 0"))
    if since is not None and request.value("sinceTime"):
        message = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
        causes.append({"reason": "FieldValueForbidden", "message": message, "field": "[]"})
    elif since is not None and since < 1:
        causes.append(wrong_value("sinceSeconds", str(since), "must be greater than 0"))
    if causes:
        raise _invalid_log_options(target.name, causes)
    key, container = _chosen_container(world, request, target, info)
    return PodLogs(
        key,
        container,
        follow=request.flag("follow"),
        previous=request.flag("previous"),
        timestamps=request.flag("timestamps"),
        tail_lines=tail,
        limit_bytes=limit,
        since_seconds=since,
        since_time=_time(request.value("sinceTime")),
    )


def _invalid_log_options(name: str, causes: list[Cause]) -> Failure:
    said = ", ".join(f"{cause['field']}: {cause['message']}" for cause in causes)
    said = f"[{said}]" if len(causes) > 1 else said
    details = {"name": name, "kind": "PodLogOptions", "causes": causes}
    return Failure(422, "Invalid", f'PodLogOptions "{name}" is invalid: {said}', details)


def _time(text: str) -> Instant | None:
    try:
        return parse_rfc3339(text) if text else None
    except ValueError as error:
        raise bad_request(str(error)) from error


def _count(request: Request, name: str) -> int | None:
    text = request.value(name)
    number = signed_number(text)
    if text and number is None:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return number


def _chosen_container(
    world: World, request: Request, target: Target, info: KindInfo
) -> tuple[Key, str]:
    """The container a stream is about: the one named, or the only one."""
    key = Key(*POD, target.namespace, target.name)
    pod = world.store.get(key)
    if pod is None:
        raise not_found(info, target.name)
    names = _container_names(pod)
    container = request.value("container")
    if not container and len(names) == 1:
        return key, names[0]
    if not container:
        choices = " ".join(names)
        raise bad_request(
            f"a container name must be specified for pod {key.name}, choose one of: [{choices}]"
        )
    if container not in names:
        raise bad_request(f"container {container} is not valid for pod {key.name}")
    return key, container


def _container_names(pod: Manifest) -> list[str]:
    spec = pod["spec"]
    parts = ("initContainers", "containers", "ephemeralContainers")
    return [container["name"] for part in parts for container in spec.get(part) or ()]


def _waiting(pod: Manifest, wish: PodLogs) -> str:
    """Why there is no log yet, or nothing when there is."""
    where = f'container "{wish.container}" in pod "{wish.pod.name}"'
    status = pod.get("status") or {}
    parts = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    found = next(
        (
            state
            for part in parts
            for state in status.get(part) or ()
            if state["name"] == wish.container
        ),
        None,
    )
    if found is None:
        return f"{where} is waiting to start: ContainerCreating"
    if wish.previous:
        if get_in(found, "lastState", "terminated") is None:
            what = f'"{wish.container}" in pod "{wish.pod.name}"'
            return f"previous terminated container {what} not found"
        return ""
    waiting = get_in(found, "state", "waiting")
    if waiting is not None and get_in(found, "lastState", "terminated") is None:
        return f"{where} is waiting to start: {waiting.get('reason', 'ContainerCreating')}"
    return ""


def run(world: World, request: Request, target: Target, info: KindInfo, now: Instant) -> Response:
    """exec and attach: an errand that needs an upgraded connection."""
    key, container = _chosen_container(world, request, target, info)
    _check_assigned(world, key)
    command = request.values("command") if target.subresource == "exec" else ()
    if target.subresource == "exec" and not command:
        raise bad_request("you must specify at least 1 command for the container")
    wish = PodExec(
        key,
        container,
        command,
        stdin=request.flag("stdin"),
        stdout=request.flag("stdout"),
        stderr=request.flag("stderr"),
        tty=request.flag("tty"),
    )
    return Response(101, errand=wish)


def forward(
    world: World, request: Request, target: Target, info: KindInfo, now: Instant
) -> Response:
    """Port forwarding: an errand that needs an upgraded connection."""
    key = Key(*POD, target.namespace, target.name)
    if world.store.get(key) is None:
        raise not_found(info, target.name)
    _check_assigned(world, key)
    texts = [part for value in request.values("ports") for part in value.split(",")]
    ports = (whole_number(text) for text in texts)
    return Response(101, errand=PodPortForward(key, tuple(port for port in ports if port)))


def _check_assigned(world: World, key: Key) -> None:
    pod = world.store.get(key)
    if pod is None or not get_in(pod, "spec", "nodeName"):
        raise bad_request(f"pod {key.name} does not have a host assigned")
