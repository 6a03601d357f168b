"""Which autoscalers have a pod of one target in common.

Every autoscaler is remembered with the selector that its target had in its last run, as the real
controller does; the second one to run is the first to see the conflict. Source: hpaSelectors in
pkg/controller/podautoscaler/horizontal.go.
"""

from kiban.cluster.controllers.horizontal_pod_autoscaler.proposals import Target
from kiban.cluster.controllers.selecting import SelectorIndex
from kiban.kube.objects import Key, labels_of


def rivals_for(target: Target, selectors: SelectorIndex) -> list[Key]:
    """All autoscalers that choose a pod of the target, its own one among them, by name."""
    found: dict[Key, None] = {}
    for pod in target.pods:
        for key in selectors.choosing(target.namespace, labels_of(pod)):
            found[key] = None
    return sorted(found)
