"""What controllers read in a pod, and how they make one from a template.

The words are Kubernetes' own (pkg/controller/controller_utils.go, pkg/api/v1/pod): active,
terminal, ready, available.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kiban.cluster.controllers.pod_state import state_of
from kiban.kube.objects import Manifest, get_in, owner_reference
from kiban.primitives.instants import Instant, later, parse_rfc3339

# A generated name keeps 5 letters of the 63 for its random end (apiserver/pkg/storage/names).
LONGEST_NAME_BASE = 58


def phase_of(pod: Manifest) -> str:
    """The pod's phase; a pod without a status is Pending."""
    return state_of(pod).phase


def is_terminal(pod: Manifest) -> bool:
    """Whether all containers have ended for good."""
    return state_of(pod).is_terminal


def is_active(pod: Manifest) -> bool:
    """Whether the pod counts as one of its owner's: neither ended nor asked to go."""
    return state_of(pod).is_active


def is_terminating(pod: Manifest) -> bool:
    """Whether the pod was asked to go and its containers may still run."""
    state = state_of(pod)
    return state.is_deleting and not state.is_terminal


def is_ready(pod: Manifest) -> bool:
    return state_of(pod).is_ready


def is_assigned(pod: Manifest) -> bool:
    """Whether the pod has a node."""
    return bool(state_of(pod).node)


def ready_since(pod: Manifest) -> Instant | None:
    """When a ready pod became ready; None for one that is not ready."""
    return state_of(pod).ready_since


def available_at(pod: Manifest, min_ready_seconds: int) -> Instant | None:
    """When a ready pod counts as available; None while it is not ready."""
    state = state_of(pod)
    if not state.is_ready:
        return None
    since = state.ready_since
    if not min_ready_seconds:
        return since or Instant(0)
    return later(since, min_ready_seconds) if since is not None else None


def is_available(pod: Manifest, min_ready_seconds: int, now: Instant) -> bool:
    """Whether the pod has been ready for long enough."""
    at = available_at(pod, min_ready_seconds)
    return at is not None and at <= now


def created_at(manifest: Manifest) -> Instant:
    """When the object was created; the beginning of time if nobody wrote it down."""
    return instant_in(manifest["metadata"], "creationTimestamp") or Instant(0)


def instant_in(tree: Mapping[str, Any], field: str) -> Instant | None:
    """The time in a field, or None where there is none."""
    text = tree.get(field)
    return parse_rfc3339(text) if text else None


def restarts_of(pod: Manifest) -> int:
    """The largest restart count among the pod's containers."""
    statuses = get_in(pod, "status", "containerStatuses", default=[])
    return max((status.get("restartCount", 0) for status in statuses), default=0)


def name_base(owner_name: str) -> str:
    """What the names of an owner's pods begin with."""
    return f"{owner_name}-"[:LONGEST_NAME_BASE]


@dataclass(frozen=True, slots=True)
class PodIdentity:
    """What a pod has beyond its template."""

    name: str
    generate_name: str = ""
    labels: Mapping[str, str] | None = None
    annotations: Mapping[str, str] | None = None
    finalizers: Sequence[str] = ()


def pod_from_template(template: Manifest, owner: Manifest, identity: PodIdentity) -> Manifest:
    """A pod that the owner controls."""
    wanted = template.get("metadata") or {}
    metadata: dict[str, Any] = {
        "name": identity.name,
        "namespace": owner["metadata"].get("namespace", ""),
        "ownerReferences": [owner_reference(owner)],
    }
    if identity.generate_name:
        metadata["generateName"] = identity.generate_name
    finalizers = [*(wanted.get("finalizers") or ()), *identity.finalizers]
    if finalizers:
        metadata["finalizers"] = finalizers
    for field, extra in (("labels", identity.labels), ("annotations", identity.annotations)):
        merged = {**(wanted.get(field) or {}), **(extra or {})}
        if merged:
            metadata[field] = merged
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": template.get("spec") or {},
    }
