"""Whether a Service asks for addresses that a cluster of IPv4 alone can give.

Source: kubernetes/pkg/registry/core/service/storage/alloc.go, initIPFamilyFields.
"""

import json
from typing import Any

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.api.failures import Cause, invalid, wrong_value

Spec = dict[str, Any]
SERVED = "IPv4"
_ONE_ONLY = "must be 'RequireDualStack' or 'PreferDualStack' when multiple {} are specified"


def check_families(attempt: Attempt, spec: Spec) -> None:
    """Raise `Failure` 422 for a policy or a family that the cluster has not."""
    causes = _contradictions(spec)
    if not causes and not _may_say_anything(spec):
        causes = _unserved(spec)
    if causes:
        raise invalid(attempt.info, attempt.name, causes)


def _contradictions(spec: Spec) -> list[Cause]:
    policy, causes = spec.get("ipFamilyPolicy"), []
    if policy == "SingleStack":
        for part, what in (("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")):
            if len(spec.get(part) or ()) == 2:
                causes.append(
                    wrong_value("spec.ipFamilyPolicy", f'"{policy}"', _ONE_ONLY.format(what))
                )
    return causes


def _may_say_anything(spec: Spec) -> bool:
    """A headless service that selects nothing is for whoever writes its endpoints."""
    return spec.get("clusterIP") == "None" and not spec.get("selector")


def _unserved(spec: Spec) -> list[Cause]:
    addresses = spec.get("clusterIPs") or []
    foreign = [index for index, address in enumerate(addresses) if ":" in address]
    if foreign:
        shown = json.dumps(addresses, separators=(",", ":"))
        why = "IPv6 is not configured on this cluster"
        return [wrong_value(f"spec.clusterIPs[{index}]", shown, why) for index in foreign]
    causes: list[Cause] = []
    if spec.get("ipFamilyPolicy") == "RequireDualStack":
        why = "this cluster is not configured for dual-stack services"
        causes.append(wrong_value("spec.ipFamilyPolicy", '"RequireDualStack"', why))
    for index, family in enumerate(spec.get("ipFamilies") or ()):
        if family in ("IPv4", "IPv6") and family != SERVED:
            why = "not configured on this cluster"
            causes.append(wrong_value(f"spec.ipFamilies[{index}]", f'"{family}"', why))
    return causes
