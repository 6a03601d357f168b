"""The objects of a rollout at one of its stages, as plain Kubernetes: a second Deployment, a
Service for its pods, addresses that keep to one kind of pods, routes with weights.

The second Deployment has the very template of the first one to be, so that its pods can be taken
over at the end instead of being made anew.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from kiban.compiler.rollout import REVISION_LABEL, ROLLOUT_ANNOTATION
from kiban.delivery.marks import APPLIED_ANNOTATION, Scope, marked
from kiban.delivery.progressive.progress import (
    ABORTED,
    CANARY_OF,
    SINCE,
    STAGE,
    SUFFIX,
    WHY,
    Progress,
)
from kiban.kube.objects import (
    HORIZONTAL_POD_AUTOSCALER,
    INGRESS,
    SERVICE,
    Key,
    Manifest,
    annotations_of,
    get_in,
    key_of,
    replaced,
)

ACTIONS = "alb.ingress.kubernetes.io/actions"
BY_ACTION = "use-annotation"

Objects = dict[Key, Manifest]


def addresses_at(progress: Progress, scope: Scope, stage: int) -> Objects:
    """The Services at a stage: those of everybody kept to one kind of pods, and one for the new
    pods where routes lead there."""
    if not progress.policy.switches:
        return {}
    is_new = progress.policy.strategy == "blue-green" and progress.policy.shares[stage] == 100
    revision = progress.new if is_new else progress.old
    found = [_kept_to(service, revision) for service in _related(progress, SERVICE)]
    if progress.policy.by_weight:
        found += [_for_canary(progress, service) for service in _related(progress, SERVICE)]
    return _marked(found, scope)


def routes_at(progress: Progress, scope: Scope, stage: int | None) -> Objects:
    """The routes at a stage, or before the first one."""
    if not progress.policy.by_weight:
        return {}
    share = 0 if stage is None else progress.policy.shares[stage]
    services = {one["metadata"]["name"] for one in _related(progress, SERVICE)}
    found = [_weighed(one, services, share) for one in _related(progress, INGRESS)]
    return _marked(found, scope)


def pods_at(progress: Progress, scope: Scope, stage: int, since: int | None = None) -> Objects:
    """The Deployment of the new pods at a stage, and an autoscaler that keeps the old ones."""
    notes = {STAGE: str(stage)} | ({SINCE: str(since)} if since is not None else {})
    count = progress.policy.pods(stage, progress.size)
    found = [_canary(progress, count, notes)]
    found += [
        _at_least(one, progress.size) for one in _related(progress, HORIZONTAL_POD_AUTOSCALER)
    ]
    return _marked(found, scope)


def given_up(progress: Progress, scope: Scope, why: str) -> Objects:
    """What is left of a rollout that failed: no new pod, and a note that tells why."""
    notes = {STAGE: ABORTED, WHY: why[:500]}
    kept = addresses_at(progress, scope, 0)
    return {**kept, **_marked([_canary(progress, 0, notes)], scope)}


def paused(progress: Progress, scope: Scope) -> Objects:
    """The Deployment with its new template, before it may make pods by it."""
    return _marked([replaced(_bare(progress.wanted), ("spec", "paused"), True)], scope)


def _related(progress: Progress, kind: object) -> list[Manifest]:
    return [one for key, one in sorted(progress.related.items()) if key.group_kind == kind]


def _marked(found: list[Manifest], scope: Scope) -> Objects:
    return {key_of(one): marked(_bare(one), scope) for one in found}


def _bare(manifest: Manifest) -> Manifest:
    """Without the mark of what it was made from."""
    notes = {
        name: text for name, text in annotations_of(manifest).items() if name != APPLIED_ANNOTATION
    }
    return replaced(manifest, ("metadata", "annotations"), notes)


def _canary(progress: Progress, count: int, notes: Mapping[str, str]) -> Manifest:
    wanted = _renamed(progress, progress.wanted, notes)
    return replaced(wanted, ("spec", "replicas"), count)


def _renamed(progress: Progress, manifest: Manifest, notes: Mapping[str, str]) -> Manifest:
    metadata = manifest["metadata"]
    kept = {
        name: text
        for name, text in annotations_of(manifest).items()
        if name not in (ROLLOUT_ANNOTATION, APPLIED_ANNOTATION)
    }
    annotations = {**kept, CANARY_OF: progress.key.name, **notes}
    name = metadata["name"] + SUFFIX
    return {**manifest, "metadata": {**metadata, "name": name, "annotations": annotations}}


def _kept_to(service: Manifest, revision: str) -> Manifest:
    selector = {**service["spec"]["selector"], REVISION_LABEL: revision}
    return replaced(service, ("spec", "selector"), selector)


def _for_canary(progress: Progress, service: Manifest) -> Manifest:
    return _renamed(progress, _kept_to(service, progress.new), {})


def _at_least(autoscaler: Manifest, size: int) -> Manifest:
    """An autoscaler that sees less load must not take away the pods one may have to go back to."""
    least = max(size, autoscaler["spec"].get("minReplicas", 1))
    return replaced(autoscaler, ("spec", "minReplicas"), least)


def _weighed(ingress: Manifest, services: set[str], share: int) -> Manifest:
    actions: dict[str, str] = {}
    rules = [
        replaced(rule, ("http", "paths"), list(_paths(rule, services, share, actions)))
        if get_in(rule, "http", "paths")
        else rule
        for rule in ingress["spec"].get("rules", [])
    ]
    changed = replaced(ingress, ("spec", "rules"), rules)
    return replaced(changed, ("metadata", "annotations"), {**annotations_of(changed), **actions})


def _paths(
    rule: Manifest, services: set[str], share: int, actions: dict[str, str]
) -> Iterator[Manifest]:
    for path in rule["http"]["paths"]:
        backend = get_in(path, "backend", "service", default={})
        name = backend.get("name", "")
        if name not in services:
            yield path
            continue
        port = backend["port"].get("number") or backend["port"].get("name")
        action = f"{name}-{port}"
        actions[f"{ACTIONS}.{action}"] = _forward(name, port, share)
        yield replaced(path, ("backend", "service"), {"name": action, "port": {"name": BY_ACTION}})


def _forward(service: str, port: Any, share: int) -> str:
    groups = [
        {"serviceName": name, "servicePort": str(port), "weight": weight}
        for name, weight in ((service, 100 - share), (service + SUFFIX, share))
    ]
    return json.dumps({"type": "forward", "forwardConfig": {"targetGroups": groups}})
