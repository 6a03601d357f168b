"""The parts of a pod that have end points of their own: ephemeral containers and resources.

Source: kubernetes/pkg/registry/core/pod/strategy.go. Through these nothing else of a pod changes.
"""

from collections.abc import Callable

from kiban.kube.kinds import KindInfo
from kiban.kube.objects import Manifest


def ephemeral_containers(_info: KindInfo, new: Manifest, live: Manifest) -> Manifest:
    """The live pod with the wished ephemeral containers."""
    wished = new["spec"].get("ephemeralContainers") or []
    return {**live, "spec": {**live["spec"], "ephemeralContainers": wished}}


def resources(_info: KindInfo, new: Manifest, live: Manifest) -> Manifest:
    """The live pod with the wished containers and resources; what else changed is refused."""
    spec = dict(live["spec"])
    for name in ("containers", "initContainers", "resources"):
        if name in new["spec"]:
            spec[name] = new["spec"][name]
        else:
            spec.pop(name, None)
    return {**live, "spec": spec}


PARTS: dict[str, Callable[[KindInfo, Manifest, Manifest], Manifest]] = {
    "ephemeralcontainers": ephemeral_containers,
    "resize": resources,
}
