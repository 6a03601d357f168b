"""How kinds differ when they are written: one table, read by `registry`.

Source: the `strategy.go` of each kind under kubernetes/pkg/registry, and B1.4 of the reference.
What is not in the table behaves like a custom resource's built-in cousin: generation counted only
where listed, a status that clients cannot set through the main end point, last writer wins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kiban.kube.kinds import KindInfo

Status = Mapping[str, Any]
NO_STATUS: Status = {}


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
    # The status of a new object; None leaves out what the client sent and sets nothing.
    first_status: Status | None = None
    # The status is ordinary data: no end point of its own guards it.
    open_status: bool = False
    # Changes through /status keep the metadata that is there.
    status_keeps_metadata: bool = False


_COUNTED = Strategy(generation=True)
_STATUS_COUNTED = Strategy(generation=True, first_status=NO_STATUS)
_CREATED = Strategy(create_on_update=True)
_CUSTOM = Strategy(generation=True, unconditional_update=False)

_NODE_INFO = dict.fromkeys(
    (
        "machineID", "systemUUID", "bootID", "kernelVersion", "osImage",
        "containerRuntimeVersion", "kubeletVersion", "kubeProxyVersion", "operatingSystem",
        "architecture",
    ),
    "",
)  # fmt: skip

_TABLE: dict[tuple[str, str], Strategy] = {
    ("", "Pod"): Strategy(generation=True, first_status={"phase": "Pending"}),
    ("", "Namespace"): Strategy(first_status={"phase": "Active"}),
    ("", "Node"): Strategy(
        open_status=True,
        first_status={
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
            "nodeInfo": _NODE_INFO,
        },
    ),
    ("", "Service"): Strategy(create_on_update=True, first_status={"loadBalancer": {}}),
    ("", "PersistentVolumeClaim"): Strategy(first_status={"phase": "Pending"}),
    ("", "PersistentVolume"): Strategy(first_status={"phase": "Pending"}),
    ("", "ReplicationController"): Strategy(
        generation=True, orphan_by_default=True, first_status={"replicas": 0}
    ),
    ("", "ResourceQuota"): Strategy(first_status=NO_STATUS),
    ("", "Endpoints"): _CREATED,
    ("", "Event"): _CREATED,
    ("", "LimitRange"): _CREATED,
    ("events.k8s.io", "Event"): _CREATED,
    ("apps", "Deployment"): Strategy(
        generation=True, generation_by_annotations=True, first_status=NO_STATUS
    ),
    ("apps", "ReplicaSet"): Strategy(generation=True, first_status={"replicas": 0}),
    ("apps", "StatefulSet"): Strategy(
        generation=True, first_status={"replicas": 0, "availableReplicas": 0}
    ),
    ("apps", "DaemonSet"): Strategy(
        generation=True,
        first_status={
            "currentNumberScheduled": 0,
            "numberMisscheduled": 0,
            "desiredNumberScheduled": 0,
            "numberReady": 0,
        },
    ),
    ("batch", "Job"): Strategy(generation=True, orphan_by_default=True, first_status=NO_STATUS),
    ("batch", "CronJob"): _STATUS_COUNTED,
    ("autoscaling", "HorizontalPodAutoscaler"): Strategy(
        first_status={"desiredReplicas": 0, "currentMetrics": None}
    ),
    ("networking.k8s.io", "Ingress"): Strategy(generation=True, first_status={"loadBalancer": {}}),
    ("networking.k8s.io", "NetworkPolicy"): _COUNTED,
    ("networking.k8s.io", "IngressClass"): _COUNTED,
    ("policy", "PodDisruptionBudget"): Strategy(
        generation=True,
        unconditional_update=False,
        first_status={
            "disruptionsAllowed": 0,
            "currentHealthy": 0,
            "desiredHealthy": 0,
            "expectedPods": 0,
        },
    ),
    ("discovery.k8s.io", "EndpointSlice"): _COUNTED,
    ("scheduling.k8s.io", "PriorityClass"): _COUNTED,
    ("coordination.k8s.io", "Lease"): Strategy(unconditional_update=False, create_on_update=True),
    ("node.k8s.io", "RuntimeClass"): Strategy(unconditional_update=False, create_on_update=True),
    ("rbac.authorization.k8s.io", "Role"): _CREATED,
    ("rbac.authorization.k8s.io", "RoleBinding"): _CREATED,
    ("rbac.authorization.k8s.io", "ClusterRole"): _CREATED,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _CREATED,
    ("storage.k8s.io", "CSIDriver"): Strategy(unconditional_update=False),
    ("storage.k8s.io", "CSINode"): Strategy(unconditional_update=False),
    ("storage.k8s.io", "VolumeAttachment"): Strategy(unconditional_update=False),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): Strategy(
        generation=True,
        unconditional_update=False,
        first_status={
            "acceptedNames": {"kind": "", "plural": ""},
            "conditions": None,
            "storedVersions": [],
        },
    ),
    **{
        ("admissionregistration.k8s.io", kind): Strategy(
            generation=True, unconditional_update=False
        )
        for kind in (
            "MutatingWebhookConfiguration",
            "ValidatingWebhookConfiguration",
            "ValidatingAdmissionPolicyBinding",
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
        )
    },
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): Strategy(
        generation=True, unconditional_update=False, first_status=NO_STATUS
    ),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"): _STATUS_COUNTED,
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): _STATUS_COUNTED,
}
_BUILT_IN = Strategy()


def strategy_of(info: KindInfo) -> Strategy:
    """The writing rules of a kind; custom resources, known by lacking a type, share one."""
    found = _TABLE.get((info.group, info.kind))
    if found is not None:
        return found
    return _BUILT_IN if info.type_name else _CUSTOM
