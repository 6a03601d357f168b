"""Carries out the commands of a rehearsal's controllers, whom it trusts.

A status that one of the cluster's own controllers writes needs no defaults, no admission and no
checks: it is merged and stored. The state is the same as by the long way; most writes of a
rehearsal are such.
"""

from kiban.cluster.api.calls import Call
from kiban.cluster.api.registry import Registry
from kiban.cluster.executor import InProcessExecutor
from kiban.kube.merges.merge_patch import merge_patch
from kiban.reconcile.commands import Command, Patch

_STATUS_ONLY = {"status"}


class TrustingExecutor(InProcessExecutor):
    """An `Executor` on a registry that trusts its controllers."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        registry.trusts_controllers = True

    def carry_out(self, command: Command, call: Call) -> None:
        if type(command) is Patch and command.subresource == "status" and self._merge(command):
            return
        super().carry_out(command, call)

    def _merge(self, command: Patch) -> bool:
        """Merge a status in; False when there is more to it."""
        store = self.registry.store
        live = store.get(command.key)
        if live is None or command.patch.keys() != _STATUS_ONLY:
            return False
        metadata = live["metadata"]
        if "deletionTimestamp" in metadata or (command.uid and command.uid != metadata["uid"]):
            return False
        present = live.get("status") or {}
        status = merge_patch(present, command.patch["status"])
        if status != present:
            store.put({**live, "status": status})
        return True
