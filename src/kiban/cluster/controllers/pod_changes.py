"""Which changes of pods concern whom: questions for `Only`, asked once for all who share them.

While pods wait for room, the scheduler says of each every few seconds why it still does. That is
news to nobody but those who provide machines, and where machines are lost it is most of what is
written. Most controllers of workloads have no pods of their own at all.
"""

from functools import lru_cache

from kiban.cluster.controllers.pod_state import state_of
from kiban.kube.objects import GroupKind, Manifest
from kiban.reconcile.controller import Change
from kiban.reconcile.loop import Question

_NEWS = frozenset({"resourceVersion", "managedFields"})


def is_more_than_waiting(change: Change) -> bool:
    """Whether something else has changed than why a pod still waits for a node."""
    before, after = change.before, change.after
    if before is None or after is None or after["spec"].get("nodeName"):
        return True
    if before["spec"] is not after["spec"] or not _is_named_alike(before, after):
        return True
    then, now = before.get("status") or {}, after.get("status") or {}
    return then.keys() != now.keys() or any(
        then[name] != part for name, part in now.items() if name != "conditions"
    ) or state_of(before).ready != state_of(after).ready  # fmt: skip


def _is_named_alike(before: Manifest, after: Manifest) -> bool:
    then, now = before["metadata"], after["metadata"]
    return then.keys() == now.keys() and all(
        then[name] is part or then[name] == part for name, part in now.items() if name not in _NEWS
    )


@lru_cache(maxsize=64)
def of_owners(kind: GroupKind) -> Question:
    """Whether a pod, with more than its waiting changed, is or was one of such an owner, or
    nobody's, so that somebody may adopt it."""

    def is_theirs(change: Change) -> bool:
        # Who owns it is the quicker question, and for most kinds the answer is no.
        return any(
            pod is not None
            and ((owner := state_of(pod).controller) is None or owner["kind"] == kind.kind)
            for pod in (change.before, change.after)
        ) and is_more_than_waiting(change)

    return is_theirs
