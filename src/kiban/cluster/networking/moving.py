"""What changes in a cluster's objects when it comes up in another slot of loopback addresses.

A cluster prefers the slot it had, but another cluster may hold it. Services, pods and endpoints
then move: each keeps its place within the slot, so that two that differed still differ, and a
Service whose new address is taken gets the next one it likes. Everything else is left alone, and
so are pods that are over: where they were is history.
"""

from collections.abc import Iterator
from typing import Any

from kiban.cluster.networking.addresses import AddressPlan
from kiban.kube.objects import ENDPOINT_SLICE, POD, SERVICE, GroupKind, Manifest, get_in
from kiban.reconcile.controller import Snapshot

ENDPOINTS = GroupKind("", "Endpoints")


def moved_objects(snapshot: Snapshot, plan: AddressPlan) -> Iterator[Manifest]:
    """The objects that name addresses of another slot, as they are to be in the plan's slot."""
    yield from _services(snapshot, plan)
    for pod in snapshot.list(POD):
        status = pod.get("status") or {}
        address = status.get("podIP", "")
        if plan.moved(address) != address and status.get("phase") not in ("Succeeded", "Failed"):
            yield {**pod, "status": _moved(status, plan)}
    for kind, part in ((ENDPOINT_SLICE, "endpoints"), (ENDPOINTS, "subsets")):
        for manifest in snapshot.list(kind):
            moved = _moved(manifest.get(part), plan)
            if moved != manifest.get(part):
                yield {**manifest, part: moved}


def _services(snapshot: Snapshot, plan: AddressPlan) -> Iterator[Manifest]:
    services = snapshot.list(SERVICE)
    addresses = (get_in(service, "spec", "clusterIP", default="") for service in services)
    taken = {address for address in addresses if plan.moved(address) == address}
    for service in services:
        old = get_in(service, "spec", "clusterIP", default="")
        new: str | None = plan.moved(old)
        if new == old:
            continue
        if new in taken:
            metadata = service["metadata"]
            new = plan.service_address(metadata["namespace"], metadata["name"], taken)
        assert new is not None, "a slot has as many service addresses as any other"
        taken.add(new)
        yield {**service, "spec": {**service["spec"], "clusterIP": new, "clusterIPs": [new]}}


def _moved(value: Any, plan: AddressPlan) -> Any:
    """A part of an object with every address in it moved; the very part when there is none."""
    if isinstance(value, str):
        return plan.moved(value) if value.startswith("127.") else value
    if isinstance(value, list):
        return [_moved(item, plan) for item in value]
    if isinstance(value, dict):
        return {key: _moved(item, plan) for key, item in value.items()}
    return value
