"""What a StatefulSet does next: which members to make, to remove, to replace.

Ordered sets take one step at a time and only from a healthy state; parallel ones all steps at
once. Source: updateStatefulSet in pkg/controller/statefulset/stateful_set_control.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kiban.cluster.controllers.pods import is_terminal
from kiban.cluster.controllers.stateful_set.members import (
    is_running_and_available,
    is_running_and_ready,
    member,
    ordinal_of,
    ordinals_of,
    revision_name_of,
)
from kiban.kube.objects import Manifest, get_in, is_deleting
from kiban.primitives.instants import Instant


@dataclass(frozen=True)
class Situation:
    """A StatefulSet, its members and its two revisions at one instant."""

    stateful_set: Manifest
    pods: Sequence[Manifest]
    current: Manifest
    update: Manifest
    now: Instant

    @property
    def is_ordered(self) -> bool:
        policy = self.stateful_set["spec"].get("podManagementPolicy", "OrderedReady")
        return bool(policy == "OrderedReady")

    @property
    def min_ready_seconds(self) -> int:
        return int(self.stateful_set["spec"].get("minReadySeconds", 0))

    @property
    def partition(self) -> int:
        partition: int = get_in(
            self.stateful_set, "spec", "updateStrategy", "rollingUpdate", "partition", default=0
        )
        return partition

    @property
    def strategy(self) -> str:
        strategy: str = get_in(
            self.stateful_set, "spec", "updateStrategy", "type", default="RollingUpdate"
        )
        return strategy

    def serves(self, pod: Manifest) -> bool:
        """Whether a member is available and is to stay."""
        return self.is_good(pod) and not is_deleting(pod)

    def is_good(self, pod: Manifest) -> bool:
        """Whether the members after this one may be looked at."""
        return is_running_and_ready(pod) and is_running_and_available(
            pod, self.min_ready_seconds, self.now
        )


@dataclass
class Steps:
    """Members to make and to delete now."""

    create: list[Manifest] = field(default_factory=list)
    delete: list[Manifest] = field(default_factory=list)


def next_steps(situation: Situation) -> Steps:
    """The next steps of a set that is not being deleted."""
    steps = Steps()
    slots = _slots(situation)
    if _fill(situation, slots, steps) or _shrink(situation, slots, steps):
        return steps
    if not steps.create and situation.strategy != "OnDelete":
        _replace(situation, slots, steps)
    return steps


def _slots(situation: Situation) -> dict[int, Manifest | None]:
    found: dict[int, Manifest | None] = dict.fromkeys(ordinals_of(situation.stateful_set))
    for pod in situation.pods:
        ordinal = ordinal_of(pod)
        if ordinal in found:
            found[ordinal] = pod
    return found


def _fill(situation: Situation, slots: dict[int, Manifest | None], steps: Steps) -> bool:
    """Make the missing members, lowest first. True when the others have to wait."""
    for ordinal, pod in slots.items():
        if pod is None:
            steps.create.append(_new_member(situation, ordinal))
            if situation.is_ordered:
                return True
        elif is_terminal(pod):
            if not is_deleting(pod):
                steps.delete.append(pod)
            if situation.is_ordered:
                return True
        elif situation.is_ordered and (is_deleting(pod) or not situation.is_good(pod)):
            return True
    return bool(steps.delete)


def _new_member(situation: Situation, ordinal: int) -> Manifest:
    start = ordinals_of(situation.stateful_set).start
    keeps_old = situation.strategy == "RollingUpdate" and ordinal < start + situation.partition
    revision = situation.current if keeps_old else situation.update
    return member(situation.stateful_set, ordinal, revision)


def _shrink(situation: Situation, slots: dict[int, Manifest | None], steps: Steps) -> bool:
    """Remove members beyond the size, highest first. True when a step was taken or must wait."""
    surplus = [pod for pod in situation.pods if ordinal_of(pod) not in slots]
    surplus.sort(key=lambda pod: ordinal_of(pod) or 0, reverse=True)
    first_unhealthy = _first_unhealthy(situation, slots, surplus)
    for pod in surplus:
        if is_deleting(pod):
            if situation.is_ordered:
                return True
            continue
        blocked = not situation.is_good(pod) and pod is not first_unhealthy
        if situation.is_ordered and blocked:
            return True
        steps.delete.append(pod)
        if situation.is_ordered:
            return True
    return bool(steps.delete)


def _first_unhealthy(
    situation: Situation, slots: dict[int, Manifest | None], surplus: Sequence[Manifest]
) -> Manifest | None:
    """The first wanted member that serves nobody, else the first surplus one."""
    pods = [pod for pod in [*slots.values(), *reversed(surplus)] if pod is not None]
    return next((pod for pod in pods if not situation.serves(pod)), None)


def _replace(situation: Situation, slots: dict[int, Manifest | None], steps: Steps) -> None:
    """Remove the highest member of another revision, once those above it are healthy."""
    members = list(slots.values())
    for pod in reversed(members[situation.partition :]):
        if pod is None:
            return
        outdated = revision_name_of(pod) != situation.update["metadata"]["name"]
        if outdated and not is_deleting(pod):
            steps.delete.append(pod)
            return
        if not situation.serves(pod):
            return
