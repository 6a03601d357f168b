"""Which slices to write so that they say what they should, moving as few endpoints as possible.

A slice holds at most 100 endpoints. Endpoints stay in the slice they are in. New ones fill slices
that lose some, fullest first; then the one slice that they fill best; what is left gets a new one.
An empty slice goes, or becomes the new one. A service without endpoints keeps one empty slice.
Source of the rules: staging/src/k8s.io/endpointslice/reconciler.go.
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
    new: list[Manifest] = []
    gone: list[Manifest] = []
    for ports in sorted(groups):
        plan = _Plan(groups[ports], by_ports.pop(ports, []))
        for slice_, wanted in plan.kept:
            commands += _changed(service, slice_, wanted)
        new += [_slice(service, ports, each) for each in plan.new]
        gone += plan.gone
    gone += [slice_ for ports in sorted(by_ports) for slice_ in by_ports[ports]]
    reused = [each for each in gone if new and each["addressType"] == new[0]["addressType"]]
    for slice_, wish in zip(reused, reversed(new), strict=False):
        patch = {"endpoints": wish["endpoints"], "ports": wish["ports"]}
        commands.append(change(slice_, {**patch, "metadata": _relabelled(service, slice_)}))
    taken = {uid_of(slice_) for slice_ in reused[: len(new)]}
    commands += [Create(each) for each in new[: len(new) - len(taken)]]
    commands += [_removed(slice_) for slice_ in gone if uid_of(slice_) not in taken]
    return tuple(commands)


class _Plan:
    """How the endpoints of one set of ports are spread over its slices."""

    def __init__(self, endpoints: Sequence[Endpoint], slices: Sequence[Manifest]) -> None:
        self._missing = {
            endpoint.get("targetRef", {}).get("uid", ""): endpoint for endpoint in endpoints
        }
        self.kept: list[tuple[Manifest, list[Endpoint]]] = []
        self.gone: list[Manifest] = []
        self.new: list[list[Endpoint]] = []
        self._losing: list[list[Endpoint]] = []
        self._whole: list[list[Endpoint]] = []
        for slice_ in slices:
            self._keep(slice_, keeps_empty=not endpoints)
        self._fill()
        if not endpoints and not self.kept:
            self.new.append([])

    def _keep(self, slice_: Manifest, *, keeps_empty: bool) -> None:
        present = [_uid(endpoint) for endpoint in slice_.get("endpoints") or ()]
        wanted = [self._missing.pop(uid) for uid in present if uid in self._missing]
        if not wanted and not (keeps_empty and not self.kept):
            self.gone.append(slice_)
            return
        self.kept.append((slice_, wanted))
        (self._whole if len(wanted) == len(present) else self._losing).append(wanted)

    def _fill(self) -> None:
        rest = list(self._missing.values())
        for wanted in sorted(self._losing, key=len, reverse=True):
            rest = _filled(wanted, rest)
        while rest:
            best = max(
                (each for each in self._whole if len(each) + len(rest) <= ENDPOINTS_LIMIT),
                key=len,
                default=None,
            )
            if best is None:
                best = []
                self.new.append(best)
            rest = _filled(best, rest)


def _filled(wanted: list[Endpoint], rest: list[Endpoint]) -> list[Endpoint]:
    """Add as many as there is room for; those that are left."""
    room = ENDPOINTS_LIMIT - len(wanted)
    wanted += rest[:room]
    return rest[room:]


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
    if labels_of(slice_) != _labels(service):
        patch["metadata"] = _relabelled(service, slice_)
    return (change(slice_, patch),) if patch else ()


def _relabelled(service: Manifest, slice_: Manifest) -> dict[str, Any]:
    labels = _labels(service)
    gone = {name: None for name in labels_of(slice_) if name not in labels}
    return {"labels": {**labels, **gone}}


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
