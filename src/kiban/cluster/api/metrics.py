"""`metrics.k8s.io/v1beta1`: what pods and nodes use, as metrics-server tells `kubectl top`.

Served only where somebody measures. A virtual node uses what its pods use. Source: metrics-server
pkg/api.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from kiban.cluster.api.failures import not_found
from kiban.cluster.api.negotiation import Form, form_of
from kiban.cluster.api.options import list_options
from kiban.cluster.api.rendering import Shown, table, value_response
from kiban.cluster.api.routing import Target
from kiban.cluster.api.values import Request, Response
from kiban.cluster.api.world import World
from kiban.cluster.usage.measurements import ContainerUsage, Measurements
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import NODE, POD, GroupKind, Manifest, get_in, is_true, labels_of
from kiban.kube.printing import Column, Printer
from kiban.kube.quantities import canonical_quantity
from kiban.primitives.instants import Instant, rfc3339
from kiban.primitives.quantities import format_binary, parse_quantity

METRICS_GROUP, METRICS_VERSION = "metrics.k8s.io", "v1beta1"
NODE_METRICS = GroupKind(METRICS_GROUP, "NodeMetrics")
POD_METRICS = GroupKind(METRICS_GROUP, "PodMetrics")
_VERBS = ("get", "list")
METRICS_KINDS = (
    KindInfo(METRICS_GROUP, METRICS_VERSION, "NodeMetrics", "nodes", "", False, _VERBS),
    KindInfo(METRICS_GROUP, METRICS_VERSION, "PodMetrics", "pods", "", True, _VERBS),
)


def answer(
    world: World, request: Request, target: Target, info: KindInfo, now: Instant
) -> Response:
    """The metrics of one object, or of a collection."""
    shown = _wish(request, now)
    measured = world.metrics.fresh(now) if world.metrics else None
    make = _nodes if info.group_kind == NODE_METRICS else _pods
    found = make(world, measured, target.namespace) if measured else iter(())
    head = {"kind": info.kind, "apiVersion": info.api_version}
    if target.is_object:
        named = (item for item in found if item["metadata"]["name"] == target.name)
        item = next(named, None)
        if item is None:
            raise not_found(info, target.name)
        return _answered([{**head, **item}], info, shown) or value_response(
            {**head, **item}, shown.form
        )
    options = list_options(request, info, (), watch=False)
    items = [
        item for item in found if options.labels.chooses(item) and options.fields.chooses(item)
    ]
    full = [{**head, **item} for item in items]
    head["kind"] = info.list_kind_name
    whole = {**head, "metadata": {}, "items": items}
    return _answered(full, info, shown) or value_response(whole, shown.form)


def _wish(request: Request, now: Instant) -> Shown:
    """Partial objects are not made here: clients take the whole then."""
    form = form_of(request.headers.get("accept", ""))
    plain = form if form.transform in ("", "Table") else Form(form.media)
    return Shown(plain, now, request.value("includeObject") or "Metadata")


def _answered(items: list[Manifest], info: KindInfo, shown: Shown) -> Response | None:
    """The rows of what is used, where a table is asked for."""
    if shown.form.transform != "Table":
        return None
    cells = _pod_cells if info.group_kind == POD_METRICS else _node_cells
    return value_response(table(items, shown, {}, Printer(_COLUMNS, cells)), shown.form)


_COLUMNS = (
    Column("Name", format="name"),
    Column("cpu", "quantity"),
    Column("memory", "quantity"),
    Column("Window", "duration", "duration"),
)


def _node_cells(manifest: Manifest, _now: Instant) -> list[Any]:
    usage = manifest["usage"]
    return [manifest["metadata"]["name"], usage["cpu"], usage["memory"], manifest["window"]]


def _pod_cells(manifest: Manifest, _now: Instant) -> list[Any]:
    usages = [container["usage"] for container in manifest["containers"]]
    cpu = sum(parse_quantity(usage["cpu"]) for usage in usages)
    memory = sum(int(parse_quantity(usage["memory"])) for usage in usages)
    amounts = [canonical_quantity(f"{int(cpu * 10**9)}n"), format_binary(memory)]
    return [manifest["metadata"]["name"], *amounts, manifest["window"]]


def _pods(world: World, measured: Measurements, namespace: str) -> Iterator[Manifest]:
    for pod in world.store.list(POD, namespace):
        usage = measured.pods.get(pod["metadata"]["uid"])
        if usage is None or get_in(pod, "status", "phase") != "Running":
            continue
        containers = [
            {"name": name, "usage": _amounts([usage.containers[name]])}
            for name in sorted(usage.containers)
        ]
        when = _when(pod, usage.at, usage.window_seconds)
        yield {**when, "containers": containers}


def _nodes(world: World, measured: Measurements, namespace: str) -> Iterator[Manifest]:
    for node in world.store.list(NODE):
        if not is_true(node, "Ready"):
            continue
        pods = world.store.on_node(node["metadata"]["name"])
        usages = [measured.pods.get(pod["metadata"]["uid"]) for pod in pods]
        used = [entry for usage in usages if usage for entry in usage.containers.values()]
        when = _when(node, measured.at, measured.window_seconds)
        yield {**when, "usage": _amounts(used)}


def _when(source: Manifest, at: Instant, window_seconds: float) -> dict[str, Any]:
    metadata = {"name": source["metadata"]["name"], "creationTimestamp": rfc3339(at)}
    if source["metadata"].get("namespace"):
        metadata["namespace"] = source["metadata"]["namespace"]
    if labels := labels_of(source):
        metadata["labels"] = labels
    minutes, seconds = divmod(round(window_seconds, 3), 60)
    window = f"{int(minutes)}m" if minutes else ""
    return {
        "metadata": metadata,
        "timestamp": rfc3339(at),
        "window": f"{window}{round(seconds, 3):g}s",
    }


def _amounts(used: Iterable[ContainerUsage]) -> dict[str, str]:
    entries = list(used)
    memory = sum(entry.memory_bytes for entry in entries)
    cpu = sum(entry.cpu_nano for entry in entries)
    return {"cpu": canonical_quantity(f"{cpu}n"), "memory": format_binary(memory)}
