"""The store: indexes agree with a scan, history with a replay, and a watch never skips a write."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.cluster.history import HISTORY_LIMIT, Expired, Write, items_of
from kiban.cluster.store import Store
from kiban.kube.objects import POD, Key, Manifest, key_of, labels_of, owners_of
from kiban.primitives.chance import Chance

NAMES = ("a", "b", "c")
SPACES = ("x", "x-y", "z")
ONE_WRITE = st.tuples(
    st.sampled_from(SPACES),
    st.sampled_from(NAMES),
    st.sampled_from(["put", "put", "remove"]),
    st.sampled_from(["", "web", "job"]),
    st.sampled_from(["", "n1", "n2"]),
    st.sampled_from(["", "o1", "o2"]),
)
WRITES = st.lists(ONE_WRITE, max_size=40)


def pod(space: str, name: str, label: str = "", node: str = "", owner: str = "") -> Manifest:
    metadata: dict[str, Any] = {"name": name, "namespace": space, "uid": f"{space}/{name}"}
    if label:
        metadata["labels"] = {"app": label}
    if owner:
        metadata["ownerReferences"] = [{"uid": owner}]
    spec = {"nodeName": node} if node else {}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def written(writes: list[tuple[str, ...]]) -> tuple[Store, dict[int, dict[Key, Manifest]]]:
    """A store after writes, and its whole state after each revision."""
    store = Store(Chance(1))
    states: dict[int, dict[Key, Manifest]] = {store.revision: {}}
    for space, name, act, label, node, owner in writes:
        key = Key(*POD, space, name)
        if act == "put":
            store.put(pod(space, name, label, node, owner))
        elif store.get(key) is not None:
            store.remove(key)
        states[store.revision] = {key_of(found): found for found in store.list(POD)}
    return store, states


def in_order(found: list[Manifest]) -> list[Manifest]:
    return sorted(found, key=key_of)


@given(WRITES)
@settings(max_examples=60, deadline=None)
def test_indexes_agree_with_a_scan(writes: list[tuple[str, ...]]) -> None:
    store, _ = written(writes)
    everything = list(store.list(POD))
    for node in ("n1", "n2"):
        on_node = [found for found in everything if found["spec"].get("nodeName") == node]
        assert list(store.on_node(node)) == in_order(on_node)
    for owner in ("o1", "o2"):
        owned = [f for f in everything if any(o["uid"] == owner for o in owners_of(f))]
        assert list(store.owned(owner, POD)) == in_order(owned)
        assert list(store.owned_kinds(owner)) == in_order(owned)
    for space in SPACES:
        chosen = [f for f in store.list(POD, space) if labels_of(f).get("app") == "web"]
        assert list(store.selected(POD, space, {"app": "web"})) == chosen
    for found in everything:
        assert store.by_uid(found["metadata"]["uid"]) == key_of(found)


@given(WRITES)
@settings(max_examples=60, deadline=None)
def test_a_list_at_a_revision_is_the_state_there_was(writes: list[tuple[str, ...]]) -> None:
    store, states = written(writes)
    for revision, state in states.items():
        found = {key_of(item.object): item.object for item in store.list_at(POD, "", revision)}
        assert found == state


@given(WRITES, st.lists(st.integers(1, 60), max_size=5))
@settings(max_examples=60, deadline=None)
def test_writes_read_in_pieces_are_all_writes_once(
    writes: list[tuple[str, ...]], stops: list[int]
) -> None:
    store, _ = written(writes)
    start = Store(Chance(1)).revision
    whole = store.since(POD, start)
    pieces: list[Write] = []
    at = start
    for stop in sorted(stops):
        until = max(at, min(stop, store.revision))
        pieces += store.since(POD, at, until)
        at = until
    pieces += store.since(POD, at)
    assert [write.revision for write in pieces] == [write.revision for write in whole]
    assert [write.revision for write in whole] == list(range(start + 1, store.revision + 1))


@given(WRITES)
@settings(max_examples=40, deadline=None)
def test_a_restored_store_is_the_same_store(writes: list[tuple[str, ...]]) -> None:
    store, _ = written(writes)
    copy = Store(Chance(1))
    copy.restore([(item.revision, item.object) for item in store.iterate(POD)], store.revision)
    assert copy.revision == store.revision
    assert list(copy.list(POD)) == list(store.list(POD))
    assert list(copy.on_node("n1")) == list(store.on_node("n1"))


def test_a_removed_object_is_last_seen_as_it_was_under_the_removal_s_revision() -> None:
    store = Store(Chance(1))
    store.put(pod("x", "a", label="web"))
    gone = store.remove(Key(*POD, "x", "a"))
    assert gone["metadata"]["resourceVersion"] == str(store.revision)
    write = store.since(POD, store.revision - 1)[0]
    assert write.after is None
    assert write.gone.object == gone
    assert write.before is not None
    assert write.before.object["metadata"]["resourceVersion"] == str(store.revision - 1)


def test_a_revision_that_history_forgot_is_expired() -> None:
    store = Store(Chance(1))
    for number in range(HISTORY_LIMIT + HISTORY_LIMIT // 4 + 2):
        store.put(pod("x", "a", label=f"l{number}"))
    with pytest.raises(Expired):
        store.since(POD, 2)
    assert store.since(POD, store.revision - HISTORY_LIMIT + 1)


def test_a_kind_without_writes_knows_nothing_from_before_the_restore() -> None:
    store = Store(Chance(1))
    store.restore([], 100)
    assert list(store.since(POD, 100)) == []
    with pytest.raises(Expired):
        store.since(POD, 99)


def test_namespaces_are_listed_in_the_order_of_etcd_s_keys() -> None:
    store = Store(Chance(1))
    for space in ("x", "x-y"):
        store.put(pod(space, "a"))
    assert [found["metadata"]["namespace"] for found in store.list(POD)] == ["x-y", "x"]


def test_an_item_of_a_list_does_not_repeat_its_kind() -> None:
    store = Store(Chance(1))
    store.put(pod("x", "a"))
    stored = store.stored(Key(*POD, "x", "a"))
    assert stored is not None
    assert items_of([stored]) == b'{"metadata":' + stored.encoded.partition(b'"metadata":')[2]
