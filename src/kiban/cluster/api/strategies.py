"""How kinds differ when they are written: one table, read by `registry`.

Source: the `strategy.go` of each kind under kubernetes/pkg/registry, and B1.4 of the reference.
What is not in the table behaves like a custom resource's built-in cousin: generation counted only
where listed, a status that clients cannot set through the main end point, last writer wins.
"""

from dataclasses import dataclass

from kiban.kube.kinds import KindInfo


@dataclass(frozen=True, slots=True)
class Strategy:
    """The writing rules of one kind."""

    # Counts changes of everything but metadata and status in metadata.generation.
    generation: bool = False
    # Counts changed annotations as well.
    generation_by_annotations: bool = False
    # PUT without a resourceVersion wins over whatever is there.
    unconditional_update: bool = True
    # PUT on a missing name creates it.
    create_on_update: bool = False
    # What becomes of dependents when a delete does not say.
    orphan_by_default: bool = False
    # The status is ordinary data: no end point of its own guards it.
    open_status: bool = False
    # Changes through /status keep the metadata that is there.
    status_keeps_metadata: bool = False


_PLAIN = Strategy()
_COUNTED = Strategy(generation=True)
_CREATED = Strategy(create_on_update=True)
_VERSIONED = Strategy(unconditional_update=False)
_CUSTOM = Strategy(generation=True, unconditional_update=False, status_keeps_metadata=True)
_OWN = Strategy(generation=True, unconditional_update=False)
_RBAC, _ADMISSION = "rbac.authorization.k8s.io", "admissionregistration.k8s.io"

_TABLE: dict[tuple[str, str], Strategy] = {
    ("", "Pod"): _COUNTED,
    ("", "Node"): Strategy(open_status=True),
    ("", "Service"): _CREATED,
    ("", "ReplicationController"): Strategy(generation=True, orphan_by_default=True),
    ("", "Endpoints"): _CREATED,
    ("", "Event"): _CREATED,
    ("", "LimitRange"): _CREATED,
    ("events.k8s.io", "Event"): _CREATED,
    ("apps", "Deployment"): Strategy(generation=True, generation_by_annotations=True),
    ("apps", "ReplicaSet"): _COUNTED,
    ("apps", "StatefulSet"): _COUNTED,
    ("apps", "DaemonSet"): _COUNTED,
    ("batch", "Job"): Strategy(generation=True, orphan_by_default=True),
    ("batch", "CronJob"): _COUNTED,
    ("networking.k8s.io", "Ingress"): _COUNTED,
    ("networking.k8s.io", "NetworkPolicy"): _COUNTED,
    ("networking.k8s.io", "IngressClass"): _COUNTED,
    ("policy", "PodDisruptionBudget"): _OWN,
    ("discovery.k8s.io", "EndpointSlice"): _COUNTED,
    ("scheduling.k8s.io", "PriorityClass"): _COUNTED,
    ("coordination.k8s.io", "Lease"): Strategy(unconditional_update=False, create_on_update=True),
    ("node.k8s.io", "RuntimeClass"): Strategy(unconditional_update=False, create_on_update=True),
    (_RBAC, "Role"): _CREATED,
    (_RBAC, "RoleBinding"): _CREATED,
    (_RBAC, "ClusterRole"): _CREATED,
    (_RBAC, "ClusterRoleBinding"): _CREATED,
    ("storage.k8s.io", "CSIDriver"): _VERSIONED,
    ("storage.k8s.io", "CSINode"): _VERSIONED,
    ("storage.k8s.io", "VolumeAttachment"): _VERSIONED,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _OWN,
    (_ADMISSION, "MutatingWebhookConfiguration"): _OWN,
    (_ADMISSION, "ValidatingWebhookConfiguration"): _OWN,
    (_ADMISSION, "ValidatingAdmissionPolicy"): _OWN,
    (_ADMISSION, "ValidatingAdmissionPolicyBinding"): _OWN,
    (_ADMISSION, "MutatingAdmissionPolicy"): _OWN,
    (_ADMISSION, "MutatingAdmissionPolicyBinding"): _OWN,
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"): _COUNTED,
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): _COUNTED,
}


def strategy_of(info: KindInfo) -> Strategy:
    """The writing rules of a kind; custom resources, known by lacking a type, share one."""
    found = _TABLE.get((info.group, info.kind))
    if found is not None:
        return found
    return _PLAIN if info.type_name else _CUSTOM
