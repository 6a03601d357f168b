"""The machines: where they stand, what is asked of them and used, and what they cost."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kiban.kube.health.services import node_health
from kiban.kube.objects import Manifest, get_in, labels_of
from kiban.primitives.quantities import parse_quantity
from kiban.web.board import Board
from kiban.web.pictures.picture import Picture
from kiban.web.pictures.pods import ENDED, life_of
from kiban.web.pictures.service import ZONE_LABEL

INSTANCE_LABEL = "node.kubernetes.io/instance-type"
REGION_LABEL = "topology.kubernetes.io/region"
SPOT_LABELS = (("eks.amazonaws.com/capacityType", "SPOT"), ("karpenter.sh/capacity-type", "spot"))

# Dollars an hour of an instance type in a region, spot or not; None where nothing is known.
Price = Callable[[str, str, bool], float | None]


def nodes_picture(board: Board, query: Mapping[str, str], price: Price) -> Picture:
    """The rows are nodes, by zone; `q` filters by name, zone or type."""
    wanted = query.get("q", "").casefold().split()
    rows = [_row(board, node, price) for node in board.nodes.values()]
    found = [row for row in rows if all(word in row["text"] for word in wanted)]
    found.sort(key=lambda row: (row["zone"], row["id"]))
    costs = [row["price"] for row in found if row["price"] is not None]
    facts = {
        "nodes": len(rows),
        "found": len(found),
        "price": round(sum(costs), 4) if costs else None,
        "unpriced": len(found) - len(costs),
        "zones": sorted({row["zone"] for row in found}),
        "subnets": _subnets(board, rows),
    }
    return Picture(facts, found)


def _subnets(board: Board, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How many addresses of each declared subnet are in use: one for a machine, one for each of
    its pods that has its own."""
    found = {}
    for zone, subnet in board.outline.subnets.items():
        here = [row for row in rows if row["zone"] == zone]
        used = subnet.taken + len(here) + sum(row["addresses"] for row in here)
        found[zone] = {"cidr": subnet.cidr, "size": subnet.size, "used": used}
    return found


def _row(board: Board, node: Manifest, price: Price) -> dict[str, Any]:
    name = node["metadata"]["name"]
    labels = labels_of(node)
    pods = [pod for pod in board.pods_on(name) if life_of(pod) != ENDED]
    instance = labels.get(INSTANCE_LABEL, "")
    spot = any(labels.get(label) == value for label, value in SPOT_LABELS)
    health = node_health(node, ())
    zone = labels.get(ZONE_LABEL, "")
    used = [board.usage.get((p["metadata"]["namespace"], p["metadata"]["name"])) for p in pods]
    measured = [each for each in used if each is not None]
    return {
        "id": name,
        "zone": zone,
        "instance": instance,
        "spot": spot,
        "status": health.status,
        "why": health.message if health.status != "Healthy" else "",
        "cordoned": bool(get_in(node, "spec", "unschedulable", default=False)),
        "pods": [
            {
                "name": pod["metadata"]["name"],
                "service": labels_of(pod).get("kiban.dev/service", ""),
                "life": life_of(pod),
            }
            for pod in pods
        ],
        "addresses": sum(1 for pod in pods if not pod["spec"].get("hostNetwork")),
        "room": _milli(node, "pods") // 1000,
        "cpu": _milli(node, "cpu"),
        "memory": _milli(node, "memory") // 1000,
        "askedCpu": sum(_asked(pod, "cpu") for pod in pods),
        "askedMemory": sum(_asked(pod, "memory") for pod in pods) // 1000,
        "usedCpu": sum(each[0] for each in measured) if measured else None,
        "usedMemory": sum(each[1] for each in measured) if measured else None,
        "price": price(instance, labels.get(REGION_LABEL, ""), spot),
        "text": f"{name} {zone} {instance} {'spot' if spot else ''}".casefold(),
    }


def _milli(node: Manifest, resource: str) -> int:
    return _thousandths(get_in(node, "status", "allocatable", resource, default="0"))


def _asked(pod: Manifest, resource: str) -> int:
    """What a pod's containers request; the largest of its init containers if that is more."""
    spec = pod["spec"]
    own = sum(_request(each, resource) for each in spec.get("containers", ()))
    first = max((_request(each, resource) for each in spec.get("initContainers", ())), default=0)
    return max(own, first)


def _request(container: Manifest, resource: str) -> int:
    return _thousandths(get_in(container, "resources", "requests", resource, default="0"))


def _thousandths(text: object) -> int:
    return round(parse_quantity(str(text)) * 1000)
