"""Carries controllers' commands to the registry, at once and in the process.

Every command is what an HTTP client could have asked; here nothing is encoded. The controller's
name is the user's and owns the fields it sets.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from kiban.cluster.admission.webhooks import MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS
from kiban.cluster.api import binding, eviction
from kiban.cluster.api.calls import CONTROLLER_USERS, Call, DeleteOptions, User
from kiban.cluster.api.deleting import delete
from kiban.cluster.api.failures import Failure, not_found
from kiban.cluster.api.registry import Registry
from kiban.cluster.consulting import Consultation, Question, Unanswered
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


@dataclass(slots=True)
class Interrupted:
    """Commands of which one waits for those outside to answer its questions."""

    controller: str
    commands: Sequence[Command]
    questions: tuple[Question, ...] = ()
    consultation: Consultation | None = None
    refusals: list[Refusal] = field(default_factory=list)
    _next: int = 0
    _failed: bool = False

    def rest(self) -> Iterator[Command]:
        """The commands that are left; one is done when the next is asked for."""
        while self._next < len(self.commands):
            command = self.commands[self._next]
            if not (isinstance(command, Record) and command.after_success and self._failed):
                yield command
            self._next += 1
            self.consultation = None

    def went(self, refusal: Refusal | None) -> None:
        self._failed = refusal is not None
        if refusal is not None:
            self.refusals.append(refusal)


@dataclass
class InProcessExecutor:
    """An `Executor` of the reconcile loop on a registry of the same process."""

    registry: Registry
    recorder: Recorder = field(default_factory=Recorder)
    # Where events go that are not to become objects, with the name of the controller.
    hear: Callable[[str, Record, Instant], None] | None = None
    # Whether somebody is there who asks those outside; commands that wait for them.
    consults: bool = False
    interrupted: list[Interrupted] = field(default_factory=list)

    def execute(
        self, controller: str, commands: Sequence[Command], now: Instant
    ) -> tuple[Refusal, ...] | None:
        """Carry out every command in order; those that were refused, with the reasons. None when
        a webhook is to be asked first: the commands are among the `interrupted` ones then."""
        return self.go_on(Interrupted(controller, commands), now)

    def go_on(self, work: Interrupted, now: Instant) -> tuple[Refusal, ...] | None:
        """Carry out what is left; as `execute` otherwise."""
        call = Call(user_of(work.controller), now, manager=work.controller)
        for command in work.rest():
            try:
                self.carry_out(command, self._consulting(work, call))
                work.went(None)
            except Unanswered as unanswered:
                work.questions = unanswered.questions
                self.interrupted.append(work)
                return None
            except Failure as failure:
                work.went(refusal_of(command, failure))
        return tuple(work.refusals)

    def _consulting(self, work: Interrupted, call: Call) -> Call:
        """The call of one command: with what is known already when it is begun again."""
        if not self.consults or not any(self.registry.store.list(kind) for kind in _WEBHOOKS):
            return call
        if work.consultation is None:
            work.consultation = Consultation(call.now)
        work.consultation.begin()
        return replace(call, now=work.consultation.began, consultation=work.consultation)

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
        recorded = self.recorder.event(source, command, call.now)
        if recorded is None:
            return
        identity, event = recorded
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


def user_of(controller: str) -> User:
    """As whom a controller asks."""
    return User(f"{CONTROLLER_USERS}{controller}", ("system:masters", "system:authenticated"))


def refusal_of(command: Command, failure: Failure) -> Refusal:
    """A command that was not carried out, with what the server said."""
    causes = tuple(cause.get("reason", "") for cause in failure.causes)
    return Refusal(command, failure.code, failure.reason, failure.message, causes)


_WEBHOOKS = (MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS)
_BY_TYPE: dict[type, Callable[..., None]] = {
    Create: InProcessExecutor._create,
    Update: InProcessExecutor._update,
    Patch: InProcessExecutor._patch,
    Delete: InProcessExecutor._delete,
    Bind: InProcessExecutor._bind,
    Evict: InProcessExecutor._evict,
    Record: InProcessExecutor._record,
}
