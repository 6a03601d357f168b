"""Whether a pod may be moved off its node, and why not.

The rules are asked in a fixed order; the first that has an opinion decides. Source:
simulator/drainability/rules of kubernetes/autoscaler.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from kiban.cluster.autoscaling.cluster_autoscaler.settings import (
    SAFE_LOCAL_VOLUMES,
    SAFE_TO_EVICT,
    ScaleDown,
)
from kiban.cluster.autoscaling.sameness import are_the_same
from kiban.kube.objects import (
    POD_DISRUPTION_BUDGET,
    Manifest,
    annotations_of,
    controller_of,
    get_in,
    is_deleting,
    labels_of,
)
from kiban.kube.selectors import LabelSelector, selector_from_object
from kiban.reconcile.controller import Snapshot

# "moves": it must find another node; "stays": it goes with the node; else why it blocks.
Fate = Literal[
    "moves",
    "stays",
    "NotReplicated",
    "UnmovableKubeSystemPod",
    "NotSafeToEvictAnnotation",
    "LocalStorageRequested",
    "NotEnoughPdb",
]
MIRROR = "kubernetes.io/config.mirror"
# Owners whose pods come back elsewhere.
_REPLICATED = frozenset({"ReplicaSet", "ReplicationController", "Job", "StatefulSet"})


@dataclass(slots=True)
class Budget:
    """A disruption budget and what is left of it in a simulation."""

    namespace: str
    selector: LabelSelector
    left: int

    def counts(self, pod: Manifest) -> bool:
        return pod["metadata"].get("namespace", "") == self.namespace and self.selector.matches(
            labels_of(pod)
        )


class Budgets:
    """All disruption budgets, as the simulation spends them. They are found by a label that they
    ask for, as there may be as many as services."""

    def __init__(self, manifests: Sequence[Manifest] = ()) -> None:
        self._read: Sequence[Manifest] = ()
        self._spent: list[tuple[Budget, int]] = []
        self._all: list[Budget] = []
        self._by_label: dict[tuple[str, str, str], list[Budget]] = {}
        self._others: list[Budget] = []
        self.renew(manifests)

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Budgets":
        return cls(snapshot.list(POD_DISRUPTION_BUDGET))

    def renew(self, manifests: Sequence[Manifest]) -> None:
        """Take over what these budgets say now; what was spent is given back."""
        for budget, left in reversed(self._spent):
            budget.left = left
        self._spent = []
        if are_the_same(manifests, self._read):
            return
        if not are_the_same(_specs(manifests), _specs(self._read)):
            self._compile(manifests)
        self._read = tuple(manifests)
        for budget, manifest in zip(self._all, manifests, strict=True):
            budget.left = get_in(manifest, "status", "disruptionsAllowed", default=0)

    def _compile(self, manifests: Sequence[Manifest]) -> None:
        self._by_label, self._others = {}, []
        self._all = [
            Budget(
                budget["metadata"].get("namespace", ""),
                selector_from_object(budget["spec"].get("selector")),
                0,
            )
            for budget in manifests
        ]
        for budget in self._all:
            if exact := budget.selector.exact:
                name = max(exact)
                place = (budget.namespace, name, exact[name])
                self._by_label.setdefault(place, []).append(budget)
            else:
                self._others.append(budget)

    def covers(self, pod: Manifest) -> bool:
        return any(True for _ in self._counting(pod))

    def allow(self, pods: Sequence[Manifest]) -> bool:
        """Whether all these pods may go at once."""
        asked: dict[int, int] = {}
        for pod in pods:
            for budget in self._counting(pod):
                count = asked[id(budget)] = asked.get(id(budget), 0) + 1
                if count > max(budget.left, 0):
                    return False
        return True

    def spend(self, pods: Sequence[Manifest]) -> None:
        for pod in pods:
            for budget in self._counting(pod):
                self._spent.append((budget, budget.left))
                budget.left -= 1

    def _counting(self, pod: Manifest) -> Iterator[Budget]:
        namespace = pod["metadata"].get("namespace", "")
        for name, value in labels_of(pod).items():
            for budget in self._by_label.get((namespace, name, value), ()):
                if budget.counts(pod):
                    yield budget
        for budget in self._others:
            if budget.counts(pod):
                yield budget


def _specs(manifests: Sequence[Manifest]) -> list[Manifest]:
    return [manifest["spec"] for manifest in manifests]


def fate(pod: Manifest, budgets: Budgets, settings: ScaleDown) -> Fate:
    """What becomes of a pod when its node is taken away. Budgets are counted for all pods of a
    node together, elsewhere."""
    owner = controller_of(pod)
    safe = annotations_of(pod).get(SAFE_TO_EVICT)
    if MIRROR in annotations_of(pod) or is_deleting(pod):
        return "stays"
    if owner is not None and owner["kind"] == "DaemonSet":
        return "stays"
    if safe == "true":
        return "moves"
    if get_in(pod, "status", "phase") in ("Succeeded", "Failed"):
        return "stays"
    if owner is None:
        return "NotReplicated"
    if owner["kind"] not in _REPLICATED and settings.skip_custom_controller_pods:
        return "NotReplicated"
    is_system = pod["metadata"].get("namespace") == "kube-system"
    if is_system and settings.skip_system_pods and not budgets.covers(pod):
        return "UnmovableKubeSystemPod"
    if safe == "false":
        return "NotSafeToEvictAnnotation"
    if settings.skip_local_storage and _unsafe_volumes(pod):
        return "LocalStorageRequested"
    return "moves"


def _unsafe_volumes(pod: Manifest) -> list[str]:
    """Volumes whose data would be lost, and that nobody declared safe to lose."""
    declared = annotations_of(pod).get(SAFE_LOCAL_VOLUMES, "")
    safe = [name.strip() for name in declared.split(",")]
    return [
        volume["name"]
        for volume in pod["spec"].get("volumes") or ()
        if _is_local(volume) and volume["name"] not in safe
    ]


def _is_local(volume: Manifest) -> bool:
    if "hostPath" in volume:
        return True
    scratch = volume.get("emptyDir")
    return scratch is not None and (scratch or {}).get("medium") != "Memory"
