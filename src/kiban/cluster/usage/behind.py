"""Which pods share what a service is asked. An autoscaler may own only some of them: those on spot
capacity, or of a canary."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from kiban.cluster.usage.measurements import ServiceLoad
from kiban.kube.objects import Manifest, is_deleting, labels_of


def is_behind(pod: Manifest, load: ServiceLoad) -> bool:
    """Whether the service chooses the pod."""
    labels = labels_of(pod)
    return bool(load.selector) and all(
        labels.get(name) == value for name, value in load.selector.items()
    )


def with_pods(loads: Iterable[ServiceLoad], pods: Iterable[Manifest]) -> tuple[ServiceLoad, ...]:
    """The loads with the number of pods that serve them."""
    by_namespace: dict[str, list[Manifest]] = {}
    for pod in pods:
        if (pod.get("status") or {}).get("phase") == "Running" and not is_deleting(pod):
            by_namespace.setdefault(pod["metadata"]["namespace"], []).append(pod)

    def counted(load: ServiceLoad, near: Sequence[Manifest]) -> ServiceLoad:
        return replace(load, pods=sum(is_behind(pod, load) for pod in near))

    return tuple(counted(load, by_namespace.get(load.namespace, ())) for load in loads)
