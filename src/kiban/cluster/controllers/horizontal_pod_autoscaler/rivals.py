"""Which autoscalers have a pod of one target in common.

Every autoscaler is remembered with the selector that its target had in its last run, as the real
controller does; the second one to run is the first to see the conflict. Source: hpaSelectors in
pkg/controller/podautoscaler/horizontal.go.
"""

from collections.abc import Mapping

from kiban.cluster.controllers.horizontal_pod_autoscaler.proposals import Target
from kiban.kube.objects import Key
from kiban.kube.selectors import LabelSelector

Selectors = dict[Key, LabelSelector]


def rivals_for(target: Target, selectors: Mapping[Key, LabelSelector]) -> list[Key]:
    """All autoscalers that choose a pod of the target, its own one among them, by name."""
    return [
        key
        for key in sorted(selectors)
        if key.namespace == target.namespace
        and any(selectors[key].chooses(pod) for pod in target.pods)
    ]
