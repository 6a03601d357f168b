"""Keeps a Service's EndpointSlices equal to its pods; the gateway follows them.

Pods report many things; only a change of what an endpoint shows wakes the service.
"""

from collections.abc import Iterable
from typing import Any

from kiban.cluster.controllers.endpoint_slice.endpoints import (
    ZONE_LABEL,
    Known,
    wanted_endpoints,
)
from kiban.cluster.controllers.endpoint_slice.slices import (
    MANAGED_BY,
    MANAGED_BY_LABEL,
    SERVICE_NAME_LABEL,
    slice_commands,
)
from kiban.cluster.controllers.pod_changes import is_more_than_waiting
from kiban.cluster.controllers.pod_state import PodState, state_of
from kiban.cluster.controllers.selecting import SelectorIndex
from kiban.kube.objects import (
    ENDPOINT_SLICE,
    NODE,
    POD,
    SERVICE,
    Key,
    Manifest,
    is_deleting,
    key_of,
    labels_of,
)
from kiban.kube.selectors import selector_from_labels
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Patch
from kiban.reconcile.controller import NOTHING, Change, Only, Outcome, Snapshot, Watched


class EndpointSliceController:
    """The controller of the EndpointSlices of Services that have a selector."""

    name = "endpointslice-controller"
    watches: Watched = frozenset({SERVICE, Only(POD, is_more_than_waiting), ENDPOINT_SLICE, NODE})

    def __init__(self) -> None:
        self._selectors = SelectorIndex()
        # By node; forgotten when the node changes.
        self._zones: dict[str, str] = {}
        self._known: dict[Key, dict[str, Known]] = {}
        self._commanded: dict[Key, Any] = {}

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        match change.key.group_kind:
            case kind if kind == POD:
                return self._services_of_pod(change)
            case kind if kind == ENDPOINT_SLICE:
                return self._service_of_slice(change)
            case kind if kind == SERVICE:
                service = change.after
                if service is None or not _selects(service):
                    self._selectors.drop(change.key)
                    self._known.pop(change.key, None)
                else:
                    selector = selector_from_labels(service["spec"]["selector"])
                    self._selectors.put(change.key, selector)
                return [change.key]
        return self._services_of_node(change, snapshot)

    def _service_of_slice(self, change: Change) -> list[Key]:
        """The service of a slice that somebody else changed."""
        after, wanted = change.after, self._commanded.pop(change.key, None)
        if after is not None and wanted is not None and after.get("endpoints") == wanted:
            return []
        return _service_of_slice(change.object)

    def _services_of_pod(self, change: Change) -> list[Key]:
        if _shows_the_same(change.before, change.after):
            return []
        found: dict[Key, None] = {}
        for pod in (change.before, change.after):
            if pod is not None:
                for key in self._selectors.choosing(change.key.namespace, labels_of(pod)):
                    found[key] = None
        return list(found)

    def _services_of_node(self, change: Change, snapshot: Snapshot) -> list[Key]:
        self._zones.pop(change.key.name, None)
        if _zone(change.before) == _zone(change.after):
            return []
        keys: dict[Key, None] = {}
        for pod in snapshot.on_node(change.key.name):
            for key in self._services_of_pod(Change(key_of(pod), None, pod)):
                keys[key] = None
        return list(keys)

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        service = snapshot.get(key)
        if service is None or is_deleting(service) or not _selects(service):
            return NOTHING
        pods = snapshot.selected(POD, key.namespace, service["spec"]["selector"])
        zones = self._zones

        def zone_of(node: str) -> str:
            zone = zones.get(node)
            if zone is None:
                zone = zones[node] = _zone(snapshot.get(Key(*NODE, "", node)))
            return zone

        labels = {SERVICE_NAME_LABEL: key.name, MANAGED_BY_LABEL: MANAGED_BY}
        slices = snapshot.selected(ENDPOINT_SLICE, key.namespace, labels)
        slices = [slice_ for slice_ in slices if not is_deleting(slice_)]
        known = self._known.setdefault(key, {})
        if len(known) > 2 * len(pods):
            # Those of pods that are gone.
            known.clear()
        wanted = wanted_endpoints(service, pods, zone_of, known)
        commands = slice_commands(service, wanted, slices)
        for command in commands:
            if isinstance(command, Patch) and command.patch.keys() == {"endpoints"}:
                self._commanded[command.key] = command.patch["endpoints"]
        return Outcome(commands)


def _selects(service: Manifest) -> bool:
    return bool(service["spec"].get("selector")) and service["spec"].get("type") != "ExternalName"


def _shows_the_same(before: Manifest | None, after: Manifest | None) -> bool:
    """Whether endpoints show the same of a pod."""
    was, is_ = _seen(before), _seen(after)
    if was is None or is_ is None:
        return was is is_
    then, now = was.pod["status"], is_.pod["status"]
    return (
        was.is_ready == is_.is_ready
        and was.is_deleting == is_.is_deleting
        and was.node == is_.node
        and then.get("podIP") == now.get("podIP")
        and then.get("podIPs") == now.get("podIPs")
        and was.labels == is_.labels
    )


def _seen(pod: Manifest | None) -> PodState | None:
    """What endpoints see of a pod; None when it is no endpoint."""
    if pod is None:
        return None
    state, status = state_of(pod), pod.get("status") or {}
    if state.is_terminal or not (status.get("podIP") or status.get("podIPs")):
        return None
    return state


def _service_of_slice(slice_: Manifest) -> list[Key]:
    labels = labels_of(slice_)
    name = labels.get(SERVICE_NAME_LABEL)
    if not name or labels.get(MANAGED_BY_LABEL) != MANAGED_BY:
        return []
    return [Key(*SERVICE, slice_["metadata"].get("namespace", ""), name)]


def _zone(node: Manifest | None) -> str:
    return labels_of(node).get(ZONE_LABEL, "") if node is not None else ""
