"""What every metric of an autoscaler proposes, and what its status shows of each.

Source: computeReplicasForMetrics in pkg/controller/podautoscaler/horizontal.go.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kiban.cluster.controllers.horizontal_pod_autoscaler.metrics import (
    Metrics,
    Sample,
    Unavailable,
)
from kiban.cluster.controllers.horizontal_pod_autoscaler.replicas import (
    TOLERANCE,
    USUAL,
    Groups,
    Present,
    Proposal,
    Tolerance,
    Uncountable,
    by_average,
    by_share,
    by_total,
    by_utilization,
    grouped,
    requests_of,
)
from kiban.kube.objects import Manifest
from kiban.kube.selectors import EVERYTHING, LabelSelector
from kiban.primitives.instants import Instant
from kiban.primitives.quantities import format_milli, milli

_NO_SAMPLES = "did not receive metrics for targeted pods (pods might be unready)"
# The status of a metric that could not be read is an entry that says nothing.
UNREAD: dict[str, Any] = {"type": ""}


@dataclass(frozen=True, slots=True)
class Target:
    """The workload that is sized, and its pods."""

    namespace: str
    spec_replicas: int
    status_replicas: int
    pods: Sequence[Manifest]
    selector: LabelSelector = EVERYTHING
    tolerance: Tolerance = USUAL

    @property
    def present(self) -> Present:
        return Present(self.spec_replicas, self.tolerance)


def tolerance_of(behavior: Mapping[str, Any]) -> Tolerance:
    """What an autoscaler says itself, in fractions; a tenth where it says nothing."""
    said = [(behavior.get(way) or {}).get("tolerance") for way in ("scaleDown", "scaleUp")]
    return Tolerance(*(TOLERANCE if text is None else milli(text) / 1000 for text in said))


@dataclass
class Proposals:
    """The largest proposal and where it came from, what failed, what the status shows."""

    replicas: int = 0
    metric: str = ""
    statuses: list[dict[str, Any]] = field(default_factory=list)
    failures: list[Unavailable] = field(default_factory=list)
    asked: int = 0

    @property
    def error(self) -> str:
        return (
            f"invalid metrics ({len(self.failures)} invalid out of {self.asked}), "
            f"first error is: {self.failures[0]}"
        )

    def is_unusable(self, target: Target) -> bool:
        """Whether nothing may be changed: all failed, or some did and the rest would shrink."""
        if len(self.failures) >= self.asked:
            return True
        return bool(self.failures) and self.replicas < target.spec_replicas


def proposals(
    specs: Sequence[Mapping[str, Any]], target: Target, metrics: Metrics, now: Instant
) -> Proposals:
    """Ask every metric."""
    found = Proposals(asked=len(specs))
    for spec in specs:
        try:
            proposal, name, status = _READERS[spec["type"]](spec, target, metrics, now)
        except Unavailable as failure:
            found.failures.append(failure)
            found.statuses.append(UNREAD)
            continue
        found.statuses.append(status)
        if found.replicas == 0 or proposal.replicas > found.replicas:
            found.replicas, found.metric = proposal.replicas, name
    return found


Reading = tuple[Proposal, str, dict[str, Any]]


def _resource(spec: Mapping[str, Any], target: Target, metrics: Metrics, now: Instant) -> Reading:
    source = spec["resource"]
    samples = metrics.resource(source["name"], target.pods, now)
    return _of_pods("Resource", source, target, samples, now)


def _container_resource(
    spec: Mapping[str, Any], target: Target, metrics: Metrics, now: Instant
) -> Reading:
    source = spec["containerResource"]
    container = source["container"]
    found = metrics.resource(source["name"], target.pods, now)
    for name in sorted(found):
        if container not in found[name].milli:
            why = (
                f"unable to get metrics for resource {source['name']}: failed to get container "
                f"metrics: container {container} not present in metrics for pod "
                f"{target.namespace}/{name}"
            )
            return _of_pods("ContainerResource", source, target, why, now)
    samples = {
        name: Sample({container: sample.milli[container]}, sample.at, sample.window_seconds)
        for name, sample in found.items()
    }
    return _of_pods("ContainerResource", source, target, samples, now)


def _of_pods(
    type_: str,
    source: Mapping[str, Any],
    target: Target,
    samples: Mapping[str, Sample] | str,
    now: Instant,
) -> Reading:
    """What the use of the pods proposes; a text says why it is not known."""
    name, goal = source["name"], source["target"]
    container = source.get("container")
    utilization = goal.get("averageUtilization")
    what = f"{name} utilization" if utilization is not None else f"{name} usage"
    try:
        if isinstance(samples, str):
            raise Uncountable(samples)
        if not samples:
            raise Uncountable(
                f"unable to get metrics for resource {name}: "
                "no metrics returned from resource metrics API"
            )
        groups = _counted(grouped(target.pods, samples, name, now))
        if utilization is not None:
            requests = requests_of(target.pods, name, container)
            proposal = by_utilization(groups, requests, utilization, target.present)
        else:
            proposal = by_average(groups, milli(goal["averageValue"]), target.present)
    except Uncountable as error:
        detail = f"failed to get {what}: {error}"
        whose = f"{name} resource" if container is None else f"{container} container"
        summary = f"failed to get {whose} metric value: {detail}"
        raise Unavailable(f"FailedGet{type_}Metric", detail, summary) from error
    current: dict[str, Any] = {"averageValue": format_milli(proposal.average_milli)}
    said = f"{name} resource"
    if proposal.utilization is not None:
        current["averageUtilization"] = proposal.utilization
        word = "resource" if container is None else "container resource"
        said = f"{name} {word} utilization (percentage of request)"
    body = {"name": name, "current": current}
    if container is not None:
        body["container"] = container
    return proposal, said, {"type": type_, _field(type_): body}


def _field(type_: str) -> str:
    return type_[0].lower() + type_[1:]


def _counted(groups: Groups) -> Groups:
    if not groups.used:
        raise Uncountable(_NO_SAMPLES)
    return groups


def _pods(spec: Mapping[str, Any], target: Target, metrics: Metrics, now: Instant) -> Reading:
    source = spec["pods"]
    name = source["metric"]["name"]
    try:
        samples = metrics.custom(name, target.pods, now)
        if not samples:
            raise Uncountable(
                f"unable to get metric {name}: no metrics returned from custom metrics API"
            )
        groups = _counted(grouped(target.pods, samples, "", now))
        goal = milli(source["target"]["averageValue"])
        proposal = by_average(groups, goal, target.present)
    except Uncountable as error:
        summary = f"failed to get pods metric value: {error}"
        raise Unavailable("FailedGetPodsMetric", str(error), summary) from error
    current = {"averageValue": format_milli(proposal.average_milli)}
    status = {"type": "Pods", "pods": {"metric": source["metric"], "current": current}}
    return proposal, f"pods metric {name}", status


def _object(spec: Mapping[str, Any], target: Target, metrics: Metrics, now: Instant) -> Reading:
    source = spec["object"]
    name, described = source["metric"]["name"], source["describedObject"]
    kind = described["kind"]
    value = metrics.described(target.namespace, kind, described["name"], name, now)
    if value is None:
        detail = (
            f"unable to get metric {name}: {kind} on {target.namespace} {described['name']}/"
            "no metrics returned from custom metrics API"
        )
        said = f"failed to get {name} object metric: {detail}" if _is_share(source) else detail
        summary = f"failed to get object metric value: {said}"
        raise Unavailable("FailedGetObjectMetric", detail, summary)
    proposal, current = _of_whole(source["target"], value, target)
    body = {"metric": source["metric"], "describedObject": described, "current": current}
    title = f"{kind} metric {name}"
    if _is_share(source):
        # The real controller takes it for an external metric here, and forgets the object.
        body["describedObject"] = {"kind": "", "name": ""}
        title = f"external metric {name}({_shown(source['metric'].get('selector'))})"
    return proposal, title, {"type": "Object", "object": body}


def _is_share(source: Mapping[str, Any]) -> bool:
    """Whether the target is what each pod may have of the whole."""
    return source["target"].get("averageValue") is not None


def _external(spec: Mapping[str, Any], target: Target, metrics: Metrics, now: Instant) -> Reading:
    source = spec["external"]
    name = source["metric"]["name"]
    chosen = source["metric"].get("selector")
    selector = _shown(chosen)
    values = metrics.external(target.namespace, name, chosen, now)
    if not values:
        detail = (
            f"unable to get external metric {target.namespace}/{name}/{selector}: "
            "no metrics returned from external metrics API"
        )
        what = f"{name} external metric" if _is_share(source) else f"external metric {name}"
        summary = f"failed to get {name} external metric value: failed to get {what}: {detail}"
        raise Unavailable("FailedGetExternalMetric", detail, summary)
    proposal, current = _of_whole(source["target"], sum(values), target)
    body = {"metric": source["metric"], "current": current}
    return proposal, f"external metric {name}({selector})", {"type": "External", "external": body}


def _shown(selector: Mapping[str, Any] | None) -> str:
    """A selector as Kubernetes prints the object into its messages."""
    if selector is None:
        return "nil"
    labels = selector.get("matchLabels") or {}
    equal = "".join(f"{name}: {labels[name]}," for name in sorted(labels))
    rules = "".join(
        f"LabelSelectorRequirement{{Key:{rule['key']},Operator:{rule['operator']},"
        f"Values:[{' '.join(rule.get('values') or ())}],}},"
        for rule in selector.get("matchExpressions") or ()
    )
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{equal}}},"
        f"MatchExpressions:[]LabelSelectorRequirement{{{rules}}},}}"
    )


def _of_whole(
    goal: Mapping[str, Any], total: int, target: Target
) -> tuple[Proposal, dict[str, Any]]:
    if goal.get("averageValue") is not None:
        proposal = by_share(
            total, milli(goal["averageValue"]), Present(target.status_replicas, target.tolerance)
        )
        return proposal, {"averageValue": format_milli(proposal.average_milli)}
    proposal = by_total(total, milli(goal["value"]), target.present, target.pods)
    return proposal, {"value": format_milli(total)}


_READERS: dict[str, Callable[[Mapping[str, Any], Target, Metrics, Instant], Reading]] = {
    "Resource": _resource,
    "ContainerResource": _container_resource,
    "Pods": _pods,
    "Object": _object,
    "External": _external,
}
