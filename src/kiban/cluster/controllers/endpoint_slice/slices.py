"""Which slices to write so that they say what they should, moving as few endpoints as possible.

A slice holds at most 100 endpoints. Endpoints stay in the slice they are in; new ones fill slices
that have room, fullest first; an empty slice goes. A service without endpoints keeps one empty
slice. Source of the rules: staging/src/k8s.io/endpointslice/reconciler.go.
"""

from collections.abc import Sequence
from typing import Any

from kiban.cluster.controllers.endpoint_slice.endpoints import (
    Endpoint,
    Groups,
    Port,
    Ports,
    address_type,
)
from kiban.cluster.controllers.writing import change
from kiban.kube.objects import (
    Manifest,
    key_of,
    labels_of,
    owner_reference,
    uid_of,
)
from kiban.reconcile.commands import Command, Create, Delete

# --max-endpoints-per-slice of kube-controller-manager.
ENDPOINTS_LIMIT = 100
SERVICE_NAME_LABEL = "kubernetes.io/service-name"
MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by"
MANAGED_BY = "endpointslice-controller.k8s.io"
HEADLESS_LABEL = "service.kubernetes.io/headless"


def slice_commands(
    service: Manifest, groups: Groups, slices: Sequence[Manifest]
) -> tuple[Command, ...]:
    """The commands that make the slices say what the groups say."""
    if not any(groups.values()):
        groups = {(): ()}
    by_ports: dict[Ports, list[Manifest]] = {}
    for slice_ in slices:
        by_ports.setdefault(_ports_of(slice_), []).append(slice_)
    commands: list[Command] = []
    for ports in sorted(groups):
        commands += _group_commands(service, ports, groups[ports], by_ports.pop(ports, []))
    for ports in sorted(by_ports):
        commands += [_removed(slice_) for slice_ in by_ports[ports]]
    return tuple(commands)


def _group_commands(
    service: Manifest, ports: Ports, endpoints: Sequence[Endpoint], slices: Sequence[Manifest]
) -> list[Command]:
    missing = {endpoint.get("targetRef", {}).get("uid", ""): endpoint for endpoint in endpoints}
    kept: list[list[Endpoint]] = []
    for slice_ in slices:
        uids = [_uid(endpoint) for endpoint in slice_.get("endpoints") or ()]
        kept.append([missing.pop(uid) for uid in uids if uid in missing])
    rest = list(missing.values())
    for index in sorted(range(len(kept)), key=lambda index: -len(kept[index])):
        room = ENDPOINTS_LIMIT - len(kept[index])
        kept[index], rest = kept[index] + rest[:room], rest[room:]
    commands: list[Command] = []
    keeps_empty = not endpoints
    for slice_, wanted in zip(slices, kept, strict=True):
        if wanted or keeps_empty:
            commands += _changed(service, slice_, wanted)
            keeps_empty = False
        else:
            commands.append(_removed(slice_))
    while rest or keeps_empty:
        commands.append(Create(_slice(service, ports, rest[:ENDPOINTS_LIMIT])))
        rest, keeps_empty = rest[ENDPOINTS_LIMIT:], False
    return commands


def _slice(service: Manifest, ports: Ports, endpoints: Sequence[Endpoint]) -> Manifest:
    name = service["metadata"]["name"]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{name}-",
            "namespace": service["metadata"].get("namespace", ""),
            "labels": _labels(service),
            "ownerReferences": [owner_reference(service)],
        },
        "addressType": address_type(service),
        "endpoints": list(endpoints),
        "ports": [port.object for port in ports],
    }


def _changed(
    service: Manifest, slice_: Manifest, endpoints: Sequence[Endpoint]
) -> tuple[Command, ...]:
    patch: dict[str, Any] = {}
    if (slice_.get("endpoints") or []) != list(endpoints):
        patch["endpoints"] = list(endpoints)
    labels = _labels(service)
    if labels_of(slice_) != labels:
        gone = {name: None for name in labels_of(slice_) if name not in labels}
        patch["metadata"] = {"labels": {**labels, **gone}}
    return (change(slice_, patch),) if patch else ()


def _labels(service: Manifest) -> dict[str, str]:
    labels = {**labels_of(service), SERVICE_NAME_LABEL: service["metadata"]["name"]}
    labels[MANAGED_BY_LABEL] = MANAGED_BY
    labels.pop(HEADLESS_LABEL, None)
    if service["spec"].get("clusterIP") == "None":
        labels[HEADLESS_LABEL] = ""
    return labels


def _ports_of(slice_: Manifest) -> Ports:
    return tuple(
        sorted(
            Port(
                port.get("name") or "",
                port.get("protocol", "TCP"),
                port.get("port"),
                port.get("appProtocol", ""),
            )
            for port in slice_.get("ports") or ()
        )
    )


def _uid(endpoint: Endpoint) -> str:
    uid: str = (endpoint.get("targetRef") or {}).get("uid", "")
    return uid


def _removed(slice_: Manifest) -> Delete:
    return Delete(key_of(slice_), uid=uid_of(slice_))
