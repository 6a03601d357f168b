"""What the scheduler reads in a pod, compiled. Pods that read alike share one `Shape`.

Pods of one template differ only in their names, so a shape is found again by the JSON of the
parts that matter and compiled once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from kiban.cluster.scheduler.requests import Port, host_ports, pod_requests, scored_requests
from kiban.cluster.scheduler.taints import Toleration
from kiban.cluster.scheduler.terms import (
    NodeChoice,
    NodeTerm,
    PodTerm,
    Spread,
    Tree,
    node_term,
    pod_term,
    spread,
)
from kiban.kube.objects import Manifest, labels_of

# Shapes compiled and kept; a cluster of 10,000 pods has some hundreds.
SHAPES_LIMIT = 8192

_FIELDS = (
    "nodeSelector",
    "affinity",
    "tolerations",
    "topologySpreadConstraints",
    "overhead",
    "resources",
)
# What no rule about a single node reads; of affinity only a part.
_ABOUT_OTHERS = frozenset({"affinity", "topologySpreadConstraints", "claims"})


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A pod without its name. `digest` tells shapes apart; it leaves the labels out. `alone` leaves
    out other pods too: it tells apart what the pod wants of a node by itself."""

    digest: bytes
    alone: bytes
    namespace: str
    labels: Mapping[str, str]
    requests: tuple[tuple[str, int], ...]
    scored_cpu: int
    scored_memory: int
    ports: tuple[Port, ...]
    node_choice: NodeChoice
    named_nodes: frozenset[str] | None
    preferred_nodes: tuple[tuple[int, NodeTerm], ...]
    tolerations: tuple[Toleration, ...]
    hard_spreads: tuple[Spread, ...]
    soft_spreads: tuple[Spread, ...]
    attracted: tuple[PodTerm, ...]
    repelled: tuple[PodTerm, ...]
    preferred_pods: tuple[PodTerm, ...]
    claims: tuple[str, ...]
    is_best_effort: bool
    has_pod_terms: bool = field(init=False)

    def __post_init__(self) -> None:
        has_terms = bool(self.attracted or self.repelled or self.preferred_pods)
        object.__setattr__(self, "has_pod_terms", has_terms)

    @property
    def reads_own_labels(self) -> bool:
        """Whether the pod's own labels matter to where it goes, other pods apart."""
        return self.has_pod_terms or bool(self.hard_spreads or self.soft_spreads)


# Specs and labels are never changed, and a pod that waits is looked at again and again: they are
# known by identity, and held so that no others can take their place in memory.
_READ: dict[int, tuple[Tree, Tree, Shape]] = {}


def shape_of(pod: Manifest) -> Shape:
    """The shape of a pod."""
    spec, labels = pod["spec"], labels_of(pod)
    known = _READ.get(id(spec))
    if (
        known is not None
        and known[0] is spec
        and known[1] is labels
        and known[2].namespace == pod["metadata"].get("namespace", "")
    ):
        return known[2]
    found = _shape_of(pod, spec, labels)
    if "resourceVersion" in pod["metadata"]:
        if len(_READ) >= SHAPES_LIMIT:
            _READ.clear()
        _READ[id(spec)] = (spec, labels, found)
    return found


def _shape_of(pod: Manifest, spec: Tree, labels: Tree) -> Shape:
    parts: dict[str, Any] = {name: spec[name] for name in _FIELDS if spec.get(name)}
    for name in ("containers", "initContainers"):
        if spec.get(name):
            parts[name] = [_container(entry) for entry in spec[name]]
    claims = [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in spec.get("volumes") or ()
        if "persistentVolumeClaim" in volume
    ]
    if claims:
        parts["claims"] = claims
    return _compiled(
        orjson.dumps(parts), orjson.dumps([pod["metadata"].get("namespace", ""), labels])
    )


def _container(container: Tree) -> dict[str, Any]:
    requests = (container.get("resources") or {}).get("requests")
    return {
        "resources": {"requests": requests or {}},
        "limits": bool((container.get("resources") or {}).get("limits")),
        "ports": [port for port in container.get("ports") or () if port.get("hostPort")],
        "restartPolicy": container.get("restartPolicy"),
    }


@lru_cache(maxsize=SHAPES_LIMIT)
def _compiled(digest: bytes, identity: bytes) -> Shape:
    spec = orjson.loads(digest)
    namespace, labels = orjson.loads(identity)
    affinity = spec.get("affinity") or {}
    nodes = affinity.get("nodeAffinity") or {}
    required = nodes.get("requiredDuringSchedulingIgnoredDuringExecution")
    terms = (
        tuple(node_term(entry) for entry in required.get("nodeSelectorTerms") or ())
        if required is not None
        else None
    )
    spreads = spec.get("topologySpreadConstraints") or ()
    cpu, memory = scored_requests(spec)
    wanted = {name: amount for name, amount in pod_requests(spec).items() if amount}
    return Shape(
        digest=digest,
        alone=_alone(spec),
        namespace=namespace,
        labels=labels,
        requests=tuple(sorted(wanted.items())),
        scored_cpu=cpu,
        scored_memory=memory,
        ports=host_ports(spec),
        node_choice=NodeChoice(tuple(sorted((spec.get("nodeSelector") or {}).items())), terms),
        named_nodes=_named(terms),
        preferred_nodes=tuple(
            (entry["weight"], node_term(entry["preference"]))
            for entry in nodes.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        ),
        tolerations=tuple(spec.get("tolerations") or ()),
        hard_spreads=tuple(spread(entry, labels) for entry in spreads if _is_hard(entry)),
        soft_spreads=tuple(spread(entry, labels) for entry in spreads if not _is_hard(entry)),
        attracted=_required(affinity, "podAffinity", namespace, labels),
        repelled=_required(affinity, "podAntiAffinity", namespace, labels),
        preferred_pods=(
            *_preferred(affinity, "podAffinity", namespace, labels),
            *_preferred(affinity, "podAntiAffinity", namespace, labels),
        ),
        claims=tuple(spec.get("claims") or ()),
        is_best_effort=not wanted.get("cpu")
        and not wanted.get("memory")
        and not any(entry["limits"] for entry in spec.get("containers") or ()),
    )


def _alone(spec: Tree) -> bytes:
    parts = {key: value for key, value in spec.items() if key not in _ABOUT_OTHERS}
    return orjson.dumps([parts, (spec.get("affinity") or {}).get("nodeAffinity")])


def _named(terms: tuple[NodeTerm, ...] | None) -> frozenset[str] | None:
    """The only nodes that the terms leave, when each of them names some; others are not even
    looked at."""
    found: set[str] = set()
    for term in terms or ():
        named = [set(entry.values) for entry in term.fields if entry.operator == "in"]
        if not named:
            return None
        found |= set.intersection(*named)
    return frozenset(found) if terms else None


def _is_hard(tree: Tree) -> bool:
    return bool(tree.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule")


def _required(affinity: Tree, part: str, namespace: str, labels: Any) -> tuple[PodTerm, ...]:
    found = (affinity.get(part) or {}).get("requiredDuringSchedulingIgnoredDuringExecution")
    return tuple(pod_term(entry, namespace, labels) for entry in found or ())


def _preferred(affinity: Tree, part: str, namespace: str, labels: Any) -> tuple[PodTerm, ...]:
    found = (affinity.get(part) or {}).get("preferredDuringSchedulingIgnoredDuringExecution")
    sign = 1 if part == "podAffinity" else -1
    return tuple(
        pod_term(entry["podAffinityTerm"], namespace, labels, sign * entry["weight"])
        for entry in found or ()
    )
