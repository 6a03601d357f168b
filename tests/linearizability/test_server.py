"""Many clients at once against a real server: one order of all writes explains what they saw. And
a server with a fault is found out."""

import asyncio

import pytest
from tests.linearizability.playing import WATCHERS, judged


@pytest.mark.parametrize("seed", [1, 2])
def test_one_order_explains_what_all_clients_saw(seed: int) -> None:
    history, found = asyncio.run(judged(seed))
    assert found == []
    assert len(history.watches) > WATCHERS
    parts = history.writes, history.reads, history.refusals, history.listings
    assert min(len(part) for part in parts) > 30
    assert {refusal.why for refusal in history.refusals} == {"absent", "present", "changed"}
    assert any(watch.side and len(watch.events) > 20 for watch in history.watches)


STALE_READS = """
whole, shown = WallDriver.handle, {}

def handle(driver, request, *rest):
    response = whole(driver, request, *rest)
    if request.method != "GET" or request.query:
        return response
    before = shown.get(request.path)
    shown[request.path] = response
    return before if before is not None and driver.durable % 5 == 0 else response

WallDriver.handle = handle
"""
LOST_EVENTS = """
from kiban.cluster.history import History
whole = History.since
History.since = lambda *asked: [w for w in whole(*asked) if w.revision % 20]
"""
UNCHECKED_UPDATES = """
from kiban.cluster.api import registry
registry.check_precondition = lambda *_: None
"""
MIXED_PAGES = """
from kiban.cluster.store import Store
Store.list_at = lambda store, kind, namespace, revision: list(store.iterate(kind, namespace))
"""


def faults_shown(seed: int, plant: str) -> list[str]:
    """What one short history shows. When the very mark that ends it is lost, it shows nothing."""
    try:
        return asyncio.run(judged(seed, plant, acts=25))[1]
    except ExceptionGroup as group:
        if group.subgroup(TimeoutError) is None:
            raise
        return []


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (STALE_READS, "showed none of"),
        (LOST_EVENTS, "a watch since"),
        (UNCHECKED_UPDATES, "took effect on"),
        (MIXED_PAGES, "showed another state"),
    ],
    ids=["stale reads", "lost events", "unchecked updates", "mixed pages"],
)
@pytest.mark.timeout(180)
def test_a_planted_fault_is_found(plant: str, said: str) -> None:
    # Whether clients meet a fault is a matter of timing: it may escape one short history.
    for seed in range(3, 9):
        found = faults_shown(seed, plant)
        if any(said in fault for fault in found):
            return
    pytest.fail(f"six histories show no sign of it; the last one: {found[:3]}")
