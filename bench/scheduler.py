"""Pods placed a second at 5,000 nodes, against a scheduler that judges every node anew.

The baseline is the textbook cycle on the same rules: filter and score all sampled nodes for every
pod, keeping nothing between pods. Both place the same pods of one service on the same nodes, bind
them through the same in-process API, and must end with the same placement. Prints one JSON line.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.controllers.service_account import ServiceAccountController
from kiban.cluster.scheduler import Scheduler
from kiban.cluster.scheduler.board import Board
from kiban.kube.objects import POD, Manifest
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Create

NOW = Instant(1_800_000_000_000_000)
NODES, PODS = 5_000, 5_000
# Few, for the baseline needs a good part of a second for each.
BASELINE_PODS = 20


def node(index: int) -> Manifest:
    name = f"n{index:05}"
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": "abc"[index % 3]}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "uid": name, "labels": labels},
        "spec": {},
        "status": {"allocatable": {"cpu": "4", "memory": "32Gi", "pods": "110"}},
    }


def pod(index: int) -> Manifest:
    requests = {"cpu": "100m", "memory": "500Mi"}
    container = {"name": "c", "image": "i", "resources": {"requests": requests}}
    metadata = {"name": f"p{index:06}", "namespace": "default", "labels": {"app": "web"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [container]},
    }


def settle(cluster: Cluster) -> None:
    while (due := cluster.next_due()) is not None and due <= NOW:
        cluster.step(NOW)


def filled(pods: int) -> Cluster:
    """A cluster with nodes, a service, and pods that wait."""
    cluster = assembled(7, [Scheduler(), ServiceAccountController()], tracks_ownership=False)
    cluster.bootstrap(NOW)
    settle(cluster)
    for index in range(NODES):
        cluster.store.put(node(index))
    metadata = {"name": "web", "namespace": "default"}
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    settle(cluster)
    commands = [Create(service), *(Create(pod(index)) for index in range(pods))]
    refusals = cluster.executor.execute("bench", commands, NOW)
    assert not refusals, refusals[0]
    return cluster


def placed(pods: int) -> tuple[float, list[str]]:
    """Pods a second of processor time (others may share the machine), and every pod's node."""
    cluster = filled(pods)
    start = time.process_time()
    settle(cluster)
    seconds = time.process_time() - start
    nodes = [entry["spec"].get("nodeName", "") for entry in cluster.store.list(POD)]
    assert all(nodes), "every pod fits"
    return pods / seconds, nodes


@contextmanager
def forgetful() -> Iterator[None]:
    """Boards that start anew for every pod."""
    refresh = Board.refresh

    def anew(self: Board) -> None:
        self._version = self.ground._version = -1
        refresh(self)

    Board.refresh = anew  # type: ignore[method-assign]
    try:
        yield
    finally:
        Board.refresh = refresh  # type: ignore[method-assign]


def main() -> int:
    with forgetful():
        baseline, expected = placed(BASELINE_PODS)
    rate, nodes = placed(PODS)
    _, few = placed(BASELINE_PODS)
    assert few == expected, "both place alike"
    print(
        json.dumps(
            {
                "measurement": "scheduler",
                "nodes": NODES,
                "pods": len(nodes),
                "pods_per_cpu_second": round(rate),
                "baseline": "every node judged anew for every pod",
                "baseline_pods_per_cpu_second": round(baseline, 1),
                "ratio": round(rate / baseline, 1),
                "promise": "1000 pods a second",
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
