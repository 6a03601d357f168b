"""How changes of objects become changes of the view, and what of them the queue must know."""

from kiban.cluster.scheduler.happenings import POD_ARRIVED, POD_GONE, VOLUMES
from kiban.cluster.scheduler.hints import Happening, OtherChange, PodChange, helps, node_change
from kiban.cluster.scheduler.node_info import pod_info
from kiban.cluster.scheduler.outcomes import nominated_node
from kiban.cluster.scheduler.queue import Queue
from kiban.cluster.scheduler.view import View
from kiban.kube.objects import (
    NAMESPACE,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    Manifest,
    get_in,
    is_deleting,
    labels_of,
)
from kiban.reconcile.controller import Change


def take_in(change: Change, view: View, queue: Queue, scheduler_name: str) -> None:
    """Bring the view up to date, and wake the pods that the change may help."""
    kind = change.key.group_kind
    happened: Happening | None = None
    if kind == POD:
        happened = _take_pod(change, view, queue, scheduler_name)
    elif kind == NODE:
        happened = _take_node(change, view)
    elif kind == NAMESPACE:
        _take_namespace(change, view)
    elif kind == PERSISTENT_VOLUME_CLAIM:
        happened = OtherChange(VOLUMES)
    if happened is not None and len(queue):
        queue.wake_those(lambda need: helps(need.shape, need.causes, happened))


def _take_pod(change: Change, view: View, queue: Queue, scheduler_name: str) -> Happening | None:
    before, after = change.before, change.after
    if after is None or _has_ended(after):
        queue.remove(change.key)
        view.withdraw(change.key)
        gone = view.drop_pod(change.key)
        return PodChange(POD_GONE, gone.shape, view.namespace_labels) if gone else None
    node = after["spec"].get("nodeName")
    if not node:
        _take_waiting(change, after, view, queue, scheduler_name)
        return None
    queue.remove(change.key)
    if before is not None and _counts_the_same(before, after):
        return None
    was_changed = _was_changed(before, after)
    is_new = view.place_of(change.key) is None or before is None or not _node(before)
    info = pod_info(after)
    if was_changed or view.place_of(change.key) != node or not is_new:
        view.put_pod(info, node)
    if not (is_new or was_changed):
        return None
    return PodChange(POD_ARRIVED, info.shape, view.namespace_labels)


def _take_waiting(
    change: Change, pod: Manifest, view: View, queue: Queue, scheduler_name: str
) -> None:
    is_ours = (pod["spec"].get("schedulerName") or scheduler_name) == scheduler_name
    if not is_ours or is_deleting(pod) or pod["spec"].get("schedulingGates"):
        queue.remove(change.key)
        view.withdraw(change.key)
        return
    nominated = nominated_node(pod)
    if nominated or (change.before is not None and nominated_node(change.before)):
        view.nominate(pod_info(pod), nominated)
    if change.key not in queue:
        queue.add(change.key, pod["spec"].get("priority") or 0)
    elif _was_changed(change.before, pod):
        queue.wake(change.key)


def _take_node(change: Change, view: View) -> Happening | None:
    happened = node_change(change.before, change.after)
    if change.after is None:
        view.drop_node(change.key.name)
    elif happened is not None or _images(change.before) != _images(change.after):
        view.put_node(change.after)
    return happened


def _images(node: Manifest | None) -> object:
    return get_in(node, "status", "images")


def _take_namespace(change: Change, view: View) -> None:
    labels = labels_of(change.after) if change.after is not None else None
    if view.namespace_labels.get(change.key.name) != labels:
        view.namespace_labels[change.key.name] = labels or {}
        if view.affine_count:
            view.renew()


def _has_ended(pod: Manifest) -> bool:
    return get_in(pod, "status", "phase") in ("Succeeded", "Failed")


def _node(pod: Manifest) -> str:
    node: str = pod["spec"].get("nodeName", "")
    return node


def _counts_the_same(before: Manifest, after: Manifest) -> bool:
    return (
        _node(before) == _node(after)
        and not _has_ended(before)
        and is_deleting(before) == is_deleting(after)
        and not _was_changed(before, after)
        and _started(before) == _started(after)
        and _is_disrupted(before) == _is_disrupted(after)
    )


def _started(pod: Manifest) -> str:
    text: str = get_in(pod, "status", "startTime", default="")
    return text


def _is_disrupted(pod: Manifest) -> bool:
    conditions = get_in(pod, "status", "conditions", default=[])
    return any(entry.get("type") == "DisruptionTarget" for entry in conditions)


def _was_changed(before: Manifest | None, after: Manifest) -> bool:
    """Whether anything but the status differs that matters to where a pod can be."""
    if before is None:
        return True
    if labels_of(before) != labels_of(after):
        return True
    if before["spec"] is after["spec"]:
        return False
    then, now = dict(before["spec"]), dict(after["spec"])
    then.pop("nodeName", None)
    now.pop("nodeName", None)
    return then != now
