"""Carries controllers' commands to the registry, at once and in the process.

Every command is what an HTTP client could have asked; here nothing is encoded. The controller's
name is the user's and owns the fields it sets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kiban.cluster.api import binding, eviction
from kiban.cluster.api.calls import CONTROLLER_USERS, Call, DeleteOptions, User
from kiban.cluster.api.deleting import delete
from kiban.cluster.api.failures import Failure, not_found
from kiban.cluster.api.registry import Registry
from kiban.cluster.recorder import Recorder
from kiban.kube.kinds import KindInfo
from kiban.kube.merges.merge_patch import merge_patch
from kiban.kube.objects import EVENT, Key, Manifest, key_of
from kiban.primitives.instants import Instant, rfc3339
from kiban.reconcile.commands import (
    Bind,
    Command,
    Create,
    Delete,
    Evict,
    Patch,
    Record,
    Refusal,
    Update,
)


@dataclass
class InProcessExecutor:
    """An `Executor` of the reconcile loop on a registry of the same process."""

    registry: Registry
    recorder: Recorder = field(default_factory=Recorder)
    # Where events go that are not to become objects, with the name of the controller.
    hear: Callable[[str, Record, Instant], None] | None = None

    def execute(
        self, controller: str, commands: Sequence[Command], now: Instant
    ) -> tuple[Refusal, ...]:
        """Carry out every command in order; those that were refused, with the reasons."""
        user = User(f"{CONTROLLER_USERS}{controller}", ("system:masters", "system:authenticated"))
        call = Call(user, now, manager=controller)
        refusals: list[Refusal] = []
        failed = False
        for command in commands:
            if isinstance(command, Record) and command.after_success and failed:
                continue
            try:
                self.carry_out(command, call)
                failed = False
            except Failure as failure:
                refusals.append(_refusal(command, failure))
                failed = True
        return tuple(refusals)

    def carry_out(self, command: Command, call: Call) -> None:
        """Carry out one command. Raises `Failure` when it is refused."""
        carry = _BY_TYPE[type(command)]
        carry(self, command, call)

    def _create(self, command: Create, call: Call) -> None:
        info = self.registry.info_of_manifest(command.object)
        namespace = command.object["metadata"].get("namespace", "")
        self.registry.create(info, namespace, command.object, call)

    def _update(self, command: Update, call: Call) -> None:
        info = self.registry.info_of_manifest(command.object)
        key = key_of(command.object)
        self.registry.replace(info, key, command.object, call, command.subresource)

    def _patch(self, command: Patch, call: Call) -> None:
        def patched(live: Manifest) -> Manifest:
            _check_uid(info, command.key, command.uid, live)
            merged: Manifest = merge_patch(live, command.patch)
            return merged

        info = self.registry.info_of(command.key)
        self.registry.update(info, command.key, patched, call, command.subresource)

    def _delete(self, command: Delete, call: Call) -> None:
        info = self.registry.info_of(command.key)
        options = DeleteOptions(
            grace_seconds=command.grace_seconds,
            propagation=command.propagation,
            uid=command.uid or None,
        )
        delete(self.registry, info, command.key, options, call)

    def _bind(self, command: Bind, call: Call) -> None:
        meta = {"name": command.pod.name} | ({"uid": command.uid} if command.uid else {})
        target = {"apiVersion": "v1", "kind": "Node", "name": command.node}
        binding.bind(self.registry, command.pod, {"metadata": meta, "target": target}, call)

    def _evict(self, command: Evict, call: Call) -> None:
        options = DeleteOptions(grace_seconds=command.grace_seconds)
        eviction.evict(self.registry, command.pod, options, call)

    def _record(self, command: Record, call: Call) -> None:
        source = call.manager
        if self.hear is not None:
            self.hear(source, command, call.now)
            return
        identity, event = self.recorder.event(source, command, call.now)
        namespace = event["metadata"]["namespace"]
        name = self.recorder.name_of(identity)
        if name is not None:
            key = Key(*EVENT, namespace, name)
            if self.registry.store.get(key) is not None:
                self._count(key, event["message"], call)
                return
        info = self.registry.info_of(Key(*EVENT, namespace, ""))
        created = self._created(info, event, call)
        self.recorder.remember(identity, created["metadata"]["name"])

    def _created(self, info: KindInfo, event: Manifest, call: Call) -> Manifest:
        """Create an event; two about one object in one microsecond need two names."""
        metadata = event["metadata"]
        base, _, stamp = metadata["name"].rpartition(".")
        number = int(stamp, 16)
        while self.registry.store.get(Key(*EVENT, metadata["namespace"], f"{base}.{number:016x}")):
            number += 1
        named = {**event, "metadata": {**metadata, "name": f"{base}.{number:016x}"}}
        return self.registry.create(info, metadata["namespace"], named, call)

    def _count(self, key: Key, message: str, call: Call) -> None:
        def counted(live: Manifest) -> Manifest:
            count = live.get("count", 1) + 1
            return {**live, "count": count, "message": message, "lastTimestamp": rfc3339(call.now)}

        self.registry.update(self.registry.info_of(key), key, counted, call)


def _check_uid(info: KindInfo, key: Key, uid: str, live: Manifest) -> None:
    if uid and uid != live["metadata"]["uid"]:
        raise not_found(info, key.name)


def _refusal(command: Command, failure: Failure) -> Refusal:
    causes = tuple(cause.get("reason", "") for cause in failure.causes)
    return Refusal(command, failure.code, failure.reason, failure.message, causes)


_BY_TYPE: dict[type, Callable[..., None]] = {
    Create: InProcessExecutor._create,
    Update: InProcessExecutor._update,
    Patch: InProcessExecutor._patch,
    Delete: InProcessExecutor._delete,
    Bind: InProcessExecutor._bind,
    Evict: InProcessExecutor._evict,
    Record: InProcessExecutor._record,
}
