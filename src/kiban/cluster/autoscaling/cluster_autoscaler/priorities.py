"""The priority expander's ConfigMap: patterns of group names by priority, as YAML in it."""

from collections.abc import Mapping, Sequence

from kiban.cluster.api.yaml_text import Unreadable, yaml_value
from kiban.cluster.autoscaling.cluster_autoscaler.settings import (
    PRIORITIES_NAME,
    STATUS_NAMESPACE,
)
from kiban.kube.objects import CONFIG_MAP, Key, get_in
from kiban.reconcile.controller import Snapshot

PRIORITIES = Key(*CONFIG_MAP, STATUS_NAMESPACE, PRIORITIES_NAME)


def priorities_in(snapshot: Snapshot) -> Mapping[int, Sequence[str]]:
    """The patterns by priority; nothing when there is no map or it cannot be read."""
    text = get_in(snapshot.get(PRIORITIES), "data", "priorities", default="")
    try:
        tree = yaml_value(text.encode())
    except Unreadable:
        return {}
    if not isinstance(tree, Mapping):
        return {}
    return {
        int(priority): [str(pattern) for pattern in patterns]
        for priority, patterns in tree.items()
        if isinstance(priority, int) and isinstance(patterns, list)
    }
