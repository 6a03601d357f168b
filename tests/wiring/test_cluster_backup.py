"""Backup and restore of a whole cluster: not under a running one, and all of it is there after."""

import asyncio
from pathlib import Path

import pytest

from kiban.kube.objects import NAMESPACE, Key
from kiban.primitives.problems import KibanError
from kiban.reconcile.commands import Create
from kiban.wiring.cluster_backup import back_up_cluster, restore_cluster
from kiban.wiring.local_cluster import start_cluster
from kiban.wiring.places import State

SHOP = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


def test_a_backup_of_a_running_cluster_becomes_another_cluster(tmp_path: Path) -> None:
    async def story() -> None:
        first = await start_cluster(State(tmp_path / "one"), gateway_port=None, modelled=True)
        assert first.driver.execute("test", [Create(SHOP)]) == ()
        await first.driver.until_durable(first.cluster.store.revision)
        back_up_cluster(tmp_path / "one", tmp_path / "b")
        with pytest.raises(KibanError, match="already running"):
            restore_cluster(tmp_path / "one", tmp_path / "b", force=True)
        await first.stop()
        restore_cluster(tmp_path / "two", tmp_path / "b", force=False)
        second = await start_cluster(State(tmp_path / "two"), gateway_port=None, modelled=True)
        try:
            assert second.cluster.store.get(Key(*NAMESPACE, "", "shop")) is not None
        finally:
            await second.stop()

    asyncio.run(story())
