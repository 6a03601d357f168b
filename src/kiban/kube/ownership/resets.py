"""Fields that are never owned through an end point, because a write through it cannot set them.

Source: the GetResetFields methods of the strategies in k8s.io/kubernetes/pkg/registry.
"""

from kiban.kube.kinds import KindInfo
from kiban.kube.ownership.fieldsets import LEAF, FieldSet

NEVER_OWNED: FieldSet = {
    "f:apiVersion": LEAF,
    "f:kind": LEAF,
    "f:metadata": {
        "f:clusterName": LEAF,
        "f:creationTimestamp": LEAF,
        "f:generation": LEAF,
        "f:managedFields": LEAF,
        "f:name": LEAF,
        "f:namespace": LEAF,
        "f:resourceVersion": LEAF,
        "f:selfLink": LEAF,
        "f:uid": LEAF,
    },
}
_SPEC: FieldSet = {"f:spec": LEAF}
_STATUS: FieldSet = {"f:status": LEAF}
_BY_STATUS: dict[str, FieldSet] = {
    "Deployment": {**_SPEC, "f:metadata": {"f:labels": LEAF}},
    "Pod": {**_SPEC, "f:metadata": {"f:deletionTimestamp": LEAF, "f:ownerReferences": LEAF}},
    "CustomResourceDefinition": {**_SPEC, "f:metadata": LEAF},
}


def reset_fields(info: KindInfo, subresource: str = "") -> FieldSet:
    """The fields that do not count for writes to this end point; members stand for their tree."""
    if subresource == "status":
        return _BY_STATUS.get(info.kind, _SPEC)
    if not subresource and info.subresource("status") is not None:
        return _STATUS
    return {}
