"""The loop, with a real store and an executor that writes to it."""

from collections.abc import Iterable, Sequence

from kiban.cluster.store import Store
from kiban.kube.objects import CONFIG_MAP, Key, Manifest
from kiban.primitives.chance import Chance
from kiban.primitives.instants import Instant, later
from kiban.reconcile import Change, Command, Create, Loop, Outcome, Refusal, Snapshot
from kiban.reconcile.controller import Only, Watched
from kiban.reconcile.loop import Executor, Task
from kiban.reconcile.trace import Trace

NOW = Instant(1_000_000)
KEY = Key("", "ConfigMap", "default", "source")


def config_map(name: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": "default", "name": name},
    }


class Copier:
    """Keeps a copy beside the source, and looks again every minute."""

    name = "copier"
    watches: Watched = frozenset({CONFIG_MAP})

    def __init__(self) -> None:
        self.refusals_seen: list[tuple[Refusal, ...]] = []

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        return [KEY]

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        self.refusals_seen.append(snapshot.refusals)
        if snapshot.get(key) is None or snapshot.get(key._replace(name="copy")) is not None:
            return Outcome(wake_after=60.0)
        return Outcome((Create(config_map("copy")),))


class Writer(Executor):
    """Carries creations out, unless it was told to refuse or to answer later."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.refuse = 0
        self.later = False

    def execute(
        self, controller: str, commands: Sequence[Command], now: Instant
    ) -> tuple[Refusal, ...] | None:
        if self.later:
            return None
        if self.refuse:
            self.refuse -= 1
            return tuple(Refusal(command, 403, "Forbidden", "not now") for command in commands)
        for command in commands:
            assert isinstance(command, Create)
            self.store.put(command.object)
        return ()


def machinery() -> tuple[Store, Copier, Writer, Loop]:
    store = Store(Chance(1))
    copier, writer = Copier(), Writer(store)
    loop = Loop([copier], writer, Trace())
    store.put(config_map("source"))
    show_changes(store, loop, NOW)
    return store, copier, writer, loop


def show_changes(store: Store, loop: Loop, now: Instant) -> None:
    for change in store.take_changes():
        loop.observe(change, store, now)


def test_a_change_leads_to_commands_and_the_loop_comes_to_rest() -> None:
    store, _, _, loop = machinery()
    while loop.step(store, NOW):
        show_changes(store, loop, NOW)
    assert [item["metadata"]["name"] for item in store.list(CONFIG_MAP)] == ["copy", "source"]
    assert loop.next_due() == later(NOW, 60.0)
    assert loop.trace is not None
    assert [decision.key for decision in loop.trace.decisions] == [KEY]


def test_a_refusal_is_shown_and_retried_after_a_growing_delay() -> None:
    store, copier, writer, loop = machinery()
    writer.refuse = 2
    assert loop.step(store, NOW)
    first = loop.next_due()
    assert first == later(NOW, 0.005)
    assert loop.step(store, first)
    second = loop.next_due()
    assert second == later(first, 0.01)
    assert loop.step(store, second)
    assert [[refusal.reason for refusal in seen] for seen in copier.refusals_seen] == [
        [],
        ["Forbidden"],
        ["Forbidden"],
    ]
    assert store.get(KEY._replace(name="copy")) is not None


def test_a_key_is_parked_until_its_commands_are_answered() -> None:
    store, _, writer, loop = machinery()
    writer.later = True
    assert loop.step(store, NOW)
    store.put(config_map("source"))
    show_changes(store, loop, NOW)
    assert loop.next_due() is None, "the change in between waits for the answer"
    loop.answer(Task("copier", KEY), (), NOW)
    assert loop.next_due() == NOW


def test_a_controller_that_comes_later_is_shown_what_changes_from_then_on() -> None:
    store = Store(Chance(1))
    loop = Loop([], Writer(store), Trace())
    store.put(config_map("source"))
    show_changes(store, loop, NOW)
    assert not loop.step(store, NOW)
    loop.include(Copier())
    store.put(config_map("source"))
    show_changes(store, loop, NOW)
    assert loop.step(store, NOW)
    assert store.get(KEY._replace(name="copy")) is not None


def test_a_question_about_a_change_is_asked_once_for_all_who_share_it() -> None:
    asked: list[str] = []

    def is_source(change: Change) -> bool:
        asked.append(change.key.name)
        return change.key == KEY

    class Choosy(Copier):
        watches: Watched = frozenset({Only(CONFIG_MAP, is_source)})

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    store = Store(Chance(1))
    loop = Loop([Choosy("one"), Choosy("two")], Writer(store), Trace())
    store.put(config_map("another"))
    show_changes(store, loop, NOW)
    assert loop.next_due() is None
    store.put(config_map("source"))
    show_changes(store, loop, NOW)
    assert loop.step(store, NOW)
    assert loop.step(store, NOW)
    assert asked == ["another", "source"]
