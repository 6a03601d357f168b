"""The cluster as a whole, in process: commands in, objects and changes out."""

from kiban.cluster.cluster import SHOWN_AT_ONCE, Cluster, assembled
from kiban.kube.objects import EVENT, POD, Key, Manifest
from kiban.primitives.canonical import canonical_json
from kiban.primitives.instants import Instant, later
from kiban.reconcile.commands import Bind, Create, Delete, Evict, Patch, Record, Update
from kiban.reconcile.controller import EVERY_KIND, Change, Outcome, Snapshot

NOW = Instant(1_800_000_000_000_000)
ACCOUNT = {
    "apiVersion": "v1",
    "kind": "ServiceAccount",
    "metadata": {"name": "default", "namespace": "default"},
}
POD_KEY = Key("", "Pod", "default", "p")


def pod(name: str = "p", **spec: object) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [{"name": "c", "image": "i"}], **spec},
    }


def cluster() -> Cluster:
    made = assembled(7, [])
    made.bootstrap(NOW)
    assert made.executor.execute("test", [Create(ACCOUNT)], NOW) == ()
    return made


def test_a_created_object_has_identity_version_and_time() -> None:
    made = cluster()
    assert made.executor.execute("test", [Create(pod())], NOW) == ()
    metadata = made.store.get(POD_KEY)["metadata"]
    assert metadata["creationTimestamp"] == "2027-01-15T08:00:00Z"
    assert metadata["generation"] == 1
    assert metadata["resourceVersion"] == str(made.store.revision)
    assert len(metadata["uid"]) == 36


def test_a_generated_name_ends_in_five_letters() -> None:
    made = cluster()
    nameless = pod()
    nameless["metadata"] = {"generateName": "web-", "namespace": "default"}
    made.executor.execute("test", [Create(nameless), Create(nameless)], NOW)
    names = [found["metadata"]["name"] for found in made.store.list(POD)]
    assert len(names) == 2
    assert all(name.startswith("web-") and len(name) == 9 for name in names)


def test_a_refused_command_does_not_stop_those_after_it() -> None:
    made = cluster()
    lost = pod()
    lost["metadata"] = {"name": "p", "namespace": "nowhere"}
    refusals = made.executor.execute("test", [Create(lost), Create(pod())], NOW)
    assert [(refusal.code, refusal.message) for refusal in refusals] == [
        (404, 'namespaces "nowhere" not found')
    ]
    assert made.store.get(POD_KEY) is not None


def test_an_update_from_an_old_state_is_a_conflict() -> None:
    made = cluster()
    made.executor.execute("test", [Create(pod())], NOW)
    old = made.store.get(POD_KEY)
    made.executor.execute("test", [Patch(POD_KEY, {"metadata": {"labels": {"a": "b"}}})], NOW)
    labelled = {**old, "metadata": {**old["metadata"], "labels": {"a": "c"}}}
    [refusal] = made.executor.execute("test", [Update(labelled)], NOW)
    assert (refusal.code, refusal.reason) == (409, "Conflict")


def test_a_write_that_changes_nothing_keeps_the_version() -> None:
    made = cluster()
    patch = Patch(POD_KEY, {"metadata": {"labels": {"a": "b"}}})
    made.executor.execute("test", [Create(pod()), patch], NOW)
    before = made.store.revision
    made.executor.execute("test", [patch], later(NOW, 60))
    assert made.store.revision == before


def test_a_status_patch_changes_nothing_but_the_status() -> None:
    made = cluster()
    made.executor.execute("test", [Create(pod())], NOW)
    patch = {"spec": {"nodeName": "n"}, "status": {"phase": "Running"}}
    made.executor.execute("test", [Patch(POD_KEY, patch, "status")], NOW)
    found = made.store.get(POD_KEY)
    assert found["status"]["phase"] == "Running"
    assert "nodeName" not in found["spec"]


def test_a_pod_is_bound_once() -> None:
    made = cluster()
    made.executor.execute("test", [Create(pod()), Bind(POD_KEY, "n1")], NOW)
    [refusal] = made.executor.execute("test", [Bind(POD_KEY, "n2")], NOW)
    assert refusal.code == 409
    assert [found["metadata"]["name"] for found in made.store.on_node("n1")] == ["p"]


def test_a_bound_pod_stays_for_its_grace_and_goes_with_a_delete_of_none() -> None:
    made = cluster()
    made.executor.execute("test", [Create(pod()), Bind(POD_KEY, "n1"), Delete(POD_KEY)], NOW)
    metadata = made.store.get(POD_KEY)["metadata"]
    assert metadata["deletionTimestamp"] == "2027-01-15T08:00:30Z"
    assert metadata["deletionGracePeriodSeconds"] == 30
    made.executor.execute("kubelet", [Delete(POD_KEY, grace_seconds=0)], later(NOW, 5))
    assert made.store.get(POD_KEY) is None


def test_an_object_with_a_finalizer_goes_when_the_last_one_is_removed() -> None:
    made = cluster()
    kept = pod()
    kept["metadata"] = {**kept["metadata"], "finalizers": ["example.com/keep"]}
    made.executor.execute("test", [Create(kept), Delete(POD_KEY)], NOW)
    assert "deletionTimestamp" in made.store.get(POD_KEY)["metadata"]
    made.executor.execute("test", [Patch(POD_KEY, {"metadata": {"finalizers": None}})], NOW)
    assert made.store.get(POD_KEY) is None


def test_an_eviction_is_refused_when_the_budget_is_spent() -> None:
    made = cluster()
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "b", "namespace": "default"},
        "spec": {"minAvailable": 1, "selector": {}},
    }
    status = {
        "observedGeneration": 1,
        "disruptionsAllowed": 0,
        "currentHealthy": 1,
        "desiredHealthy": 1,
    }
    running = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    made.executor.execute(
        "test",
        [
            Create(pod()),
            Patch(POD_KEY, {"status": running}, "status"),
            Create(budget),
            Patch(
                Key("policy", "PodDisruptionBudget", "default", "b"), {"status": status}, "status"
            ),
        ],
        NOW,
    )
    [refusal] = made.executor.execute("test", [Evict(POD_KEY)], NOW)
    assert (refusal.code, refusal.causes) == (429, ("DisruptionBudget",))


def test_equal_events_are_counted() -> None:
    made = cluster()
    made.executor.execute("test", [Create(pod())], NOW)
    record = Record(made.store.get(POD_KEY), "Normal", "Pulled", "Image is here")
    for second in range(3):
        made.executor.execute("kubelet", [record], later(NOW, second))
    [event] = made.store.list(EVENT)
    assert event["count"] == 3
    assert event["firstTimestamp"] == "2027-01-15T08:00:00Z"
    assert event["lastTimestamp"] == "2027-01-15T08:00:02Z"
    assert event["involvedObject"]["uid"] == made.store.get(POD_KEY)["metadata"]["uid"]


def test_the_same_seed_and_inputs_give_the_same_state() -> None:
    states = []
    for _ in range(2):
        made = cluster()
        made.executor.execute("test", [Create(pod()), Bind(POD_KEY, "n")], NOW)
        objects = [found for kind in made.store.kinds() for found in made.store.list(kind)]
        states.append(canonical_json(objects))
    assert states[0] == states[1]


class Watcher:
    """Remembers what it is shown, and whether it was ever called."""

    name = "watcher"
    watches = frozenset({EVERY_KIND})

    def __init__(self) -> None:
        self.shown: list[Manifest | None] = []
        self.reconciled = False

    def interested(self, change: Change, snapshot: Snapshot) -> list[Key]:
        self.shown.append(change.after)
        return [change.key]

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        self.reconciled = True
        return Outcome()


def test_nothing_is_decided_before_all_restored_objects_were_shown() -> None:
    first = cluster()
    for number in range(2 * SHOWN_AT_ONCE):
        metadata = {"name": f"c{number}", "namespace": "default", "uid": f"c{number}"}
        first.store.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    watcher = Watcher()
    second = assembled(2, [watcher])
    stored = [item for kind in first.store.kinds() for item in first.store.iterate(kind)]
    second.store.restore(((item.revision, item.object) for item in stored), first.store.revision)
    second.resume(NOW)
    second.step(NOW)
    assert second.is_resuming and len(watcher.shown) == SHOWN_AT_ONCE and not watcher.reconciled
    while second.is_resuming:
        assert second.next_due() == NOW
        second.step(NOW)
    assert watcher.shown == [item.object for item in stored]
    second.step(NOW)
    assert watcher.reconciled
