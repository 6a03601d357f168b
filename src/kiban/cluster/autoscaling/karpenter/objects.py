"""Karpenter's own objects: NodePool and NodeClaim in the shapes of karpenter.sh/v1.

Only what the rules read is described; the definitions keep every other field as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from kiban.kube.objects import GroupKind, Key, Manifest, get_in
from kiban.primitives.instants import Instant, rfc3339

GROUP = "karpenter.sh"
NODE_POOL = GroupKind(GROUP, "NodePool")
NODE_CLAIM = GroupKind(GROUP, "NodeClaim")
API_VERSION = f"{GROUP}/v1"

POOL_LABEL = "karpenter.sh/nodepool"
CAPACITY_LABEL = "karpenter.sh/capacity-type"
INITIALIZED_LABEL = "karpenter.sh/initialized"
TYPE_LABEL = "node.kubernetes.io/instance-type"
ZONE_LABEL = "topology.kubernetes.io/zone"
DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt"
HASH = "karpenter.sh/nodepool-hash"
TERMINATION = "karpenter.sh/termination"
DISRUPTED_TAINT = {"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}
UNREGISTERED = "karpenter.sh/unregistered"
DEFAULT_EXPIRY = "720h"
DEFAULT_BUDGETS = ({"nodes": "10%"},)


def definitions() -> list[Manifest]:
    """The two CustomResourceDefinitions."""
    return [_definition("NodePool", "nodepools"), _definition("NodeClaim", "nodeclaims")]


def _definition(kind: str, plural: str) -> Manifest:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": anything}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Cluster", "names": names, "versions": [version]},
    }


@dataclass(frozen=True, slots=True)
class Pool:
    """A NodePool, read."""

    name: str
    weight: int
    labels: Mapping[str, str]
    taints: tuple[Mapping[str, Any], ...]
    requirements: tuple[Mapping[str, Any], ...]
    limits: Mapping[str, Any]
    policy: str
    consolidate_after: str
    expire_after: str
    budgets: tuple[Mapping[str, Any], ...]
    hash: str


def pool_of(manifest: Manifest) -> Pool:
    spec = manifest.get("spec") or {}
    template = spec.get("template") or {}
    disruption = spec.get("disruption") or {}
    content = orjson.dumps(template, option=orjson.OPT_SORT_KEYS)
    return Pool(
        manifest["metadata"]["name"],
        int(spec.get("weight") or 0),
        get_in(template, "metadata", "labels", default={}),
        tuple(get_in(template, "spec", "taints", default=())),
        tuple(get_in(template, "spec", "requirements", default=())),
        spec.get("limits") or {},
        disruption.get("consolidationPolicy", "WhenEmptyOrUnderutilized"),
        disruption.get("consolidateAfter", "0s"),
        get_in(template, "spec", "expireAfter", default=DEFAULT_EXPIRY),
        tuple(disruption.get("budgets") or DEFAULT_BUDGETS),
        blake2b(content, digest_size=8).hexdigest(),
    )


def node_pool(
    name: str,
    requirements: Sequence[Mapping[str, Any]] = (),
    disruption: Mapping[str, Any] | None = None,
    **more: Any,
) -> Manifest:
    """A NodePool manifest; `labels` and `taints` are its nodes', `weight` and `limits` its own."""
    template: Manifest = {
        "metadata": {"labels": dict(more.get("labels") or {})},
        "spec": {
            "requirements": [dict(entry) for entry in requirements],
            "taints": list(more.get("taints") or ()),
            "expireAfter": more.get("expire_after", DEFAULT_EXPIRY),
            "nodeClassRef": {
                "group": "karpenter.k8s.aws",
                "kind": "EC2NodeClass",
                "name": "default",
            },
        },
    }
    spec: Manifest = {"template": template, "disruption": dict(disruption or {})}
    for field in ("weight", "limits"):
        if more.get(field):
            spec[field] = more[field]
    return {
        "apiVersion": API_VERSION,
        "kind": "NodePool",
        "metadata": {"name": name},
        "spec": spec,
    }


def claim_key(name: str) -> Key:
    return Key(*NODE_CLAIM, "", name)


def condition(type_: str, now: Instant, reason: str = "", *, holds: bool = True) -> Manifest:
    return {
        "type": type_,
        "status": "True" if holds else "False",
        "reason": reason or type_,
        "message": "",
        "lastTransitionTime": rfc3339(now),
    }
