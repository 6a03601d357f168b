"""Which changes of a pod are more than the news that it still waits for a node."""

from typing import Any

import pytest

from kiban.cluster.controllers.pod_changes import is_more_than_waiting, of_owners
from kiban.kube.objects import JOB, POD, REPLICA_SET, Key, Manifest
from kiban.reconcile.controller import Change

SPEC: dict[str, Any] = {"containers": [{"name": "app", "image": "app"}]}


def waiting(message: str, **changes: Any) -> Manifest:
    unschedulable = {"type": "PodScheduled", "status": "False", "message": message}
    pod: Manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "app", "namespace": "shop", "resourceVersion": message},
        "spec": SPEC,
        "status": {"phase": "Pending", "conditions": [unschedulable]},
    }
    for name, value in changes.items():
        pod[name] = {**pod[name], **value}
    return pod


def change(before: Manifest | None, after: Manifest | None) -> Change:
    return Change(Key(*POD, "shop", "app"), before, after)


def owned_by(kind: str) -> dict[str, Any]:
    reference = {"kind": kind, "name": "owner", "uid": "1", "controller": True}
    return {"ownerReferences": [reference]}


def test_another_reason_to_wait_is_nothing_more() -> None:
    assert not is_more_than_waiting(change(waiting("0/3 nodes"), waiting("0/4 nodes")))


@pytest.mark.parametrize(
    "different",
    [
        {"metadata": {"labels": {"app": "other"}}},
        {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}},
        {"spec": {"nodeName": "node-1"}},
        {"status": {"phase": "Failed"}},
        {"status": {"podIP": "10.0.0.1"}},
        {"status": {"conditions": [{"type": "Ready", "status": "False"}]}},
    ],
)
def test_whatever_else_a_pod_says_is_more(different: dict[str, Any]) -> None:
    assert is_more_than_waiting(change(waiting("full"), waiting("full", **different)))


def test_a_pod_that_comes_or_goes_is_more() -> None:
    assert is_more_than_waiting(change(None, waiting("full")))
    assert is_more_than_waiting(change(waiting("full"), None))


def test_a_pod_concerns_the_kind_that_owns_it_or_owned_it() -> None:
    before, after = (waiting("full", metadata=owned_by(kind)) for kind in ("ReplicaSet", "Job"))
    assert of_owners(REPLICA_SET)(change(None, before))
    assert not of_owners(JOB)(change(None, before))
    assert of_owners(JOB)(change(before, after))
    assert of_owners(REPLICA_SET)(change(before, after))


def test_a_pod_of_nobody_concerns_everybody() -> None:
    assert of_owners(JOB)(change(None, waiting("full")))
