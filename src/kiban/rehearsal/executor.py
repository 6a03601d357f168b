"""Carries out the commands of a rehearsal's controllers, whom it trusts.

A status that one of the cluster's own controllers writes needs no defaults, no admission and no
checks: it is merged and stored; so are a few other changes (`shortcuts`), and pods like others
(`twins`). The state is the same as by the long way; most writes of a rehearsal are such.
"""

from collections.abc import Sequence

from kiban.cluster.api.calls import Call, User
from kiban.cluster.api.failures import Failure
from kiban.cluster.api.registry import Registry
from kiban.cluster.executor import InProcessExecutor, refusal_of, user_of
from kiban.kube.merges.merge_patch import merge_patch
from kiban.kube.objects import Manifest
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Bind, Command, Create, Patch, Record, Refusal
from kiban.rehearsal import shortcuts
from kiban.rehearsal.twins import Twins

_STATUS_ONLY = {"status"}


class TrustingExecutor(InProcessExecutor):
    """An `Executor` on a registry that trusts its controllers."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        registry.trusts_controllers = True
        self._users: dict[str, User] = {}
        self._twins = Twins(registry.store)

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
            if call is None:
                call = Call(self._user(controller), now, controller)
            if self._cuts_short(command, call):
                failed = False
                continue
            try:
                super().carry_out(command, call)
                failed = False
                if type(command) is Create and command.object["kind"] == "Pod":
                    self._twins.learn(command.object)
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
        if not self._cuts_short(command, call):
            super().carry_out(command, call)

    def _cuts_short(self, command: Command, call: Call) -> bool:
        """Carry out a command by a shorter way, where there is one."""
        if type(command) is Patch:
            if command.subresource == "status":
                return self._merge(command)
            return not command.subresource and self._patched(command)
        if type(command) is Create:
            return command.object["kind"] == "Pod" and self._made(command.object, call)
        return type(command) is Bind and self._bound(command, call.now)

    def _made(self, pod: Manifest, call: Call) -> bool:
        store = self.registry.store
        new = None if shortcuts.is_ruled(store) else self._twins.made(pod, call)
        if new is not None:
            store.put(new)
        return new is not None

    def _patched(self, command: Patch) -> bool:
        store = self.registry.store
        live = store.get(command.key)
        if live is None or (command.uid and command.uid != live["metadata"]["uid"]):
            return False
        new = shortcuts.patched(live, command)
        if new is None or shortcuts.is_ruled(store):
            return False
        if new is not live:
            store.put(new)
        return True

    def _bound(self, command: Bind, now: Instant) -> bool:
        store = self.registry.store
        live = store.get(command.pod)
        new = shortcuts.bound(store, live, command, now) if live is not None else None
        if new is None or shortcuts.is_ruled(store):
            return False
        store.put(new)
        return True

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
