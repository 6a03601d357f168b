"""One pod as a tile: where it is, what it is doing in its life, and why if that is not serving."""

from typing import Any

from kiban.kube.health.pods import pod_health
from kiban.kube.objects import Manifest, get_in, is_deleting, is_true

# The life of a pod, as a word for its colour and for people who do not see colours.
WAITING, STARTING, READY, DRAINING = "waiting", "starting", "ready", "draining"
FAILING, ENDED = "failing", "ended"


def life_of(pod: Manifest) -> str:
    """What a pod is doing."""
    phase = get_in(pod, "status", "phase", default="Pending")
    if is_deleting(pod):
        return DRAINING
    if phase in ("Succeeded", "Failed"):
        return ENDED if phase == "Succeeded" else FAILING
    if pod_health(pod).status == "Degraded":
        return FAILING
    if is_true(pod, "Ready"):
        return READY
    return STARTING if pod["spec"].get("nodeName") else WAITING


def tile(pod: Manifest, zone: str = "") -> dict[str, Any]:
    """A pod for the page of its service."""
    statuses = get_in(pod, "status", "containerStatuses", default=[])
    found = pod_health(pod)
    return {
        "name": pod["metadata"]["name"],
        "life": life_of(pod),
        "node": pod["spec"].get("nodeName", ""),
        "zone": zone,
        "restarts": sum(each.get("restartCount", 0) for each in statuses),
        "since": get_in(pod, "status", "startTime") or pod["metadata"]["creationTimestamp"],
        "tag": tag_of(pod),
        "why": "" if found.status == "Healthy" else found.message or found.reason,
        "ip": get_in(pod, "status", "podIP", default=""),
    }


def tag_of(pod: Manifest) -> str:
    """The tag of its first container's image, or the start of its digest."""
    image = str(get_in(pod, "spec", "containers", 0, "image", default=""))
    name, _, digest = image.partition("@")
    return digest[:19] if digest else name.rpartition("/")[2].partition(":")[2]
