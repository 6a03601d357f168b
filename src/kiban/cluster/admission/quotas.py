"""Refuses pods beyond a namespace's ResourceQuotas: their number, their requests, their limits.

What is used is counted from the pods that are there, so nothing has to be kept up to date. Quotas
with scopes and counts of other kinds are not enforced. Source: apiserver's
plugin/resourcequota and pkg/quota/v1/evaluator/core/pods.go.
"""

from decimal import Decimal

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.api.failures import forbidden
from kiban.kube.objects import POD, GroupKind, Manifest, get_in
from kiban.kube.quantities import canonical_quantity
from kiban.primitives.quantities import parse_quantity

RESOURCE_QUOTA = GroupKind("", "ResourceQuota")
_COUNTED = ("pods", "count/pods")
_SHORT = {"cpu": "requests.cpu", "memory": "requests.memory"}


def review_quotas(attempt: Attempt, manifest: Manifest) -> None:
    """Raise `Failure` 403 when a quota has no room for the pod."""
    if attempt.verb != "CREATE" or attempt.info.group_kind != POD:
        return
    for quota in attempt.store.list(RESOURCE_QUOTA, attempt.namespace):
        spec = quota.get("spec") or {}
        if spec.get("scopes") or spec.get("scopeSelector"):
            continue
        _check(attempt, manifest, quota)


def _check(attempt: Attempt, pod: Manifest, quota: Manifest) -> None:
    hard = get_in(quota, "spec", "hard", default={})
    over: list[tuple[str, Decimal, Decimal]] = []
    for name in sorted(hard):
        asked = _use(pod, name)
        if not asked:
            continue
        others = attempt.store.list(POD, attempt.namespace)
        used = sum((_use(other, name) for other in others if not _is_over(other)), Decimal(0))
        if used + asked > parse_quantity(hard[name]):
            over.append((name, asked, used))
    if over:
        asked_text, used_text, limit_text = (
            ",".join(f"{name}={_text(value)}" for name, value in pairs)
            for pairs in (
                [(name, asked) for name, asked, _ in over],
                [(name, used) for name, _, used in over],
                [(name, parse_quantity(hard[name])) for name, _, _ in over],
            )
        )
        why = (
            f"exceeded quota: {quota['metadata']['name']}, requested: {asked_text}, "
            f"used: {used_text}, limited: {limit_text}"
        )
        raise forbidden(attempt.info, attempt.name, why)


def _use(pod: Manifest, name: str) -> Decimal:
    """What a pod takes of a quota's resource."""
    if name in _COUNTED:
        return Decimal(1)
    kind, _, resource = _SHORT.get(name, name).partition(".")
    if kind not in ("requests", "limits"):
        return Decimal(0)
    amounts = (
        get_in(container, "resources", kind, resource)
        for container in get_in(pod, "spec", "containers", default=[])
    )
    return sum((parse_quantity(amount) for amount in amounts if amount is not None), Decimal(0))


def _is_over(pod: Manifest) -> bool:
    return get_in(pod, "status", "phase") in ("Succeeded", "Failed")


def _text(value: Decimal) -> str:
    return canonical_quantity(format(value, "f"))
