"""Which taints a pod bears (k8s.io/component-helpers/scheduling/corev1/helpers.go)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Taint = Mapping[str, Any]
Toleration = Mapping[str, Any]

# Effects that keep a pod away; PreferNoSchedule only counts against the node.
REPELLING = ("NoSchedule", "NoExecute")


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether the toleration covers the taint."""
    effect, key = toleration.get("effect"), toleration.get("key")
    if effect and effect != taint["effect"]:
        return False
    if key and key != taint["key"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(key) and (toleration.get("value") or "") == (taint.get("value") or "")


def is_borne(taint: Taint, tolerations: Iterable[Toleration]) -> bool:
    return any(tolerates(toleration, taint) for toleration in tolerations)


def repels(taints: Sequence[Taint], tolerations: Sequence[Toleration]) -> bool:
    """Whether a pod with these tolerations must not be placed among these taints."""
    return any(
        taint["effect"] in REPELLING and not is_borne(taint, tolerations) for taint in taints
    )
