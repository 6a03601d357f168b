"""Autoscalers: whether they can work, and whether something works against them."""

from collections.abc import Iterator

from kiban.audit.findings import Rule, Said, Severity
from kiban.audit.view import View
from kiban.kube.objects import Key, Manifest, get_in, group_of

_HPA = "HorizontalPodAutoscaler"


def _target(key: Key, hpa: Manifest) -> Key:
    target = get_in(hpa, "spec", "scaleTargetRef", default={})
    group = group_of(target.get("apiVersion", ""))
    return Key(group, target.get("kind", ""), key.namespace, target.get("name", ""))


def _fixed(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        if workload.autoscaler is not None and "replicas" in workload.manifest.get("spec", {}):
            what = "`replicas` is written although an autoscaler owns it"
            yield Said(workload.key, "spec.replicas", what)


def _dangling(view: View) -> Iterator[Said]:
    for key, hpa in view.kind(_HPA):
        target = _target(key, hpa)
        if target not in view.by_key:
            yield Said(key, "spec.scaleTargetRef", f"there is no {target.kind} {target.name}")


def _range(view: View) -> Iterator[Said]:
    for key, hpa in view.kind(_HPA):
        least = get_in(hpa, "spec", "minReplicas", default=1)
        most = get_in(hpa, "spec", "maxReplicas", default=0)
        if most < least:
            yield Said(key, "spec.maxReplicas", f"the maximum {most} is below the minimum {least}")


def _requests(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        if workload.autoscaler is None:
            continue
        for metric in get_in(workload.autoscaler, "spec", "metrics", default=[]):
            name = get_in(metric, "resource", "name")
            is_share = get_in(metric, "resource", "target", "type") == "Utilization"
            for container in workload.running if name and is_share else ():
                if get_in(container.body, "resources", "requests", name) is None:
                    what = f"it scales by {name}, of which {container.name} requests none"
                    yield Said(workload.key, f"{container.path}.resources.requests.{name}", what)


RULES = (
    Rule(
        "hpa-with-fixed-replicas",
        Severity.WARNING,
        "every deploy resets the number, at peak too",
        "leave `replicas` out",
        _fixed,
    ),
    Rule(
        "hpa-target-missing",
        Severity.ERROR,
        "nothing is scaled",
        "name a Deployment that is there",
        _dangling,
    ),
    Rule(
        "hpa-range",
        Severity.ERROR,
        "the API server refuses it",
        "raise the maximum",
        _range,
    ),
    Rule(
        "hpa-needs-requests",
        Severity.ERROR,
        "a share of nothing cannot be computed, so it never scales",
        "say `resources`",
        _requests,
    ),
)
