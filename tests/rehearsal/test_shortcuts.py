from typing import Any

import pytest
from tests.rehearsal.test_world import eventful

from kiban.rehearsal import World
from kiban.rehearsal.executor import TrustingExecutor


def contents(world: World) -> list[Any]:
    store = world.cluster.store
    return [manifest for kind in store.kinds() for manifest in store.list(kind)]


def test_short_ways_leave_the_same_objects_as_long_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = eventful(4)
    monkeypatch.setattr(TrustingExecutor, "_cuts_short", lambda *_: False)
    thorough = eventful(4)
    assert contents(quick) == contents(thorough)
