"""In which order things are applied: kinds within a service, services by what they use.

The order of kinds lets everything exist before what reads it. The service graph may have a loop
(two services that call each other); a loop cannot be waited for, so its last edge is ignored.
"""

from collections.abc import Iterable, Mapping, Sequence

from kiban.kube.objects import Key, Manifest, key_of
from kiban.primitives.graphs import cycle, waves

_RANKS: tuple[tuple[str, ...], ...] = (
    ("Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass", "IngressClass"),
    ("ResourceQuota", "LimitRange", "ClusterRole", "ServiceAccount", "Role"),
    ("ClusterRoleBinding", "RoleBinding", "ConfigMap", "Secret", "NetworkPolicy"),
    ("PersistentVolumeClaim", "Service", "GatewayClass", "Gateway"),
    ("StatefulSet", "Deployment", "DaemonSet", "ReplicaSet", "Pod", "Job", "CronJob"),
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


def is_address(manifest: Manifest) -> bool:
    """Whether it makes a name that others are configured with, before anything answers there."""
    return key_of(manifest)[:2] == ("", "Service")


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
