"""The modelled kubelets of all nodes: they start, report and end pods after times that arithmetic
gives, and write what a kubelet would write.

Acts are planned on the world's agenda. An act on a machine that is silent waits until the machine
is back; one for a pod that is gone, or that has been restarted since, is dropped.
"""

from collections.abc import Callable
from typing import Any, Protocol

from kiban.cluster.api.failures import Failure
from kiban.kube.objects import NODE, Key, Manifest, get_in, is_deleting, key_of, labels_of
from kiban.primitives.instants import Instant, later, rfc3339
from kiban.rehearsal.agenda import Act
from kiban.rehearsal.machines import statuses
from kiban.rehearsal.machines.conduct import MEBIBYTE, Conduct
from kiban.rehearsal.machines.heartbeats import Heartbeats
from kiban.rehearsal.machines.machine import Machine
from kiban.rehearsal.machines.node_status import with_conditions
from kiban.rehearsal.machines.pods import ModelledPod
from kiban.rehearsal.ports import Addresses, Boundless
from kiban.rehearsal.requests import Requests

ZONE_LABEL = "topology.kubernetes.io/zone"
# What a node of a common size reads from a registry in its region, unpacking included.
BYTES_A_SECOND = 100.0 * MEBIBYTE
# The kubelet makes a failed sandbox anew at its next look at the pod, of which there is one in
# about this time.
SANDBOX_RETRY_SECONDS = 15.0
# A kubelet that is back has told how its pods are after about a second.
BACK_SECONDS = 1.0
OVER = ("Succeeded", "Failed")
# What a program exits with that SIGTERM ends.
TERM_EXIT_CODE = 143


class Hearer(Protocol):
    """Who wants to know of the steps of pods on their machines."""

    def accepted(self, pod: Manifest, zone: str, now: Instant) -> None: ...
    def started(self, pod: ModelledPod, now: Instant) -> None: ...
    def turned_ready(self, pod: ModelledPod, now: Instant) -> None: ...
    def ended(self, pod: ModelledPod, why: str, now: Instant) -> None: ...
    def asked_to_go(self, pod: ModelledPod, now: Instant) -> None: ...
    def stopped_serving(self, pod: ModelledPod, now: Instant) -> None: ...
    def left(self, pod: ModelledPod, now: Instant) -> None: ...
    def silenced(self, machine: Machine, now: Instant) -> None: ...
    def heard_again(self, machine: Machine, now: Instant) -> None: ...


PodAct = Callable[[ModelledPod, Manifest, Instant], None]


def _ignored(now: Instant) -> None:
    """Nobody wants to know."""


class Machines:
    """All machines. `fell_silent` is called when one stops to be heard. `writes_all_steps` also
    writes the steps that no controller reads: that a pod was accepted, and that its containers
    have ended."""

    api: Requests
    _plan: Callable[[Instant, Act], None]

    def __init__(
        self,
        conduct: Conduct,
        hearer: Hearer | None = None,
        fell_silent: Callable[[Instant], None] = _ignored,
        *,
        writes_all_steps: bool = False,
    ) -> None:
        self.conduct = conduct
        self.addresses: Addresses = Boundless()
        self.bytes_a_second = BYTES_A_SECOND
        self.hearer = hearer
        self.heartbeats = Heartbeats()
        self._fell_silent = fell_silent
        self._writes_all = writes_all_steps
        self.machines: dict[str, Machine] = {}
        self.pods: dict[str, ModelledPod] = {}
        self._next_address = 0

    def attach(self, api: Requests, plan: Callable[[Instant, Act], None]) -> None:
        """Connect them to a cluster's API and to the agenda."""
        self.api, self._plan = api, plan

    # Machines

    def add(self, node: Manifest, now: Instant, ready_after: float = 0.0) -> None:
        """A machine registers its Node, which is Ready after some seconds."""
        name = node["metadata"]["name"]
        self.machines[name] = Machine(name, labels_of(node).get(ZONE_LABEL, ""))
        self.heartbeats.begin(name, now)
        self.api.create(with_conditions(node, now, ready=ready_after <= 0), now)
        if ready_after > 0:
            self._plan(later(now, ready_after), lambda at: self.report_node(name, True, at))

    def report_node(self, name: str, ready: bool, now: Instant) -> None:
        """The machine tells how it is."""
        machine, key = self.machines.get(name), Key(*NODE, "", name)
        if machine is None or not machine.is_alive or self.api.get(key) is None:
            return
        self.api.change(key, lambda live: with_conditions(live, now, ready=ready), now, "status")

    def remove(self, name: str, now: Instant) -> None:
        """The machine and its Node go; its pods are gone with it, whoever notices when."""
        self.vanish(name, now)
        if self.api.get(Key(*NODE, "", name)) is not None:
            self.api.delete(Key(*NODE, "", name), now)

    def vanish(self, name: str, now: Instant) -> None:
        """The machine is gone for good; its Node is still there."""
        machine = self.machines.pop(name, None)
        if machine is not None and machine.is_alive:
            self._silence(machine, now)

    def stop(self, name: str, now: Instant) -> None:
        """The machine falls silent: no heartbeat, no answer, no change."""
        machine = self.machines[name]
        if not machine.is_alive:
            return
        machine.is_alive = False
        self._silence(machine, now)

    def _silence(self, machine: Machine, now: Instant) -> None:
        self.heartbeats.cease(machine.name, now)
        self._fell_silent(now)
        if self.hearer is not None:
            self.hearer.silenced(machine, now)

    def start(self, name: str, now: Instant) -> None:
        """The machine is back, with everything that ran on it."""
        machine = self.machines[name]
        machine.is_alive = True
        self.heartbeats.begin(name, now)
        self.report_node(name, True, now)
        waiting, machine.waiting = machine.waiting, []
        for act in waiting:
            act(now)
        if self.hearer is not None:
            self.hearer.heard_again(machine, now)
        self._plan(later(now, BACK_SECONDS), lambda at: self._tell_again(name, at))

    def _tell_again(self, name: str, now: Instant) -> None:
        for pod in self.api.store.on_node(name):
            known = self.pods.get(pod["metadata"]["uid"])
            if known is not None and known.is_ready and not is_deleting(pod):
                self._write_ready(known, pod, now, ready=True)

    # Pods

    def observe(self, before: Manifest | None, after: Manifest | None, now: Instant) -> None:
        """See a pod's write: start what was bound here, stop what was asked to go."""
        if after is None:
            if before is not None:
                self._forget(before, now)
            return
        node = after["spec"].get("nodeName")
        if not node or node not in self.machines:
            return
        metadata = after["metadata"]
        pod = self.pods.get(metadata["uid"])
        if pod is None:
            pod = ModelledPod(key_of(after), metadata["uid"], node, now)
            self.pods[pod.uid] = pod
            self.machines[node].pods[pod.uid] = None
            if self.hearer is not None:
                self.hearer.accepted(after, self.machines[node].zone, now)
            self._on(pod, now, self._accept)
        if "deletionTimestamp" in metadata and not pod.is_stopping:
            pod.is_stopping = True
            if self.hearer is not None:
                self.hearer.asked_to_go(pod, now)
            self._on(pod, now, self._stop)

    def _forget(self, manifest: Manifest, now: Instant) -> None:
        uid = manifest["metadata"]["uid"]
        pod = self.pods.pop(uid, None)
        if pod is None:
            return
        self._release(pod, manifest, now)
        machine = self.machines.get(pod.node)
        if machine is not None:
            machine.pods.pop(uid, None)
        if self.hearer is not None:
            self.hearer.left(pod, now)

    def _on(self, pod: ModelledPod, now: Instant, act: PodAct) -> None:
        """Do something with a pod that is still there, now or when its machine is back."""
        machine = self.machines.get(pod.node)
        if machine is None:
            return
        if not machine.is_alive:
            machine.waiting.append(lambda at: self._on(pod, at, act))
            return
        live = self._live(pod)
        if live is not None:
            act(pod, live, now)

    def _after(self, pod: ModelledPod, at: Instant, act: PodAct) -> None:
        """Do something with a pod at an instant, if it is still in the same run."""
        run = pod.run

        def due(now: Instant) -> None:
            if pod.run == run:
                self._on(pod, now, act)

        self._plan(at, due)

    def _live(self, pod: ModelledPod) -> Manifest | None:
        live = self.api.get(pod.key)
        if live is None or live["metadata"]["uid"] != pod.uid:
            return None
        return live

    # Starting

    def _accept(self, pod: ModelledPod, live: Manifest, now: Instant) -> None:
        if pod.is_stopping:
            return
        if not self.addresses.assign(pod.node, live, now):
            self._after(pod, later(now, SANDBOX_RETRY_SECONDS), self._accept)
            return
        pod.has_address = True
        if self._writes_all:
            status = {"startTime": rfc3339(now)}
            self._write(pod, now, status, initialized=True, ready=False)
        machine = self.machines[pod.node]
        images = self.conduct.images(live)
        pulled = machine.pulled(images, now, self.bytes_a_second)
        self._after(pod, later(pulled, self.conduct.creation(live)), self._run)

    def _run(self, pod: ModelledPod, live: Manifest, now: Instant) -> None:
        if pod.is_stopping:
            return
        life = pod.life = self.conduct.life(live, pod.restarts)
        pod.run += 1
        pod.is_running, pod.began_at = True, now
        status = self._running(pod, live, now)
        self._write(pod, now, status, initialized=True, ready=False)
        if self.hearer is not None:
            self.hearer.started(pod, now)
        if life.ready is not None:
            self._after(pod, later(now, life.ready), self._turn_ready)
        if life.end is not None:
            self._after(pod, later(now, life.end), self._end)

    def _running(self, pod: ModelledPod, live: Manifest, now: Instant) -> dict[str, Any]:
        state = {"running": {"startedAt": rfc3339(now)}}
        found: dict[str, Any] = {
            "phase": "Running",
            "containerStatuses": statuses.containers(
                live, state, [pod.restarts], ready=False, started=True
            ),
        }
        status = live.get("status") or {}
        if "startTime" not in status:
            found["startTime"] = rfc3339(pod.accepted_at)
        if "podIP" not in status:
            address = self._address()
            found |= {"podIP": address, "podIPs": [{"ip": address}]}
        return found

    def _address(self) -> str:
        self._next_address += 1
        number = self._next_address
        return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"

    def _turn_ready(self, pod: ModelledPod, live: Manifest, now: Instant) -> None:
        if pod.is_stopping or not pod.is_running:
            return
        pod.is_ready = True
        self._write_ready(pod, live, now, ready=True)
        if self.hearer is not None:
            self.hearer.turned_ready(pod, now)

    def report_ready(self, pod: Manifest, ready: bool, now: Instant) -> None:
        """A probe's answers change what the machine says of a pod."""
        known = self.pods[pod["metadata"]["uid"]]
        known.is_ready = ready
        self._write_ready(known, pod, now, ready=ready)

    def _write_ready(self, pod: ModelledPod, live: Manifest, now: Instant, *, ready: bool) -> None:
        found = live.get("status", {}).get("containerStatuses") or ()
        status = {"containerStatuses": [{**entry, "ready": ready} for entry in found]}
        self._write(pod, now, status, initialized=True, ready=ready)

    # Ending by itself

    def _end(self, pod: ModelledPod, live: Manifest, now: Instant) -> None:
        if pod.is_stopping or get_in(live, "status", "phase") in OVER:
            return
        life = pod.life
        assert life is not None, "only what runs ends"
        pod.is_running = pod.is_ready = False
        pod.run += 1
        if self.hearer is not None:
            self.hearer.ended(pod, life.why, now)
        policy = live["spec"].get("restartPolicy", "Always")
        if policy == "Never" or (policy == "OnFailure" and life.exit_code == 0):
            self._finish(pod, live, now, life.exit_code, life.end_reason)
            return
        delay = pod.restart_delay(now)
        pod.restarts += 1
        self._write_waiting(pod, live, now)
        self._after(pod, later(now, delay), self._run)

    def _write_waiting(self, pod: ModelledPod, live: Manifest, now: Instant) -> None:
        life = pod.life
        assert life is not None, "it has run"
        last = {"terminated": statuses.ended(life.exit_code, life.end_reason, now)}
        state = {"waiting": {"reason": "CrashLoopBackOff"}}
        found = statuses.containers(
            live, state, [pod.restarts], ready=False, started=False, lastState=last
        )
        self._write(pod, now, {"containerStatuses": found}, initialized=True, ready=False)

    def _finish(
        self, pod: ModelledPod, live: Manifest, now: Instant, code: int, reason: str
    ) -> None:
        state = {"terminated": statuses.ended(code, reason, now)}
        status = {
            "phase": "Failed" if code else "Succeeded",
            "containerStatuses": statuses.containers(live, state, [pod.restarts], ready=False),
        }
        self._write(pod, now, status, initialized=True, ready=False)
        self._release(pod, live, now)

    def _release(self, pod: ModelledPod, manifest: Manifest, now: Instant) -> None:
        """Give a pod's address back: its sandbox goes when it is over, not when it is deleted."""
        if pod.has_address:
            self.addresses.release(pod.node, manifest, now)
            pod.has_address = False

    # Being asked to go

    def _stop(self, pod: ModelledPod, live: Manifest, now: Instant) -> None:
        if get_in(live, "status", "phase") in OVER:
            self._remove(pod, live, now)
            return
        grace = float(live["metadata"].get("deletionGracePeriodSeconds", 0))
        farewell = self.conduct.farewell(live, grace)
        pod.run += 1
        if not pod.is_running:
            self._after(pod, later(now, min(farewell.gone - farewell.term, grace)), self._gone)
            return
        if farewell.term > 0:
            self._after(pod, later(now, farewell.term), self._term)
        else:
            self._term(pod, live, now)
        self._after(pod, later(now, farewell.gone), self._gone)

    def _term(self, pod: ModelledPod, live: Manifest, now: Instant) -> None:
        pod.has_term = True
        if self.hearer is not None:
            self.hearer.stopped_serving(pod, now)

    def _gone(self, pod: ModelledPod, live: Manifest, now: Instant) -> None:
        if get_in(live, "status", "phase") not in OVER:
            always = live["spec"].get("restartPolicy", "Always") == "Always"
            if self._writes_all or not always:
                code = 0 if always else TERM_EXIT_CODE
                self._finish(pod, live, now, code, "Error" if code else "Completed")
        self._remove(pod, live, now)

    def _remove(self, pod: ModelledPod, live: Manifest, now: Instant) -> None:
        self._release(pod, live, now)
        try:
            self.api.delete_now(live, now)
        except Failure as failure:
            if failure.code != 404:
                raise

    # Writing

    def _write(
        self,
        pod: ModelledPod,
        now: Instant,
        status: dict[str, Any],
        *,
        initialized: bool,
        ready: bool,
    ) -> None:
        def changed(live: Manifest) -> Manifest:
            reason = "" if ready else "ContainersNotReady"
            found = statuses.conditions(
                live, now, initialized=initialized, ready=ready, reason=reason
            )
            return {**live, "status": {**live.get("status", {}), **status, "conditions": found}}

        self.api.tell(pod.key, changed)
