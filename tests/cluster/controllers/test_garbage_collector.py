"""What becomes of dependents when owners go, on a real cluster in process."""

from typing import Any

from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.controllers.garbage_collector import GarbageCollector
from kiban.kube.objects import CONFIG_MAP, Key, Manifest, is_deleting, owners_of
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Command, Create, Delete, Patch

NOW = Instant(1_800_000_000_000_000)


def cluster() -> Cluster:
    made = assembled(7, [GarbageCollector()])
    made.bootstrap(NOW)
    settle(made)
    return made


def settle(made: Cluster) -> None:
    for _ in range(200):
        made.step(NOW)
        due = made.next_due()
        if due is None or due > NOW:
            return
    raise AssertionError("it does not settle")


def do(made: Cluster, *commands: Command) -> None:
    assert made.executor.execute("test", commands, NOW) == ()
    settle(made)


def key(name: str) -> Key:
    return Key(*CONFIG_MAP, "default", name)


def make(made: Cluster, name: str, *owners: str, blocks: bool = True, **more: Any) -> None:
    references = [reference(made, owner, blocks=blocks) for owner in owners]
    metadata = {"name": name, "namespace": "default", "ownerReferences": references, **more}
    do(made, Create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}))


def reference(made: Cluster, owner: str, *, blocks: bool) -> dict[str, Any]:
    uid = got(made, owner)["metadata"]["uid"]
    said = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": uid}
    return {**said, "blockOwnerDeletion": blocks}


def got(made: Cluster, name: str) -> Manifest:
    found = made.store.get(key(name))
    assert found is not None
    return found


def names(made: Cluster) -> list[str]:
    return [entry["metadata"]["name"] for entry in made.store.list(CONFIG_MAP, "default")]


def test_dependents_go_with_their_last_owner() -> None:
    made = cluster()
    make(made, "a")
    make(made, "b")
    make(made, "child", "a", "b")
    make(made, "grandchild", "child")
    do(made, Delete(key("a")))
    assert names(made) == ["b", "child", "grandchild"]
    do(made, Delete(key("b")))
    assert names(made) == []


def test_an_owner_that_goes_leaves_no_reference_behind_when_others_stay() -> None:
    made = cluster()
    make(made, "a")
    make(made, "b")
    make(made, "child", "a", "b")
    do(made, Delete(key("a"), propagation="Foreground"))
    assert [owner["name"] for owner in owners_of(got(made, "child"))] == ["b"]


def test_in_the_foreground_the_owner_waits_for_those_that_block_it() -> None:
    made = cluster()
    make(made, "owner")
    make(made, "slow", "owner", finalizers=["example.com/hold"])
    make(made, "free", "owner", blocks=False)
    do(made, Delete(key("owner"), propagation="Foreground"))
    assert is_deleting(got(made, "owner")) and is_deleting(got(made, "slow"))
    do(made, Patch(key("slow"), {"metadata": {"finalizers": None}}))
    assert names(made) == []


def test_orphans_lose_their_owner_and_stay() -> None:
    made = cluster()
    make(made, "owner")
    make(made, "child", "owner")
    do(made, Delete(key("owner"), propagation="Orphan"))
    assert names(made) == ["child"]
    assert owners_of(got(made, "child")) == []


def test_an_object_made_for_an_owner_that_never_was_is_removed() -> None:
    made = cluster()
    nobody = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "no-such-uid"}
    metadata = {"name": "stray", "namespace": "default", "ownerReferences": [nobody]}
    do(made, Create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}))
    assert names(made) == []


def test_a_circle_of_owners_deleted_in_the_foreground_ends() -> None:
    made = cluster()
    make(made, "a")
    make(made, "b", "a")
    circle = {"metadata": {"ownerReferences": [reference(made, "b", blocks=True)]}}
    do(made, Patch(key("a"), circle))
    do(made, Delete(key("a"), propagation="Foreground"))
    assert names(made) == []
