"""Watches over nodes: marks the silent ones, taints them, and marks their pods unready.

A monitor looks at all nodes every 5 s. Taints that keep new pods away follow the conditions at
once; those that drive pods away are given at a limited rate per zone, and not at all when every
zone is gone, for then it is the control plane that is cut off. Source:
pkg/controller/nodelifecycle/node_lifecycle_controller.go.
"""

from collections.abc import Iterable
from typing import Any

from kiban.cluster.controllers.node_lifecycle.health import (
    Health,
    Heartbeats,
    is_silent,
    listened,
    silenced,
)
from kiban.cluster.controllers.node_lifecycle.taints import (
    NOT_READY,
    UNREACHABLE,
    driving_away,
    has_driving_taint,
    mirrored,
    ready_status,
    without_driving,
)
from kiban.cluster.controllers.node_lifecycle.zones import Zone, rate_of, zone_state
from kiban.cluster.controllers.pod_changes import is_more_than_waiting
from kiban.cluster.controllers.pod_state import state_of
from kiban.cluster.controllers.pods import is_ready
from kiban.cluster.controllers.writing import change, event, warning
from kiban.kube.objects import (
    LEASE,
    NODE,
    POD,
    Key,
    Manifest,
    condition_of,
    get_in,
    key_of,
    labels_of,
    replaced,
    uid_of,
)
from kiban.primitives.instants import (
    MICROSECONDS,
    Instant,
    later,
    rfc3339,
    seconds_between,
)
from kiban.reconcile.commands import Command, Patch
from kiban.reconcile.controller import NOTHING, Change, Only, Outcome, Snapshot, Watched

# --node-monitor-period.
MONITOR_SECONDS = 5.0
MONITOR = Key("", "NodeMonitor", "", "nodes")
LEASE_NAMESPACE = "kube-node-lease"
ZONE_LABEL = "topology.kubernetes.io/zone"
REGION_LABEL = "topology.kubernetes.io/region"


class NodeLifecycleController:
    """The controller of nodes' conditions, taints and their pods' readiness.

    Nodes are heard by their leases. With `heartbeats` they are heard there, and the monitor rests
    while a look could find nothing: every node is heard and Ready, and none has changed. Whoever
    gives the heartbeats wakes `MONITOR` when a node falls silent.
    """

    name = "node-lifecycle-controller"
    watches: Watched = frozenset({NODE, Only(POD, is_more_than_waiting)})

    def __init__(self, heartbeats: Heartbeats | None = None) -> None:
        self._heartbeats = heartbeats
        self._rests = False
        self._known: dict[str, Manifest] = {}
        self._well: dict[str, Manifest] = {}
        self._health: dict[str, Health] = {}
        self._zones: dict[str, Zone] = {}
        self._next_look: Instant | None = None

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        if change.key.group_kind == NODE:
            started = self._next_look is not None
            keys = [change.key] if change.after is not None else []
            return keys if started and not self._rests else [*keys, MONITOR]
        pod = change.after
        if pod is None or not is_ready(pod) or not state_of(pod).node:
            return ()
        found = snapshot.get(Key(*NODE, "", state_of(pod).node))
        if found is None or condition_of(found, "Ready") is None:
            # A node that never said how it is says nothing about its pods.
            return ()
        status = ready_status(found)
        # A kubelet that says it is not ready still says how its pods are, but for new ones.
        is_new = change.before is None or not state_of(change.before).node
        return [change.key] if status == "Unknown" or (status != "True" and is_new) else ()

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        if key == MONITOR:
            return self._monitor(snapshot, now)
        found = snapshot.get(key)
        if found is None:
            return NOTHING
        if key.group_kind == POD:
            return Outcome(_marked_unready(found, now))
        taints = mirrored(found, now)
        return Outcome((_with_taints(found, taints),)) if taints is not None else NOTHING

    # The monitor

    def _monitor(self, snapshot: Snapshot, now: Instant) -> Outcome:
        commands: list[Command] = []
        if self._next_look is None:
            # Its beat has nothing to do with the beats of nodes.
            offset = snapshot.chance.stream(self.name).uniform(0.1, MONITOR_SECONDS)
            self._next_look = later(now, offset)
        elif self._is_time_to_look(now):
            self._look(snapshot, commands, now)
        if self._rests:
            return NOTHING
        self._drive_away(snapshot, commands, now)
        dues = [self._next_look, *(zone.next_at for zone in self._busy_zones())]
        due = min(at for at in dues if at is not None and at > now)
        return Outcome(tuple(commands), wake_after=seconds_between(now, due))

    def _is_time_to_look(self, now: Instant) -> bool:
        assert self._next_look is not None, "it has begun"
        if self._rests:
            self._rests = False
            self._next_look = self._beat_from(now)
        if now < self._next_look:
            return False
        self._next_look = later(self._next_look, MONITOR_SECONDS)
        if self._next_look <= now:
            self._next_look = later(now, MONITOR_SECONDS)
        return True

    def _look(self, snapshot: Snapshot, commands: list[Command], now: Instant) -> None:
        nodes = snapshot.list(NODE)
        commands += self._counted(nodes, now)
        current = [self._looked_at(node, snapshot, commands, now) for node in nodes]
        self._known = {node["metadata"]["name"]: node for node in current}
        self._weigh(current, commands, now)
        self._rests = not commands and self._may_rest(current)

    def _may_rest(self, nodes: list[Manifest]) -> bool:
        """Whether the next looks would find what this one found."""
        if self._heartbeats is None or not self._heartbeats.are_all_heard():
            return False
        if any(zone.waiting for zone in self._zones.values()):
            return False
        return all(ready_status(node) == "True" for node in nodes)

    def _beat_from(self, at: Instant) -> Instant:
        """The first look at or after an instant, by the beat of the looks."""
        assert self._next_look is not None, "it has looked"
        behind = at - self._next_look
        period = round(MONITOR_SECONDS * MICROSECONDS)
        return Instant(self._next_look + -(-behind // period) * period)

    def _renewed(self, name: str, snapshot: Snapshot, now: Instant) -> tuple[Any, Instant]:
        """What the node's lease says, and when a monitor that never rests has noticed it."""
        if self._heartbeats is None:
            lease = snapshot.get(Key(*LEASE, LEASE_NAMESPACE, name))
            return get_in(lease, "spec", "renewTime"), now
        last = self._heartbeats.last(name, now)
        return last, now if last is None else min(now, self._beat_from(last))

    def _busy_zones(self) -> list[Zone]:
        return [zone for zone in self._zones.values() if zone.waiting and zone.rate]

    def _counted(self, nodes: Iterable[Manifest], now: Instant) -> list[Command]:
        """Greet the nodes that are new; forget those that are gone."""
        commands: list[Command] = []
        present = {node["metadata"]["name"]: node for node in nodes}
        for name in present:
            if name not in self._known:
                text = f"Node {name} event: Registered Node {name} in Controller"
                commands.append(event(present[name], "RegisteredNode", text))
        for name in sorted(set(self._known) - set(present)):
            text = f"Node {name} event: Removing Node {name} from Controller"
            commands.append(event(self._known[name], "RemovingNode", text))
            self._health.pop(name, None)
            self._well.pop(name, None)
            self._zone(self._known[name]).discard(name)
        self._known = present
        return commands

    def _looked_at(
        self, node: Manifest, snapshot: Snapshot, commands: list[Command], now: Instant
    ) -> Manifest:
        """The node as it is after this look."""
        name = node["metadata"]["name"]
        if self._is_as_it_was(name, node):
            return node
        renewed, noticed_at = self._renewed(name, snapshot, now)
        before = self._health.get(name)
        health = self._health[name] = listened(before, node, renewed, now)
        if before is not None and health.signs[:2] == before.signs[:2]:
            health.seen_at = min(health.seen_at, max(before.seen_at, noticed_at))
        was_ready = ready_status(node) == "True"
        if is_silent(health, node, now) and (conditions := silenced(node, now)) is not None:
            patch = {"status": {"conditions": conditions}}
            commands.append(Patch(key_of(node), patch, "status", uid_of(node)))
            node = replaced(node, ("status", "conditions"), conditions)
        if was_ready and ready_status(node) != "True":
            text = f"Node {name} status is now: NodeNotReady"
            commands.append(event(node, "NodeNotReady", text))
            for pod in snapshot.on_node(name):
                commands += _marked_unready(pod, now)
        self._decide(node, commands, now)
        return node

    def _is_as_it_was(self, name: str, node: Manifest) -> bool:
        """Whether a look could only find again that the node is heard and well."""
        return (
            self._heartbeats is not None
            and self._well.get(name) is node
            and self._heartbeats.is_heard(name)
        )

    def _decide(self, node: Manifest, commands: list[Command], now: Instant) -> None:
        """Whether the node is to be emptied, is being so for another reason now, or is well."""
        zone = self._zone(node)
        name = node["metadata"]["name"]
        if ready_status(node) == "True":
            self._let_be(node, commands)
            if not has_driving_taint(node, NOT_READY, UNREACHABLE):
                # Else the request to take it off may fail, and the next look has to ask again.
                self._well[name] = node
        elif has_driving_taint(node, NOT_READY, UNREACHABLE):
            taints = driving_away(node, now)
            if taints is not None:
                commands.append(_with_taints(node, taints))
        else:
            zone.add(name)

    def _let_be(self, node: Manifest, commands: list[Command]) -> None:
        if has_driving_taint(node, NOT_READY, UNREACHABLE):
            commands.append(_with_taints(node, without_driving(node)))
        self._zone(node).discard(node["metadata"]["name"])

    def _weigh(self, nodes: list[Manifest], commands: list[Command], now: Instant) -> None:
        """Set every zone's rate by how much of it is left."""
        counts: dict[str, list[int]] = {}
        for node in nodes:
            count = counts.setdefault(_zone_name(node), [0, 0])
            count[ready_status(node) != "True"] += 1
        states = {name: zone_state(*counts[name]) for name in sorted(counts)}
        for name in sorted(set(self._zones) - set(counts)):
            del self._zones[name]
        all_gone = bool(states) and all(state == "FullDisruption" for state in states.values())
        were_gone = bool(self._zones) and all(
            zone.state == "FullDisruption" for zone in self._zones.values()
        )
        if all_gone and were_gone:
            return
        if all_gone:
            for node in nodes:
                self._let_be(node, commands)
        if were_gone:
            for health in self._health.values():
                health.seen_at = now
        for name, state in states.items():
            zone = self._zones.setdefault(name, Zone())
            zone.state = state
            zone.set_rate(0.0 if all_gone else rate_of(state, sum(counts[name])))

    def _drive_away(self, snapshot: Snapshot, commands: list[Command], now: Instant) -> None:
        for name in sorted(self._zones):
            while (node_name := self._zones[name].take(now)) is not None:
                node = self._known.get(node_name)
                live = snapshot.get(Key(*NODE, "", node_name))
                if node is None or live is None:
                    continue
                status = {"metadata": live["metadata"], "spec": live.get("spec") or {}}
                current = {**node, **status}
                taints = driving_away(current, now)
                if taints is not None:
                    commands.append(_with_taints(current, taints))

    def _zone(self, node: Manifest) -> Zone:
        return self._zones.setdefault(_zone_name(node), Zone())


def _zone_name(node: Manifest) -> str:
    labels = labels_of(node)
    return f"{labels.get(REGION_LABEL, '')}:{labels.get(ZONE_LABEL, '')}"


def _with_taints(node: Manifest, taints: list[dict[str, Any]]) -> Patch:
    return change(node, {"spec": {"taints": taints or None}})


def _marked_unready(pod: Manifest, now: Instant) -> tuple[Command, ...]:
    """The pod's node is not ready, so it is not ready either."""
    conditions = get_in(pod, "status", "conditions", default=[])
    changed = [
        {**entry, "status": "False", "lastTransitionTime": rfc3339(now)}
        if entry["type"] == "Ready" and entry["status"] != "False"
        else entry
        for entry in conditions
    ]
    if changed == conditions:
        return ()
    patch = {"status": {"conditions": changed}}
    return (
        Patch(key_of(pod), patch, "status", uid_of(pod)),
        warning(pod, "NodeNotReady", "Node is not ready", after_success=True),
    )
