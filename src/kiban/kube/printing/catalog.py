"""Which columns each built-in kind has, and what fills them.

A text names the columns: `*` marks those of `-o wide`, `#` whole numbers, `?` yes or no, `@` dates.
`Name` at the beginning is filled for all but those in `SELF_NAMED`.
"""

from collections.abc import Callable
from typing import Any

from kiban.kube.objects import GroupKind, Manifest
from kiban.kube.printing import administration, pods, services, settings, workloads
from kiban.primitives.instants import Instant

Cells = Callable[[Manifest, Instant], list[Any]]

_RBAC = "rbac.authorization.k8s.io"
_REGISTRATION = "admissionregistration.k8s.io"
_FLOW, _GATEWAY = "flowcontrol.apiserver.k8s.io", "gateway.networking.k8s.io"
_DEVICES = "resource.k8s.io"
_BINDING = "Name|Role|Age|Users*|Groups*|ServiceAccounts*"
_EVENT = "Last Seen|Type|Reason|Object|Subobject*|Source*|Message|First Seen*|Count*|Name*"
_CONTROLLED = "Containers*|Images*|Selector*"

TABLES: dict[GroupKind, tuple[str, Cells]] = {
    GroupKind("", "ConfigMap"): ("Name|Data|Age", settings.config_map),
    GroupKind("", "Endpoints"): ("Name|Endpoints|Age", services.endpoints),
    GroupKind("", "Event"): (_EVENT, settings.event),
    GroupKind("events.k8s.io", "Event"): (_EVENT, settings.event),
    GroupKind("", "Namespace"): ("Name|Status|Age", settings.namespace),
    GroupKind("", "Node"): (
        "Name|Status|Roles|Age|Version|Internal-IP*|External-IP*|OS-Image*|Kernel-Version*"
        "|Container-Runtime*",
        workloads.node,
    ),
    GroupKind("", "PersistentVolume"): (
        "Name|Capacity|Access Modes|Reclaim Policy|Status|Claim|StorageClass"
        "|VolumeAttributesClass|Reason|Age|VolumeMode*",
        settings.volume,
    ),
    GroupKind("", "PersistentVolumeClaim"): (
        "Name|Status|Volume|Capacity|Access Modes|StorageClass|VolumeAttributesClass|Age"
        "|VolumeMode*",
        settings.claim,
    ),
    GroupKind("", "Pod"): (
        "Name|Ready|Status|Restarts|Age|IP*|Node*|Nominated Node*|Readiness Gates*",
        pods.pod_cells,
    ),
    GroupKind("", "ReplicationController"): (
        f"Name|Desired#|Current#|Ready#|Age|{_CONTROLLED}",
        workloads.replica_set,
    ),
    GroupKind("", "ResourceQuota"): ("Name|Request|Limit|Age", settings.quota),
    GroupKind("", "Secret"): ("Name|Type|Data|Age", settings.secret),
    GroupKind("", "Service"): (
        "Name|Type|Cluster-IP|External-IP|Port(s)|Age|Selector*",
        services.service,
    ),
    GroupKind("", "ServiceAccount"): ("Name|Age", settings.only_age),
    GroupKind(_REGISTRATION, "MutatingWebhookConfiguration"): (
        "Name|Webhooks#|Age",
        settings.webhooks,
    ),
    GroupKind(_REGISTRATION, "ValidatingWebhookConfiguration"): (
        "Name|Webhooks#|Age",
        settings.webhooks,
    ),
    GroupKind(_REGISTRATION, "ValidatingAdmissionPolicy"): (
        "Name|Validations#|ParamKind|Age",
        settings.admission_policy,
    ),
    GroupKind(_REGISTRATION, "ValidatingAdmissionPolicyBinding"): (
        "Name|PolicyName|ParamRef|Age",
        settings.admission_binding,
    ),
    GroupKind("node.k8s.io", "RuntimeClass"): ("Name|Handler|Age", settings.runtime_class),
    GroupKind("apps", "ControllerRevision"): (
        "Name|Controller|Revision|Age",
        settings.controller_revision,
    ),
    GroupKind("apps", "DaemonSet"): (
        f"Name|Desired#|Current#|Ready#|Up-to-date#|Available#|Node Selector|Age|{_CONTROLLED}",
        workloads.daemon_set,
    ),
    GroupKind("apps", "Deployment"): (
        f"Name|Ready|Up-to-date|Available|Age|{_CONTROLLED}",
        workloads.deployment,
    ),
    GroupKind("apps", "ReplicaSet"): (
        f"Name|Desired#|Current#|Ready#|Age|{_CONTROLLED}",
        workloads.replica_set,
    ),
    GroupKind("apps", "StatefulSet"): (
        "Name|Ready|Age|Containers*|Images*",
        workloads.stateful_set,
    ),
    GroupKind("autoscaling", "HorizontalPodAutoscaler"): (
        "Name|Reference|Targets|MinPods|MaxPods|Replicas|Age",
        workloads.autoscaler,
    ),
    GroupKind("batch", "CronJob"): (
        f"Name|Schedule|Timezone|Suspend?|Active#|Last Schedule|Age|{_CONTROLLED}",
        workloads.cron_job,
    ),
    GroupKind("batch", "Job"): (
        f"Name|Status|Completions|Duration|Age|{_CONTROLLED}",
        workloads.job,
    ),
    GroupKind("coordination.k8s.io", "Lease"): ("Name|Holder|Age", settings.lease),
    GroupKind("discovery.k8s.io", "EndpointSlice"): (
        "Name|AddressType|Ports|Endpoints|Age",
        services.endpoint_slice,
    ),
    GroupKind("networking.k8s.io", "Ingress"): (
        "Name|Class|Hosts|Address|Ports|Age",
        services.ingress,
    ),
    GroupKind("networking.k8s.io", "IngressClass"): (
        "Name|Controller|Parameters|Age",
        settings.ingress_class,
    ),
    GroupKind("networking.k8s.io", "NetworkPolicy"): (
        "Name|Pod-Selector|Age",
        services.network_policy,
    ),
    GroupKind("policy", "PodDisruptionBudget"): (
        "Name|Min Available|Max Unavailable|Allowed Disruptions#|Age",
        workloads.budget,
    ),
    GroupKind(_RBAC, "ClusterRoleBinding"): (_BINDING, settings.role_binding),
    GroupKind(_RBAC, "RoleBinding"): (_BINDING, settings.role_binding),
    GroupKind("scheduling.k8s.io", "PriorityClass"): (
        "Name|Value|Global-Default|Age|PreemptionPolicy*",
        settings.priority_class,
    ),
    GroupKind("storage.k8s.io", "StorageClass"): (
        "Name|Provisioner|ReclaimPolicy|VolumeBindingMode|AllowVolumeExpansion|Age",
        settings.storage_class,
    ),
    GroupKind("", "ComponentStatus"): (
        "Name|Status|Message|Error",
        administration.component_status,
    ),
    GroupKind("", "PodTemplate"): (
        "Name|Containers|Images|Pod Labels",
        administration.pod_template,
    ),
    GroupKind(_REGISTRATION, "MutatingAdmissionPolicy"): (
        "Name|Mutations#|ParamKind|Age",
        administration.mutating_policy,
    ),
    GroupKind(_REGISTRATION, "MutatingAdmissionPolicyBinding"): (
        "Name|PolicyName|ParamRef|Age",
        settings.admission_binding,
    ),
    GroupKind("apiregistration.k8s.io", "APIService"): (
        "Name|Service|Available|Age",
        administration.api_service,
    ),
    GroupKind("certificates.k8s.io", "CertificateSigningRequest"): (
        "Name|Age|SignerName|Requestor|RequestedDuration|Condition",
        administration.signing_request,
    ),
    GroupKind(_FLOW, "FlowSchema"): (
        "Name|PriorityLevel|MatchingPrecedence#|DistinguisherMethod|Age|MissingPL",
        administration.flow_schema,
    ),
    GroupKind(_FLOW, "PriorityLevelConfiguration"): (
        "Name|Type|NominalConcurrencyShares|Queues|HandSize|QueueLengthLimit|Age",
        administration.priority_level,
    ),
    GroupKind(_GATEWAY, "GatewayClass"): (
        "Name|Controller|Accepted|Age@|Description*",
        administration.gateway_class,
    ),
    GroupKind(_GATEWAY, "Gateway"): (
        "Name|Class|Address|Programmed|Age@",
        administration.gateway,
    ),
    GroupKind(_GATEWAY, "GRPCRoute"): ("Name|Hostnames|Age@", administration.route),
    GroupKind(_GATEWAY, "HTTPRoute"): ("Name|Hostnames|Age@", administration.route),
    GroupKind("networking.k8s.io", "IPAddress"): ("Name|ParentRef", administration.ip_address),
    GroupKind("networking.k8s.io", "ServiceCIDR"): (
        "Name|CIDRs|Age",
        administration.service_network,
    ),
    GroupKind(_DEVICES, "DeviceClass"): ("Name|Age", settings.only_age),
    GroupKind(_DEVICES, "ResourceClaim"): ("Name|State|Age", administration.resource_claim),
    GroupKind(_DEVICES, "ResourceClaimTemplate"): ("Name|Age", settings.only_age),
    GroupKind(_DEVICES, "ResourceSlice"): (
        "Name|Node|Driver|Pool|Age",
        administration.resource_slice,
    ),
    GroupKind("storage.k8s.io", "CSIDriver"): (
        "Name|AttachRequired?|PodInfoOnMount?|StorageCapacity?|TokenRequests|RequiresRepublish?"
        "|Modes|Age",
        administration.csi_driver,
    ),
    GroupKind("storage.k8s.io", "CSINode"): ("Name|Drivers#|Age", administration.csi_node),
    GroupKind("storage.k8s.io", "CSIStorageCapacity"): (
        "Name|StorageClassName|Capacity",
        administration.csi_capacity,
    ),
    GroupKind("storage.k8s.io", "VolumeAttachment"): (
        "Name|Attacher|PV|Node|Attached?|Age",
        administration.volume_attachment,
    ),
    GroupKind("storage.k8s.io", "VolumeAttributesClass"): (
        "Name|DriverName|Age",
        administration.attributes_class,
    ),
}

# These fill their first column too.
SELF_NAMED = (pods.pod_cells, settings.storage_class, settings.event)
