"""The downward API: a pod's own fields and its containers' resources, as text.

Source: kubernetes pkg/fieldpath and pkg/api/v1/resource.
"""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kiban.kube.objects import Manifest, annotations_of, get_in, labels_of
from kiban.primitives.quantities import parse_quantity

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


@dataclass(frozen=True, slots=True)
class PodPlace:
    """Where a pod is: its own address, and its node with the node's address.

    `lowest_port` is the lowest port that a service may listen on there (see `listening_port`).
    """

    address: str
    node: Manifest | None
    host_address: str
    lowest_port: int = 0


def field_value(pod: Manifest, path: str, place: PodPlace) -> str | None:
    """The text of a `fieldRef`; None when there is no such field."""
    if match := _SUBSCRIPT.fullmatch(path):
        source = labels_of(pod) if match[1] == "labels" else annotations_of(pod)
        return source.get(match[2], "")
    spec = pod.get("spec", {})
    known: dict[str, str] = {
        "metadata.name": pod["metadata"]["name"],
        "metadata.namespace": pod["metadata"].get("namespace", ""),
        "metadata.uid": pod["metadata"].get("uid", ""),
        "metadata.labels": _lines(labels_of(pod)),
        "metadata.annotations": _lines(annotations_of(pod)),
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "status.podIP": place.address,
        "status.podIPs": place.address,
        "status.hostIP": place.host_address,
        "status.hostIPs": place.host_address,
    }
    return known.get(path)


def resource_value(pod: Manifest, container: str, reference: dict[str, Any], node: Any) -> str:
    """The text of a `resourceFieldRef`: whole divisors, rounded up. A limit that is not set is
    what the node can give; a request that is not set is 0."""
    name = reference.get("containerName") or container
    kind, _, resource = reference["resource"].partition(".")
    containers = [*get_in(pod, "spec", "containers", default=[])]
    containers += get_in(pod, "spec", "initContainers", default=[])
    found: dict[str, Any] = next((entry for entry in containers if entry["name"] == name), {})
    written = get_in(found, "resources", kind, resource)
    if written is None and kind == "limits":
        written = get_in(node, "status", "allocatable", resource)
    divisor = parse_quantity(reference.get("divisor") or 1) or Decimal(1)
    return str(math.ceil(parse_quantity(written or 0) / divisor))


def _lines(entries: dict[str, str]) -> str:
    quoted = {
        name: value.replace("\\", "\\\\").replace('"', '\\"')
        for name, value in sorted(entries.items())
    }
    return "\n".join(f'{name}="{value}"' for name, value in quoted.items())
