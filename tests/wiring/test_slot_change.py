"""Two clusters that are started in crossed order share no address."""

import asyncio
import json
from pathlib import Path

from kiban.kube.objects import SERVICE
from kiban.wiring.local_cluster import LocalCluster, start_cluster
from kiban.wiring.places import State


def service_addresses(cluster: LocalCluster) -> list[str]:
    return [service["spec"]["clusterIP"] for service in cluster.cluster.store.list(SERVICE)]


def test_a_cluster_whose_slot_another_one_holds_moves_its_services(tmp_path: Path) -> None:
    async def story() -> None:
        first = await start_cluster(State(tmp_path / "one"), gateway_port=None, modelled=True)
        slot, before = first.cluster.plan.slot, service_addresses(first)
        await first.stop()
        (tmp_path / "two" / "cluster").mkdir(parents=True)
        (tmp_path / "two" / "cluster" / "cluster.json").write_text(json.dumps({"slot": slot}))
        second = await start_cluster(State(tmp_path / "two"), gateway_port=None, modelled=True)
        again = await start_cluster(State(tmp_path / "one"), gateway_port=None, modelled=True)
        try:
            assert second.cluster.plan.slot == slot != again.cluster.plan.slot
            assert service_addresses(again) != before
            assert all(map(again.cluster.plan.is_service_address, service_addresses(again)))
        finally:
            await again.stop()
            await second.stop()

    asyncio.run(story())
