"""In which order things are applied: kinds within a service, services by what they use.

The order of kinds lets everything exist before what reads it. The service graph may have a loop
(two services that call each other); a loop cannot be waited for, so its last edge is ignored.
"""

from collections.abc import Iterable, Mapping, Sequence

from kiban.kube.objects import GroupKind, Key, Manifest, key_of
from kiban.primitives.graphs import cycle, waves

CUSTOM_RESOURCE_DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")
_WORKLOADS = ("StatefulSet", "Deployment", "DaemonSet", "ReplicaSet", "Pod", "Job", "CronJob")
_RANKS: tuple[tuple[str, ...], ...] = (
    ("Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass", "IngressClass"),
    ("ResourceQuota", "LimitRange", "ClusterRole", "ServiceAccount", "Role"),
    ("ClusterRoleBinding", "RoleBinding", "ConfigMap", "Secret", "NetworkPolicy"),
    ("PersistentVolumeClaim", "Service", "GatewayClass", "Gateway"),
    _WORKLOADS,
    ("PodDisruptionBudget", "HorizontalPodAutoscaler", "Ingress", "HTTPRoute", "GRPCRoute"),
)
_RANK_OF = {kind: rank for rank, kinds in enumerate(_RANKS) for kind in kinds}
_LAST = len(_RANKS)


def rank_of(key: Key) -> int:
    """The place of a kind in the order; kinds that are not known come last."""
    return _RANK_OF.get(key.kind, _LAST)


def in_ranks(keys: Iterable[Key]) -> list[tuple[Key, ...]]:
    """Keys in groups that may be applied together, first to last."""
    groups: dict[int, list[Key]] = {}
    for key in sorted(keys):
        groups.setdefault(rank_of(key), []).append(key)
    return [tuple(groups[rank]) for rank in sorted(groups)]


# What makes a name or a Secret that others are configured with, before anything answers there.
_ADDRESSES = frozenset(
    {
        ("", "Service"),
        ("external-secrets.io", "ExternalSecret"),
        ("bitnami.com", "SealedSecret"),
    }
)


def is_definition(key: Key) -> bool:
    """Whether it makes a kind, of which there can be objects when it is established."""
    return key.group_kind == CUSTOM_RESOURCE_DEFINITION


def is_support(key: Key) -> bool:
    """Whether pods need it to start: an account, a role, a map, a policy, a claim."""
    return rank_of(key) <= _RANK_OF["PersistentVolumeClaim"]


def is_slow(key: Key) -> bool:
    """Whether it takes more than a moment to be well: what runs pods, and what is not known."""
    return rank_of(key) == _LAST or key.kind in _WORKLOADS


def is_address(manifest: Manifest) -> bool:
    """Whether others wait for what it makes rather than for itself."""
    return key_of(manifest)[:2] in _ADDRESSES


def without_loops(needs: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """The service graph with every need known, and the last edge of each loop left out."""
    left = {
        name: tuple(need for need in sorted(wants) if need in needs and need != name)
        for name, wants in sorted(needs.items())
    }
    while loop := cycle(left):
        last, first = loop[-2], loop[-1]
        left[last] = tuple(need for need in left[last] if need != first)
    return left


def wave_numbers(needs: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """The wave of each service, from 0."""
    found: Sequence[Sequence[str]] = waves(without_loops(needs))
    return {name: number for number, wave in enumerate(found) for name in wave}
