"""What a write costs inside the process, where controllers, the kubelet and rehearsals write: by
the same rules as over HTTP, but nothing is encoded and nothing waits for a disk.

The floor is the store alone: a new revision, the history and the indexes, without any rules.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.api import objects
from bench.api.report import Row
from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.controllers.service_account import ServiceAccountController
from kiban.kube.objects import POD, Key, Manifest
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Command, Create, Patch

NOW = Instant(1_800_000_000_000_000)
_LATER = "2026-11-20T09:00:00Z"


def inside(directory: Path, scale: float) -> list[Row]:
    """Creates and status updates of running pods, a processor second; with managedFields as in
    `kiban up`, without as in a rehearsal."""
    count = int(2_000 * scale)
    rows = []
    for tracks, how in ((True, "with managedFields"), (False, "without")):
        cluster = _empty(tracks)
        creates = [Create(_placed(objects.pod(number))) for number in range(count)]
        rows.append(_row(f"create a pod in the process, {how}", cluster, creates))
        names = [create.object["metadata"]["name"] for create in creates]
        for change, what in ((_running, "first status"), (_again, "status update")):
            patches = [
                Patch(Key(*POD, "default", name), {"status": change(number)}, subresource="status")
                for number, name in enumerate(names)
            ]
            rows.append(_row(f"{what} of a pod in the process, {how}", cluster, patches))
    rows.append(_floor(cluster))
    return rows


def _empty(tracks: bool) -> Cluster:
    cluster = assembled(1, [ServiceAccountController()], tracks_ownership=tracks)
    cluster.bootstrap(NOW)
    while (due := cluster.next_due()) is not None and due <= NOW:
        cluster.step(NOW)
    return cluster


def _placed(pod: Manifest) -> Manifest:
    return {**pod, "metadata": {**pod["metadata"], "namespace": "default"}}


def _running(number: int) -> Manifest:
    return objects.pod_status(number)


def _again(number: int) -> Manifest:
    status = objects.pod_status(number)
    conditions = [{**one, "lastTransitionTime": _LATER} for one in status["conditions"]]
    return {"conditions": conditions}


def _row(name: str, cluster: Cluster, commands: Sequence[Command]) -> Row:
    def act() -> None:
        for number, command in enumerate(commands):
            refused = cluster.executor.execute("bench", [command], Instant(NOW + number))
            assert not refused, refused[0]
            _forget(cluster)

    return _timed(name, act, len(commands))


def _floor(cluster: Cluster) -> Row:
    pods = cluster.store.list(POD)

    def act() -> None:
        for pod in pods:
            cluster.store.put({**pod, "status": {**pod["status"], "message": "again"}})
            _forget(cluster)

    return _timed("floor: put a pod into the store, without rules", act, len(pods))


def _forget(cluster: Cluster) -> None:
    """There is no journal here, and no controller that wants to know."""
    cluster.store.take_unwritten()
    cluster.store.take_changes()


def _timed(name: str, act: Callable[[], None], count: int) -> Row:
    begun = time.process_time()
    act()
    seconds = time.process_time() - begun
    cpu = seconds / count * 1000
    return Row(name, count / seconds, "/CPU s", None, True, cpu)
