"""How many machines of a group the waiting pods need: first-fit decreasing on a trial.

The largest pods go first. A machine is added when a pod fits on none of those added before; one on
which nothing fits at once ends it, because another would be the same. Source:
estimator/binpacking_estimator.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kiban.cluster.autoscaling.provider import Group
from kiban.cluster.autoscaling.simulation import Fitting
from kiban.cluster.autoscaling.templates import put_template
from kiban.cluster.scheduler.node_info import PodInfo
from kiban.cluster.scheduler.requests import amounts
from kiban.kube.objects import controller_of, get_in, uid_of
from kiban.reconcile.controller import Snapshot


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pod that waits, with what groups it with others of its kind."""

    info: PodInfo
    owner: str

    @property
    def kind(self) -> tuple[object, ...]:
        """Pods of one owner and shape fare alike."""
        shape = self.info.shape
        return (self.owner or self.info.uid, shape.digest, tuple(sorted(shape.labels.items())))


@dataclass(frozen=True, slots=True)
class Option:
    """One way to help: so many machines of that group, for these pods."""

    group: Group
    count: int
    pods: tuple[PodInfo, ...]


def owner_of(pod: dict[str, object]) -> str:
    """The uid of a pod's controller, if it has one."""
    owner = controller_of(pod)
    return str(owner["uid"]) if owner else uid_of(pod)


def alike(pods: Sequence[Waiting]) -> list[list[PodInfo]]:
    """The pods, put together by equivalence."""
    groups: dict[tuple[object, ...], list[PodInfo]] = {}
    for pod in pods:
        groups.setdefault(pod.kind, []).append(pod.info)
    return list(groups.values())


def estimate(
    group: Group,
    kinds: Sequence[Sequence[PodInfo]],
    fitting: Fitting,
    snapshot: Snapshot,
    most: int,
) -> Option:
    """The machines of that group, at most so many, and the pods that they would take."""
    trial = fitting.trial
    trial.fork()
    try:
        size = amounts(get_in(group.template, "status", "allocatable", default={}))
        added: list[str] = []
        used: dict[str, None] = {}
        placed: list[PodInfo] = []
        for pods in sorted(kinds, key=lambda pods: -_score(pods[0], size)):
            for pod in pods:
                node = _place(pod, added, fitting)
                if node is None:
                    if len(added) >= most or (added and added[-1] not in used):
                        break
                    name = f"template-{group.name}-{len(added)}"
                    added.append(put_template(trial, group.template, name, snapshot))
                    node = _place(pod, added[-1:], fitting)
                    if node is None:
                        break
                trial.put_pod(pod, node)
                used[node] = None
                placed.append(pod)
        return Option(group, len(used), tuple(placed))
    finally:
        trial.revert()


def _place(pod: PodInfo, nodes: Sequence[str], fitting: Fitting) -> str | None:
    at = fitting.first(pod, [fitting.trial.index[name] for name in nodes])
    return fitting.trial.seats[at].name if at is not None else None


def _score(pod: PodInfo, size: dict[str, int]) -> float:
    asked = dict(pod.shape.requests)
    return sum(
        asked.get(name, 0) / size[name] for name in ("cpu", "memory") if size.get(name, 0) > 0
    )
