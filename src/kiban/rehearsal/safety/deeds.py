"""What a controller, or whoever drains a node, must never do: judged at the moment of the deed.

Every rule is a pure function of the deed and of the objects as they are just before it; it yields
what is wrong with it. The rules are written anew from the objects, without the code they judge.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kiban.cluster.scheduler.requests import amounts, pod_requests
from kiban.kube.objects import (
    DAEMON_SET,
    DEPLOYMENT,
    JOB,
    NODE,
    POD,
    POD_DISRUPTION_BUDGET,
    REPLICA_SET,
    STATEFUL_SET,
    GroupKind,
    Key,
    Manifest,
    annotations_of,
    controller_of,
    get_in,
    is_deleting,
    is_true,
)
from kiban.kube.selectors import selector_from_object
from kiban.reconcile.commands import Bind, Command, Create, Delete, Evict, Patch
from kiban.reconcile.controller import Snapshot

DESIRED = "deployment.kubernetes.io/desired-replicas"
INDEX = "batch.kubernetes.io/job-completion-index"
REVISION = "controller-revision-hash"


@dataclass(frozen=True, slots=True)
class Deed:
    """A command that is about to be carried out. `excused` names controllers whose figures are
    out of date through no fault of theirs."""

    actor: str
    command: Command
    state: Snapshot
    excused: frozenset[str] = frozenset()


Rule = Callable[[Deed], Iterable[str]]


def faults_of(deed: Deed) -> list[str]:
    """What is wrong with a deed."""
    return [text for rule in RULES for text in rule(deed)]


# Pods and what they belong to


def is_over(pod: Manifest) -> bool:
    return get_in(pod, "status", "phase") in ("Succeeded", "Failed")


def is_active(pod: Manifest) -> bool:
    return not is_over(pod) and not is_deleting(pod)


def is_healthy(pod: Manifest) -> bool:
    return is_true(pod, "Ready") and not is_deleting(pod)


def pods_of(owner: Manifest, state: Snapshot) -> list[Manifest]:
    """The pods that an object controls."""
    uid = owner["metadata"]["uid"]
    found = state.owned(uid, POD)
    return [pod for pod in found if (controller_of(pod) or {}).get("uid") == uid]


def _owner(pod: Manifest, kind: GroupKind, state: Snapshot) -> Manifest | None:
    reference = controller_of(pod)
    if reference is None or reference["kind"] != kind.kind:
        return None
    found = state.get(Key(*kind, pod["metadata"].get("namespace", ""), reference["name"]))
    same = found is not None and found["metadata"]["uid"] == reference["uid"]
    return found if same else None


def share(value: int | str, total: int, *, up: bool) -> int:
    """A number, or a percentage of a total."""
    if isinstance(value, int):
        return value
    exact = int(value.rstrip("%")) * total
    return -(-exact // 100) if up else exact // 100


# Placement


def bound_once(deed: Deed) -> Iterator[str]:
    """A pod gets one node, once, and one that is there."""
    if not isinstance(deed.command, Bind):
        return
    pod = deed.state.get(deed.command.pod)
    if pod is None:
        return
    name, node = deed.command.pod.name, deed.command.node
    if pod["spec"].get("nodeName"):
        yield f"pod {name} is bound to {node} and was bound to {pod['spec']['nodeName']}"
    elif (found := deed.state.get(Key(*NODE, "", node))) is not None:
        yield from shortages(pod, found, deed.state)


def shortages(pod: Manifest, node: Manifest, state: Snapshot) -> Iterator[str]:
    """What a node has too little of for one more pod."""
    name = node["metadata"]["name"]
    there = [other for other in state.on_node(name) if not is_over(other)]
    asked = {"pods": len(there) + 1}
    for one in [*there, pod]:
        for resource, amount in pod_requests(one["spec"]).items():
            asked[resource] = asked.get(resource, 0) + amount
    allocatable = amounts(node["status"]["allocatable"])
    for resource, amount in asked.items():
        if amount > allocatable.get(resource, 0):
            yield f"node {name} has {allocatable.get(resource, 0)} {resource} and gets {amount}"


def preempted_for_more_important(deed: Deed) -> Iterator[str]:
    """The scheduler removes a pod only for one of a higher priority that waits."""
    if deed.actor != "default-scheduler" or not isinstance(deed.command, Delete):
        return
    victim = deed.state.get(deed.command.key)
    if victim is None:
        return
    own = victim["spec"].get("priority") or 0
    waiting = [
        pod["spec"].get("priority") or 0
        for pod in deed.state.list(POD)
        if not pod["spec"].get("nodeName") and is_active(pod)
    ]
    if own >= max(waiting, default=own):
        yield f"pod {victim['metadata']['name']} makes room for nobody of a higher priority"


# Numbers of pods


def made_when_missing(deed: Deed) -> Iterator[str]:
    """No owner makes a pod beyond its number."""
    if not isinstance(deed.command, Create) or deed.command.object["kind"] != POD.kind:
        return
    pod = deed.command.object
    for kind, surplus in _SURPLUS.items():
        owner = _owner(pod, kind, deed.state)
        if owner is not None:
            text = surplus(owner, pod, deed.state)
            if text:
                yield f"{kind.kind} {owner['metadata']['name']} makes a pod {text}"


def _beyond_size(owner: Manifest, pod: Manifest, state: Snapshot) -> str:
    active = sum(is_active(one) for one in pods_of(owner, state))
    size = owner["spec"].get("replicas", 1)
    return f"with {active} of {size}" if active >= size else ""


def _beyond_ordinals(owner: Manifest, pod: Manifest, state: Snapshot) -> str:
    name = pod["metadata"]["name"]
    ordinal = int(name.rpartition("-")[2])
    start = get_in(owner, "spec", "ordinals", "start", default=0)
    size = owner["spec"].get("replicas", 1)
    inside = start <= ordinal < start + size
    return "" if inside else f"{name} of {size}"


def _beyond_node(owner: Manifest, pod: Manifest, state: Snapshot) -> str:
    node = target_node(pod)
    there = [one for one in pods_of(owner, state) if is_active(one) and target_node(one) == node]
    surge = get_in(owner, "spec", "updateStrategy", "rollingUpdate", "maxSurge", default=0)
    most = 2 if surge not in (0, "0%") else 1
    return f"beside {len(there)} on {node}" if len(there) >= most else ""


def target_node(pod: Manifest) -> str:
    """The node that a daemon runs on or is meant for."""
    if node := pod["spec"].get("nodeName"):
        return str(node)
    terms = get_in(
        pod, "spec", "affinity", "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms",
    )  # fmt: skip
    return str(terms[0]["matchFields"][0]["values"][0])


def _beyond_parallelism(owner: Manifest, pod: Manifest, state: Snapshot) -> str:
    active = [one for one in pods_of(owner, state) if is_active(one)]
    most = owner["spec"].get("parallelism", 1)
    if len(active) >= most:
        return f"beside {len(active)} of {most}"
    index = annotations_of(pod).get(INDEX)
    if index is not None and any(annotations_of(one).get(INDEX) == index for one in active):
        return f"for index {index}, which has one"
    return ""


_SURPLUS: Mapping[GroupKind, Callable[[Manifest, Manifest, Snapshot], str]] = {
    REPLICA_SET: _beyond_size,
    STATEFUL_SET: _beyond_ordinals,
    DAEMON_SET: _beyond_node,
    JOB: _beyond_parallelism,
}


def removed_when_too_many(deed: Deed) -> Iterator[str]:
    """A set that shrinks does not fall below its size."""
    if deed.actor != "replicaset-controller" or not isinstance(deed.command, Delete):
        return
    pod = deed.state.get(deed.command.key) if deed.command.key.group_kind == POD else None
    owner = _owner(pod, REPLICA_SET, deed.state) if pod is not None else None
    if pod is None or owner is None or not is_active(pod):
        return
    active = sum(is_active(one) for one in pods_of(owner, deed.state))
    size = owner["spec"].get("replicas", 1)
    if active <= size:
        name = owner["metadata"]["name"]
        yield f"ReplicaSet {name} deletes {pod['metadata']['name']} with {active} of {size}"


# Updates


def resized_within_fences(deed: Deed) -> Iterator[str]:
    """A rolling update keeps enough pods available and does not have too many."""
    command = deed.command
    if deed.actor != "deployment-controller":
        return
    if isinstance(command, Create) and command.object["kind"] == REPLICA_SET.kind:
        # A set that is made with its first size.
        changed, size = command.object, command.object["spec"]["replicas"]
        before: Manifest | None = None
    elif isinstance(command, Patch) and command.key.group_kind == REPLICA_SET:
        before = deed.state.get(command.key)
        size = get_in(command.patch, "spec", "replicas")
        if before is None or size is None:
            return
        changed = before
    else:
        return
    deployment = _owner(changed, DEPLOYMENT, deed.state)
    if deployment is None or not _is_rolling(deployment) or _was_resized(before, deployment):
        return
    sets = deed.state.owned(deployment["metadata"]["uid"], REPLICA_SET)
    yield from _outside(deployment, sets, before, size)


def _is_rolling(deployment: Manifest) -> bool:
    kind = get_in(deployment, "spec", "strategy", "type", default="RollingUpdate")
    return bool(kind == "RollingUpdate")


def _was_resized(replica_set: Manifest | None, deployment: Manifest) -> bool:
    """Whether this is scaling, which shares out the new size and looks at nothing else."""
    size = str(deployment["spec"].get("replicas", 1))
    return replica_set is not None and annotations_of(replica_set).get(DESIRED) != size


def _outside(
    deployment: Manifest, sets: Sequence[Manifest], changed: Manifest | None, size: int
) -> Iterator[str]:
    name, wanted = deployment["metadata"]["name"], deployment["spec"].get("replicas", 1)
    rolling = get_in(deployment, "spec", "strategy", "rollingUpdate", default={})
    surge = share(rolling.get("maxSurge", "25%"), wanted, up=True)
    missing = share(rolling.get("maxUnavailable", "25%"), wanted, up=False)
    missing = missing if surge or missing else 1
    others = [one for one in sets if one is not changed]
    present = changed["spec"].get("replicas", 1) if changed is not None else 0
    total = sum(one["spec"].get("replicas", 1) for one in others)
    if size > present and total + size > wanted + surge:
        yield f"Deployment {name} asks for {total + size} of {wanted} and {surge} more"
    if size < present and changed is not None and not _is_newest(changed, deployment):
        serving = sum(_serving(one, one["spec"].get("replicas", 1)) for one in others)
        left = serving + _serving(changed, size)
        kept = serving + _serving(changed, present)
        if left < min(kept, wanted - missing):
            yield f"Deployment {name} keeps {left} available of {wanted} less {missing}"


def _is_newest(replica_set: Manifest, deployment: Manifest) -> bool:
    note = "deployment.kubernetes.io/revision"
    return annotations_of(replica_set).get(note) == annotations_of(deployment).get(note)


def _serving(replica_set: Manifest, size: int) -> int:
    available: int = get_in(replica_set, "status", "availableReplicas", default=0)
    return min(size, available)


def members_replaced_one_by_one(deed: Deed) -> Iterator[str]:
    """An ordered set takes a healthy member away only while all lower ones that are to stay are
    healthy."""
    if deed.actor != "statefulset-controller" or not isinstance(deed.command, Delete):
        return
    pod = deed.state.get(deed.command.key) if deed.command.key.group_kind == POD else None
    owner = _owner(pod, STATEFUL_SET, deed.state) if pod is not None else None
    if pod is None or owner is None or not is_healthy(pod):
        return
    if owner["spec"].get("podManagementPolicy", "OrderedReady") != "OrderedReady":
        return
    name = pod["metadata"]["name"]
    start = get_in(owner, "spec", "ordinals", "start", default=0)
    end = min(_ordinal(name), start + owner["spec"].get("replicas", 1))
    sick = [
        one["metadata"]["name"]
        for one in pods_of(owner, deed.state)
        if start <= _ordinal(one["metadata"]["name"]) < end and not is_healthy(one)
    ]
    if sick:
        yield f"StatefulSet takes {name} while {sick} are not healthy"


def _ordinal(name: str) -> int:
    return int(name.rpartition("-")[2])


# Disruption budgets


def evicted_within_budget(deed: Deed) -> Iterator[str]:
    """An eviction leaves as many healthy pods as the pod's budget asks for."""
    if not isinstance(deed.command, Evict) or "disruption-controller" in deed.excused:
        return
    pod = deed.state.get(deed.command.pod)
    if pod is None or not is_healthy(pod) or is_over(pod):
        return
    if get_in(pod, "status", "phase") == "Pending":
        return
    namespace = pod["metadata"].get("namespace", "")
    for budget in deed.state.list(POD_DISRUPTION_BUDGET, namespace):
        selector = selector_from_object(budget["spec"].get("selector"))
        if not selector.chooses(pod):
            continue
        pods = [one for one in deed.state.list(POD, namespace) if selector.chooses(one)]
        healthy = sum(is_healthy(one) for one in pods)
        least = least_healthy(budget, pods, deed.state)
        if healthy - 1 < least:
            name = budget["metadata"]["name"]
            yield f"budget {name} asks for {least} and {healthy - 1} are left"


def least_healthy(budget: Manifest, pods: Sequence[Manifest], state: Snapshot) -> int:
    """How many pods a budget wants healthy."""
    spec: Mapping[str, Any] = budget["spec"]
    least = spec.get("minAvailable")
    if isinstance(least, int):
        return least
    total = _expected(pods, state)
    if least is not None:
        return share(least, total, up=True)
    return max(0, total - share(spec["maxUnavailable"], total, up=True))


def _expected(pods: Sequence[Manifest], state: Snapshot) -> int:
    """The sizes of what the pods belong to in the end, each once."""
    sizes: dict[str, int] = {}
    for pod in pods:
        for kind in (REPLICA_SET, STATEFUL_SET):
            owner = _owner(pod, kind, state)
            above = _owner(owner, DEPLOYMENT, state) if owner is not None else None
            top = above or owner
            if top is not None:
                sizes[top["metadata"]["uid"]] = top["spec"].get("replicas", 1)
    return sum(sizes.values())


RULES: tuple[Rule, ...] = (
    bound_once,
    preempted_for_more_important,
    made_when_missing,
    removed_when_too_many,
    resized_within_fences,
    members_replaced_one_by_one,
    evicted_within_budget,
)
