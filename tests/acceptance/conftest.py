"""One cluster for all acceptance tests: the embedded one with modelled pods, over real HTTPS, or
any Kubernetes that `KIBAN_TEST_KUBECONFIG` names. Every test has a namespace of its own."""

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from delivery_stage import OTHER_CLUSTER

from kiban.cluster.nodes import NodeGroup
from kiban.wiring.local_cluster import LocalCluster, start_cluster
from kiban.wiring.places import State


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The path of a kubeconfig that leads to a cluster."""
    if other := os.environ.get(OTHER_CLUSTER):
        yield other
        return
    state = State(tmp_path_factory.mktemp("cluster"))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="cluster", daemon=True)
    thread.start()
    cluster = asyncio.run_coroutine_threadsafe(_started(state), loop).result(60)
    try:
        yield str(state.kubeconfig)
    finally:
        asyncio.run_coroutine_threadsafe(cluster.stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


async def _started(state: State) -> LocalCluster:
    cluster = await start_cluster(state, gateway_port=None, modelled=True)
    cluster.add_nodes([NodeGroup("node", "m5.4xlarge", ("local-1a", "local-1c"), count=2)])
    return cluster
