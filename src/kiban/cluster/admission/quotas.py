"""Refuses objects beyond a namespace's ResourceQuotas.

What is used is counted from the objects that are there, so that nothing has to be kept up to date;
a controller writes the same figures into the quotas' status. Source: apiserver's
pkg/admission/plugin/resourcequota/controller.go.
"""

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.api.failures import forbidden
from kiban.cluster.quotas import RESOURCE_QUOTA, Amount, amount_of, is_in_scope, needs, use_of, used
from kiban.kube.objects import POD, Manifest, get_in


def review_quotas(attempt: Attempt, manifest: Manifest) -> None:
    """Raise `Failure` 403 when a quota has no room for a new object, or for its new size."""
    if attempt.verb == "DELETE" or attempt.subresource or not attempt.namespace:
        return
    if attempt.verb == "UPDATE" and attempt.info.group_kind == POD:
        return
    for quota in attempt.store.list(RESOURCE_QUOTA, attempt.namespace):
        if is_in_scope(manifest, quota):
            _check(attempt, manifest, quota)


def _check(attempt: Attempt, manifest: Manifest, quota: Manifest) -> None:
    hard = get_in(quota, "spec", "hard", default={})
    name = quota["metadata"]["name"]
    if attempt.info.group_kind == POD:
        _check_named(attempt, manifest, name, hard)
    over: list[tuple[str, Amount, Amount]] = []
    for resource in sorted(hard):
        asked = use_of(manifest, attempt.info, resource)
        if attempt.old is not None:
            asked -= use_of(attempt.old, attempt.info, resource)
        if asked.value <= 0:
            continue
        others = attempt.store.list(attempt.info.group_kind, attempt.namespace)
        before = used(quota, resource, attempt.info, others)
        if (before + asked).value > amount_of(hard[resource]).value:
            over.append((resource, asked, before))
    if over:
        asked_text = ",".join(f"{key}={asked}" for key, asked, _ in over)
        used_text = ",".join(f"{key}={before}" for key, _, before in over)
        limit_text = ",".join(f"{key}={amount_of(hard[key])}" for key, _, _ in over)
        why = (
            f"exceeded quota: {name}, requested: {asked_text}, used: {used_text}, "
            f"limited: {limit_text}"
        )
        raise forbidden(attempt.info, attempt.name, why)


def _check_named(attempt: Attempt, pod: Manifest, name: str, hard: dict[str, str]) -> None:
    """Every container must say what a quota limits."""
    missing = []
    for resource in sorted(hard):
        wanted = needs(resource)
        if wanted is None:
            continue
        everyone = [
            *get_in(pod, "spec", "containers", default=[]),
            *get_in(pod, "spec", "initContainers", default=[]),
        ]
        silent = sorted(
            container["name"]
            for container in everyone
            if get_in(container, "resources", *wanted) is None
        )
        if silent:
            missing.append(f"{resource} for: {','.join(silent)}")
    if missing:
        why = f"failed quota: {name}: must specify {'; '.join(missing)}"
        raise forbidden(attempt.info, attempt.name, why)
