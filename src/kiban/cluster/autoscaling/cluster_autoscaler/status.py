"""The ConfigMap in which the autoscaler says how it is, and the words of its events.

Source: clusterstate/api/types.go and clusterstate/utils/status.go. The map is written when it
says something new, not for the sake of its time.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kiban.cluster.autoscaling.cluster_autoscaler.registry import Counts, Registry
from kiban.cluster.autoscaling.cluster_autoscaler.settings import STATUS_NAME, STATUS_NAMESPACE
from kiban.kube.objects import CONFIG_MAP, Key, Manifest
from kiban.primitives.instants import Instant, rfc3339
from kiban.reconcile.commands import Command, Create, Patch
from kiban.reconcile.controller import Snapshot

STATUS = Key(*CONFIG_MAP, STATUS_NAMESPACE, STATUS_NAME)
UPDATED = "cluster-autoscaler.kubernetes.io/last-updated"


def status_map(snapshot: Snapshot) -> Manifest:
    """The map, or what events say it is while there is none."""
    found = snapshot.get(STATUS)
    metadata = {"name": STATUS_NAME, "namespace": STATUS_NAMESPACE}
    return found or {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


class Status:
    """Keeps the map true. What holds is put into words when it is not what was said last."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._said: dict[str, Any] = {}
        self._text = ""

    def written(self, unneeded: Sequence[str], snapshot: Snapshot, now: Instant) -> list[Command]:
        """The command that makes the map say what holds; none when it does already."""
        said = body(self._registry, unneeded, now)
        if said != self._said:
            self._said = said
            self._text = "\n".join(["autoscalerStatus: Running", *lines(said)]) + "\n"
        found = snapshot.get(STATUS)
        before = (found or {}).get("data", {}).get("status", "")
        if before.partition("\n")[2] == self._text:
            return []
        data = {"status": f"time: {rfc3339(now)}\n{self._text}"}
        annotations = {UPDATED: rfc3339(now)}
        if found is None:
            empty = status_map(snapshot)
            metadata = {**empty["metadata"], "annotations": annotations}
            return [Create({**empty, "metadata": metadata, "data": data})]
        return [Patch(STATUS, {"metadata": {"annotations": annotations}, "data": data})]


def body(registry: Registry, unneeded: Sequence[str], now: Instant) -> dict[str, Any]:
    """What the map says of the cluster and of every group."""
    by_group: dict[str, int] = {}
    for node in unneeded:
        group = registry.group_of_node.get(node, "")
        by_group[group] = by_group.get(group, 0) + 1
    grows = any(registry.upcoming(name) for name in registry.groups)
    return {
        "clusterWide": {
            "health": _health(registry.total, is_healthy=registry.is_healthy()),
            "scaleUp": {"status": "InProgress" if grows else "NoActivity"},
            "scaleDown": _scale_down(len(unneeded)),
        },
        "nodeGroups": [
            {
                "name": name,
                "health": {
                    **_health(registry.counts[name], is_healthy=registry.is_group_healthy(name)),
                    "cloudProviderTarget": group.target,
                    "minSize": group.min,
                    "maxSize": group.max,
                },
                "scaleUp": {"status": _scale_up(registry, name, now)},
                "scaleDown": _scale_down(by_group.get(name, 0)),
            }
            for name, group in registry.groups.items()
        ],
    }


def _scale_up(registry: Registry, group: str, now: Instant) -> str:
    if registry.backoff.until(group, now) is not None:
        return "Backoff"
    return "InProgress" if registry.upcoming(group) else "NoActivity"


def _scale_down(candidates: int) -> dict[str, Any]:
    if not candidates:
        return {"status": "NoCandidates"}
    return {"status": "CandidatesPresent", "candidates": candidates}


def _health(counts: Counts, *, is_healthy: bool) -> dict[str, Any]:
    return {
        "status": "Healthy" if is_healthy else "Unhealthy",
        "nodeCounts": {
            "registered": {
                "total": counts.registered,
                "ready": counts.ready,
                "notStarted": counts.starting,
                "beingDeleted": counts.deleted,
                "unready": {"total": counts.unready, "resourceUnready": 0},
            },
            "longUnregistered": counts.long_unregistered,
            "unregistered": counts.unregistered,
        },
    }


def lines(tree: Mapping[str, Any], indent: str = "") -> list[str]:
    """A tree of maps, lists of maps and plain words as lines of YAML."""
    found = []
    for name, value in tree.items():
        if isinstance(value, Mapping):
            found += [f"{indent}{name}:", *lines(value, indent + "  ")]
        elif isinstance(value, list):
            found.append(f"{indent}{name}:" if value else f"{indent}{name}: []")
            for entry in value:
                first, *rest = lines(entry, indent + "  ")
                found += [f"{indent}- {first.strip()}", *rest]
        else:
            found.append(f"{indent}{name}: {value}")
    return found
