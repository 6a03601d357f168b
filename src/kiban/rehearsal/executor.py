"""Carries out the commands of a rehearsal's controllers, whom it trusts.

A status that one of the cluster's own controllers writes needs no defaults, no admission and no
checks: it is merged and stored. The state is the same as by the long way; most writes of a
rehearsal are such.
"""

from collections.abc import Sequence

from kiban.cluster.api.calls import Call, User
from kiban.cluster.api.failures import Failure
from kiban.cluster.api.registry import Registry
from kiban.cluster.executor import InProcessExecutor, refusal_of, user_of
from kiban.kube.merges.merge_patch import merge_patch
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Command, Patch, Record, Refusal

_STATUS_ONLY = {"status"}


class TrustingExecutor(InProcessExecutor):
    """An `Executor` on a registry that trusts its controllers."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        registry.trusts_controllers = True
        self._users: dict[str, User] = {}

    def execute(
        self, controller: str, commands: Sequence[Command], now: Instant
    ) -> tuple[Refusal, ...] | None:
        """As it is done usually, where nobody outside is asked."""
        if self.consults:
            return super().execute(controller, commands, now)
        call: Call | None = None
        refusals: list[Refusal] = []
        failed = False
        for command in commands:
            if isinstance(command, Record):
                if failed and command.after_success:
                    continue
                failed = False
                if self.hear is not None:
                    self.hear(controller, command, now)
                    continue
            elif type(command) is Patch and self._merge(command):
                failed = False
                continue
            if call is None:
                call = Call(self._user(controller), now, controller)
            try:
                super().carry_out(command, call)
                failed = False
            except Failure as failure:
                failed = True
                refusals.append(refusal_of(command, failure))
        return tuple(refusals)

    def _user(self, controller: str) -> User:
        found = self._users.get(controller)
        if found is None:
            found = self._users[controller] = user_of(controller)
        return found

    def carry_out(self, command: Command, call: Call) -> None:
        if type(command) is Patch and self._merge(command):
            return
        super().carry_out(command, call)

    def _merge(self, command: Patch) -> bool:
        """Merge a status in; False when there is more to it."""
        store = self.registry.store
        live = store.get(command.key)
        if live is None or command.subresource != "status" or command.patch.keys() != _STATUS_ONLY:
            return False
        metadata = live["metadata"]
        if "deletionTimestamp" in metadata or (command.uid and command.uid != metadata["uid"]):
            return False
        present = live.get("status") or {}
        status = merge_patch(present, command.patch["status"])
        if status != present:
            store.put({**live, "status": status})
        return True
