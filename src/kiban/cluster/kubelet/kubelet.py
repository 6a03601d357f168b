"""The kubelets of all virtual nodes in one object: pods in, commands and asks out, no I/O.

`observe` and `report` only note what happened; `step` looks at the pods that are due, a bounded
number at a time, and returns what the API server and the outside world are asked to do.
"""

from kiban.cluster.asks import Ask, ImageMissing, ImagePulled, Report
from kiban.cluster.kubelet.downward import PodPlace
from kiban.cluster.kubelet.effects import Effects
from kiban.cluster.kubelet.heartbeats import Heartbeats
from kiban.cluster.kubelet.leases import AddressLeases
from kiban.cluster.kubelet.pod import PodWorker
from kiban.cluster.kubelet.starting import PodView
from kiban.cluster.kubelet.volumes import TokenSource
from kiban.cluster.networking.addresses import AddressPlan
from kiban.cluster.nodes import is_running
from kiban.kube.objects import CONFIG_MAP, NODE, POD, SECRET, Key, Manifest, get_in
from kiban.primitives.instants import Instant, later
from kiban.reconcile.agenda import Agenda
from kiban.reconcile.commands import Command
from kiban.reconcile.controller import Change, Snapshot

# Pods in one step: about 10 ms of work, so that a driver's event loop gets its turn.
STEP_LIMIT = 50
# Nobody waits longer than this for a laptop's cluster to end.
SHUTDOWN_SECONDS = 10.0
# What a pod may wait for, besides time.
_SOURCES = (CONFIG_MAP, SECRET, ("", "PersistentVolumeClaim"))


class Kubelet:
    """State tables of every pod that is bound to a virtual node.

    `lowest_port` is the lowest port that a service may listen on (see `listening_port`).
    """

    def __init__(
        self, plan: AddressPlan, tokens: TokenSource | None = None, *, lowest_port: int = 0
    ) -> None:
        self._addresses = AddressLeases(plan)
        self._tokens = tokens
        self._lowest_port = lowest_port
        self._workers: dict[str, PodWorker] = {}
        self._by_namespace: dict[str, dict[str, None]] = {}
        self._nodes: dict[str, Manifest] = {}
        self._booted: dict[str, None] = {}
        self._by_node: dict[str, dict[str, None]] = {}
        self._agenda: Agenda[str] = Agenda()
        self._heartbeats = Heartbeats()
        self._shutdown_seconds: float | None = None
        self._shutdown_rank = 0

    def observe(self, change: Change, now: Instant) -> None:
        """Note a change of the store."""
        kind = change.key.group_kind
        if kind == POD:
            self._observe_pod(change, now)
        elif kind == NODE:
            self._observe_node(change, now)
        elif kind in _SOURCES and change.after is not None:
            for uid in sorted(self._by_namespace.get(change.key.namespace, ())):
                self._look_at_source(uid, change.key, now)

    def report(self, report: Report, now: Instant) -> None:
        """Note an answer of the outside world; one about a pod that is gone is dropped."""
        if isinstance(report, ImagePulled | ImageMissing):
            uid = report.pod_uid
        else:
            uid = report.id.pod_uid
        worker = self._workers.get(uid)
        if worker is not None and worker.take(report, now):
            self._agenda.add(uid, now)

    def next_due(self) -> Instant | None:
        booted = Instant(0) if self._booted else None
        dues = (self._agenda.next_due(), self._heartbeats.next_due(), booted)
        return min((due for due in dues if due is not None), default=None)

    def step(
        self, snapshot: Snapshot, now: Instant, limit: int = STEP_LIMIT
    ) -> tuple[list[Command], list[Ask]]:
        """Look at the pods that are due, at most `limit` of them."""
        effects = Effects()
        self._heartbeats.step(snapshot, now, effects)
        self._advance_shutdown(now)
        self._adopt_booted(snapshot, now)
        for _ in range(limit):
            uid = self._agenda.pop(now)
            if uid is None:
                break
            self._look(uid, snapshot, now, effects)
        self._advance_shutdown(now)
        return effects.commands, effects.asks

    def busy(self) -> bool:
        """Whether any pod may still have a process."""
        return any(not worker.is_idle for worker in self._workers.values())

    def shut_down(self, now: Instant, limit_seconds: float = SHUTDOWN_SECONDS) -> None:
        """Stop every process, within `limit_seconds` each for those that only serve and then for
        those that keep data. Done when `busy` says no; the stored pods stay as they are."""
        self._shutdown_seconds = limit_seconds
        self._shutdown_rank = 0
        self._shut_down_rank(now)

    def _shut_down_rank(self, now: Instant) -> None:
        assert self._shutdown_seconds is not None
        until = later(now, self._shutdown_seconds)
        for uid, worker in sorted(self._workers.items()):
            if worker.shutdown_until is None and int(worker.stops_last) <= self._shutdown_rank:
                worker.shutdown_until = until
                self._agenda.add(uid, now)

    def _advance_shutdown(self, now: Instant) -> None:
        if self._shutdown_seconds is None or self._shutdown_rank == 1:
            return
        if all(worker.is_idle for worker in self._workers.values() if not worker.stops_last):
            self._shutdown_rank = 1
            self._shut_down_rank(now)

    # Notes

    def _observe_pod(self, change: Change, now: Instant) -> None:
        if change.after is None or _replaces(change):
            assert change.before is not None
            self._abandon(change.before["metadata"].get("uid", ""), now)
        if change.after is None:
            return
        worker = self._workers.get(change.after["metadata"]["uid"])
        if worker is None:
            self._adopt(change.after, now)
            return
        worker.observed(change.after)
        self._agenda.add(worker.uid, now)

    def _adopt(self, pod: Manifest, now: Instant) -> None:
        """Begin to look after a pod that is bound to a running node."""
        node = get_in(pod, "spec", "nodeName", default="")
        if node not in self._nodes or self._shutdown_seconds is not None:
            return
        uid = pod["metadata"]["uid"]
        self._workers[uid] = self._new_worker(pod, now)
        self._by_node.setdefault(node, {})[uid] = None
        self._by_namespace.setdefault(pod["metadata"]["namespace"], {})[uid] = None
        self._agenda.add(uid, now)

    def _adopt_booted(self, snapshot: Snapshot, now: Instant) -> None:
        """A machine that comes up finds the pods that are bound to it."""
        booted, self._booted = self._booted, {}
        for name in sorted(booted):
            for pod in snapshot.on_node(name):
                if pod["metadata"]["uid"] not in self._workers:
                    self._adopt(pod, now)

    def _new_worker(self, pod: Manifest, now: Instant) -> PodWorker:
        uid = pod["metadata"]["uid"]
        host_network = bool(get_in(pod, "spec", "hostNetwork"))
        wanted = get_in(pod, "status", "podIP", default="")
        address = "127.0.0.1" if host_network else self._addresses.take(uid, wanted)
        return PodWorker(pod, self._place(pod, address), now)

    def _place(self, pod: Manifest, address: str) -> PodPlace:
        node = self._nodes.get(get_in(pod, "spec", "nodeName", default=""))
        addresses = get_in(node, "status", "addresses", default=[])
        internal = (a["address"] for a in addresses if a.get("type") == "InternalIP")
        return PodPlace(address, node, next(internal, "127.0.0.1"), self._lowest_port)

    def _observe_node(self, change: Change, now: Instant) -> None:
        name = change.key.name
        if change.after is None or not is_running(change.after):
            self._nodes.pop(name, None)
            self._heartbeats.forget(name)
            for uid in sorted(self._by_node.get(name, ())):
                self._abandon(uid, now)
            return
        if name not in self._nodes:
            self._booted[name] = None
        self._nodes[name] = change.after
        self._heartbeats.observe(change.after)

    def _abandon(self, uid: str, now: Instant) -> None:
        worker = self._workers.get(uid)
        if worker is not None:
            worker.is_abandoned = True
            self._agenda.add(uid, now)

    def _look_at_source(self, uid: str, source: Key, now: Instant) -> None:
        if self._workers[uid].source_changed(source, now):
            self._agenda.add(uid, now)

    # Looks

    def _look(self, uid: str, snapshot: Snapshot, now: Instant, effects: Effects) -> None:
        worker = self._workers.get(uid)
        if worker is None:
            return
        pod = snapshot.get(worker.key)
        if not worker.is_abandoned and (pod is None or pod["metadata"]["uid"] != uid):
            worker.is_abandoned = True
        place = self._place(worker.pod, worker.place.address)
        if pod is not None and not worker.is_abandoned:
            worker.pod = pod
        found = worker.advance(PodView(worker.pod, place, snapshot, self._tokens), now)
        effects.commands.extend(found.commands)
        effects.asks.extend(found.asks)
        if found.due is not None:
            self._agenda.add(uid, found.due)
        if worker.is_abandoned and worker.is_removed:
            self._forget(worker)
            if pod is not None and pod["metadata"]["uid"] == uid:
                self._adopt(pod, now)

    def _forget(self, worker: PodWorker) -> None:
        uid = worker.uid
        del self._workers[uid]
        self._agenda.discard(uid)
        self._addresses.release(uid)
        self._by_namespace.get(worker.key.namespace, {}).pop(uid, None)
        node = get_in(worker.pod, "spec", "nodeName", default="")
        self._by_node.get(node, {}).pop(uid, None)


def _replaces(change: Change) -> bool:
    """Whether another object of the same name took the place of the old one."""
    if change.before is None or change.after is None:
        return False
    return bool(change.before["metadata"].get("uid") != change.after["metadata"].get("uid"))
