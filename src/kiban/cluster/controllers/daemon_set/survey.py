"""The nodes and pods of a DaemonSet at one instant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from kiban.cluster.controllers.daemon_set.placing import Fit, fit, target_node_of
from kiban.cluster.controllers.pods import created_at, is_assigned, is_terminal
from kiban.kube.objects import Manifest, is_deleting
from kiban.primitives.instants import Instant


@dataclass(frozen=True)
class Survey:
    """Everything that one pass decides on. `digest` is the hash of the present template."""

    daemon_set: Manifest
    nodes: Sequence[Manifest]
    pods: Sequence[Manifest]
    digest: str
    now: Instant

    @cached_property
    def by_node(self) -> dict[str, list[Manifest]]:
        """The pods by the node they run on or are meant for: placed ones first, then the oldest.
        Those that have ended and are on their way out no longer count."""
        found: dict[str, list[Manifest]] = {}
        for pod in sorted(self.pods, key=_by_age):
            if not (is_terminal(pod) and is_deleting(pod)):
                found.setdefault(target_node_of(pod), []).append(pod)
        return found

    @cached_property
    def fits(self) -> Mapping[str, Fit]:
        return {node["metadata"]["name"]: fit(self.daemon_set, node) for node in self.nodes}

    @cached_property
    def desired(self) -> int:
        return sum(entry.should_run for entry in self.fits.values())

    @property
    def min_ready_seconds(self) -> int:
        return int(self.daemon_set["spec"].get("minReadySeconds", 0))


def _by_age(pod: Manifest) -> tuple[bool, Instant, str]:
    return not is_assigned(pod), created_at(pod), pod["metadata"]["name"]
