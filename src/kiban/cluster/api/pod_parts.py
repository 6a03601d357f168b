"""The parts of a pod that have end points of their own: ephemeral containers and resources.

Source: kubernetes/pkg/registry/core/pod/strategy.go. Through these nothing else of a pod changes.
"""

from collections.abc import Callable
from typing import Any

from kiban.cluster.api.failures import Failure
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import Manifest


def ephemeral_containers(info: KindInfo, new: Manifest, live: Manifest) -> Manifest:
    """The live pod with the wished ephemeral containers, which may only become more."""
    before = live["spec"].get("ephemeralContainers") or []
    after = new["spec"].get("ephemeralContainers") or []
    for container in before:
        match = next((c for c in after if c.get("name") == container["name"]), None)
        if match is None:
            raise _refused(info, live, f'"{container["name"]}" may not be removed\n')
        if any(match.get(key) != value for key, value in container.items() if key in match):
            raise _refused(info, live, f'"{container["name"]}" may not be changed\n')
    return {**live, "spec": {**live["spec"], "ephemeralContainers": after}}


def _refused(info: KindInfo, live: Manifest, what: str) -> Failure:
    name = live["metadata"]["name"]
    cause = {
        "reason": "FieldValueForbidden",
        "message": f"Forbidden: existing ephemeral containers {what}",
        "field": "spec.ephemeralContainers",
    }
    text = f'{info.kind} "{name}" is invalid: {cause["field"]}: {cause["message"]}'
    details = {"name": name, "kind": info.kind, "causes": [cause]}
    return Failure(422, "Invalid", text, details)


def resources(info: KindInfo, new: Manifest, live: Manifest) -> Manifest:
    """The live pod with the wished resources of its containers."""
    wished = {c.get("name"): c.get("resources") for c in new["spec"].get("containers") or ()}
    containers: list[dict[str, Any]] = [
        {**container, "resources": wished.get(container["name"]) or container.get("resources", {})}
        for container in live["spec"]["containers"]
    ]
    return {**live, "spec": {**live["spec"], "containers": containers}}


PARTS: dict[str, Callable[[KindInfo, Manifest, Manifest], Manifest]] = {
    "ephemeralcontainers": ephemeral_containers,
    "resize": resources,
}
