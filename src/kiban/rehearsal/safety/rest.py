"""Where a cluster has to be some time after everybody has left it alone.

Each rule is a pure function of the objects; it yields what is not at rest.
"""

from collections.abc import Callable, Iterable, Iterator

from kiban.cluster.scheduler.taints import repels
from kiban.kube.objects import (
    DAEMON_SET,
    DEPLOYMENT,
    JOB,
    NAMESPACE,
    NODE,
    POD,
    POD_DISRUPTION_BUDGET,
    REPLICA_SET,
    STATEFUL_SET,
    GroupKind,
    Key,
    Manifest,
    controller_of,
    get_in,
    is_deleting,
    is_true,
    owners_of,
)
from kiban.kube.selectors import selector_from_object
from kiban.reconcile.controller import Snapshot
from kiban.rehearsal.safety.deeds import (
    is_active,
    is_healthy,
    least_healthy,
    pods_of,
    shortages,
    target_node,
)

Rule = Callable[[Snapshot], Iterable[str]]


def unrest_in(state: Snapshot) -> list[str]:
    """What has not come to rest."""
    return [text for rule in RULES for text in rule(state)]


def _name(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def nodes_are_well(state: Snapshot) -> Iterator[str]:
    for node in state.list(NODE):
        if not is_true(node, "Ready") or node["spec"].get("taints"):
            yield f"{_name(node)} is not ready, or tainted {node['spec'].get('taints')}"


def deployments_are_complete(state: Snapshot) -> Iterator[str]:
    for deployment in state.list(DEPLOYMENT):
        size = deployment["spec"].get("replicas", 1)
        status = deployment.get("status") or {}
        counts = {
            field: status.get(field, 0)
            for field in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        }
        if any(count != size for count in counts.values()):
            yield f"{_name(deployment)} has {counts} of {size}"
        sets = state.owned(deployment["metadata"]["uid"], REPLICA_SET)
        sizes = [one["spec"].get("replicas", 1) for one in sets]
        if sorted(sizes) != sorted([size, *[0] * (len(sets) - 1)]):
            yield f"{_name(deployment)} of {size} has sets of {sizes}"


def sets_have_their_pods(state: Snapshot) -> Iterator[str]:
    for kind in (REPLICA_SET, STATEFUL_SET):
        for owner in state.list(kind):
            healthy = sum(is_healthy(pod) for pod in pods_of(owner, state))
            said = get_in(owner, "status", "readyReplicas", default=0)
            size = owner["spec"].get("replicas", 1)
            if not healthy == said == size:
                yield f"{_name(owner)} has {healthy} of {size} and says {said}"


def daemons_are_everywhere(state: Snapshot) -> Iterator[str]:
    for owner in state.list(DAEMON_SET):
        tolerations = owner["spec"]["template"]["spec"].get("tolerations") or []
        wanted = [
            node["metadata"]["name"]
            for node in state.list(NODE)
            if not repels(node["spec"].get("taints") or (), tolerations)
        ]
        pods = pods_of(owner, state)
        there = [target_node(pod) for pod in pods if is_healthy(pod) or _has_no_room(pod, state)]
        if sorted(there) != sorted(wanted):
            yield f"{_name(owner)} runs on {sorted(there)} of {sorted(wanted)}"


def _has_no_room(daemon: Manifest, state: Snapshot) -> bool:
    """Whether other pods have taken the room that a daemon waits for, as they may."""
    node = state.get(Key(*NODE, "", target_node(daemon)))
    waits = not daemon["spec"].get("nodeName")
    return waits and node is not None and any(shortages(daemon, node, state))


def jobs_are_over(state: Snapshot) -> Iterator[str]:
    for job in state.list(JOB):
        if _is_of_schedule(job):
            continue
        ended = is_true(job, "Complete") or is_true(job, "Failed")
        if not ended:
            yield f"{_name(job)} has not ended: {job.get('status')}"
        elif any(is_active(pod) for pod in pods_of(job, state)):
            yield f"{_name(job)} has ended and has pods that run"
        elif is_true(job, "Complete"):
            done = get_in(job, "status", "succeeded", default=0)
            if done < job["spec"].get("completions", 1):
                yield f"{_name(job)} is complete with {done}"


def _is_of_schedule(job: Manifest) -> bool:
    return controller_of(job) is not None


def nothing_is_stuck(state: Snapshot) -> Iterator[str]:
    for space in state.list(NAMESPACE):
        if is_deleting(space):
            yield f"{_name(space)} is ending"
    for pod in state.list(POD):
        owner = controller_of(pod) or {}
        if owner.get("kind") == JOB.kind:
            continue
        if owner.get("kind") == DAEMON_SET.kind and _has_no_room(pod, state):
            continue
        if is_deleting(pod) or not pod["spec"].get("nodeName"):
            yield f"{_name(pod)} is ending or has no node"
        elif state.get(Key(*NODE, "", pod["spec"]["nodeName"])) is None:
            yield f"{_name(pod)} is on a node that is gone"


def nothing_is_orphaned(state: Snapshot) -> Iterator[str]:
    for kind in state.kinds():
        for manifest in state.list(kind):
            for owner in owners_of(manifest):
                if state.by_uid(owner["uid"]) is None:
                    yield f"{_name(manifest)} belongs to {owner['name']}, which is gone"


def budgets_are_right(state: Snapshot) -> Iterator[str]:
    for budget in state.list(POD_DISRUPTION_BUDGET):
        selector = selector_from_object(budget["spec"].get("selector"))
        namespace = budget["metadata"].get("namespace", "")
        pods = [pod for pod in state.list(POD, namespace) if selector.chooses(pod)]
        if not pods:
            continue
        healthy = sum(is_healthy(pod) for pod in pods)
        allowed = max(0, healthy - least_healthy(budget, pods, state))
        said = get_in(budget, "status", "disruptionsAllowed", default=0)
        if said != allowed:
            yield f"{_name(budget)} allows {said} where {allowed} is right"


def slices_name_ready_pods(state: Snapshot) -> Iterator[str]:
    for service in state.list(GroupKind("", "Service")):
        chosen = service["spec"].get("selector")
        if not chosen:
            continue
        namespace = service["metadata"].get("namespace", "")
        ready = [
            pod["metadata"]["name"]
            for pod in state.selected(POD, namespace, chosen)
            if is_healthy(pod)
        ]
        said = [
            point["targetRef"]["name"]
            for entry in state.owned(
                service["metadata"]["uid"], GroupKind("discovery.k8s.io", "EndpointSlice")
            )
            for point in entry.get("endpoints") or ()
            if get_in(point, "conditions", "ready")
        ]
        if sorted(ready) != sorted(said):
            yield f"{_name(service)} leads to {sorted(said)} where {sorted(ready)} are ready"


RULES: tuple[Rule, ...] = (
    nodes_are_well,
    deployments_are_complete,
    sets_have_their_pods,
    daemons_are_everywhere,
    jobs_are_over,
    nothing_is_stuck,
    nothing_is_orphaned,
    budgets_are_right,
    slices_name_ready_pods,
)
