"""Which rules belong to which kind."""

from collections.abc import Callable

from kiban.kube.kinds import KindInfo
from kiban.kube.objects import EVENT, GroupKind, Manifest
from kiban.kube.validation import (
    autoscalers,
    bounds,
    claims,
    events,
    jobs,
    networks,
    nodes,
    pod_changes,
    pods,
    policies,
    services,
    settings,
    volumes,
    webhooks,
    workloads,
)
from kiban.kube.validation.definitions import definition_stays, validate_definition
from kiban.kube.validation.faults import Faults
from kiban.kube.validation.metadata import validate_metadata, validate_metadata_update
from kiban.kube.validation.statuses import status_faults

Check = Callable[[Manifest], Faults]
Stays = Callable[[Manifest, Manifest], Faults]

_ADMISSION = "admissionregistration.k8s.io"
_RBAC = "rbac.authorization.k8s.io"

_CONTENT: dict[GroupKind, Check] = {
    GroupKind("", "ConfigMap"): settings.validate_config_map,
    GroupKind("", "Endpoints"): services.validate_endpoints,
    GroupKind("", "Event"): events.validate_event,
    GroupKind("", "LimitRange"): bounds.validate_limit_range,
    GroupKind("", "Namespace"): nodes.validate_namespace,
    GroupKind("", "Node"): nodes.validate_node,
    GroupKind("", "PersistentVolume"): volumes.validate_volume,
    GroupKind("", "PersistentVolumeClaim"): claims.validate_claim,
    GroupKind("", "Pod"): pods.validate_pod,
    GroupKind("", "PodTemplate"): workloads.validate_pod_template,
    GroupKind("", "ReplicationController"): workloads.validate_replication_controller,
    GroupKind("", "ResourceQuota"): bounds.validate_quota,
    GroupKind("", "Secret"): settings.validate_secret,
    GroupKind("", "Service"): services.validate_service,
    GroupKind(_ADMISSION, "MutatingWebhookConfiguration"): webhooks.validate_webhooks,
    GroupKind(_ADMISSION, "ValidatingAdmissionPolicy"): policies.validate_policy,
    GroupKind(_ADMISSION, "ValidatingAdmissionPolicyBinding"): policies.validate_policy_binding,
    GroupKind(_ADMISSION, "ValidatingWebhookConfiguration"): webhooks.validate_webhooks,
    GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): validate_definition,
    GroupKind("apps", "ControllerRevision"): workloads.validate_controller_revision,
    GroupKind("apps", "DaemonSet"): workloads.validate_daemon_set,
    GroupKind("apps", "Deployment"): workloads.validate_deployment,
    GroupKind("apps", "ReplicaSet"): workloads.validate_replica_set,
    GroupKind("apps", "StatefulSet"): workloads.validate_stateful_set,
    GroupKind("autoscaling", "HorizontalPodAutoscaler"): autoscalers.validate_autoscaler,
    GroupKind("batch", "CronJob"): jobs.validate_cron_job,
    GroupKind("batch", "Job"): jobs.validate_job,
    GroupKind("coordination.k8s.io", "Lease"): settings.validate_lease,
    GroupKind("discovery.k8s.io", "EndpointSlice"): networks.validate_endpoint_slice,
    GroupKind("networking.k8s.io", "Ingress"): networks.validate_ingress,
    GroupKind("networking.k8s.io", "IngressClass"): networks.validate_ingress_class,
    GroupKind("networking.k8s.io", "NetworkPolicy"): networks.validate_network_policy,
    GroupKind("node.k8s.io", "RuntimeClass"): settings.validate_runtime_class,
    GroupKind("policy", "PodDisruptionBudget"): settings.validate_budget,
    GroupKind("scheduling.k8s.io", "PriorityClass"): settings.validate_priority_class,
    GroupKind("storage.k8s.io", "StorageClass"): volumes.validate_class,
    GroupKind(_RBAC, "ClusterRole"): settings.validate_role,
    GroupKind(_RBAC, "ClusterRoleBinding"): settings.validate_binding,
    GroupKind(_RBAC, "Role"): settings.validate_role,
    GroupKind(_RBAC, "RoleBinding"): settings.validate_binding,
}

_STAYS: dict[GroupKind, Stays] = {
    GroupKind("", "ConfigMap"): settings.frozen_data_stays,
    GroupKind("", "PersistentVolumeClaim"): claims.claim_stays,
    GroupKind("", "Node"): nodes.node_stays,
    GroupKind("", "Pod"): pod_changes.pod_stays,
    GroupKind("", "PersistentVolume"): volumes.volume_stays,
    GroupKind("", "ResourceQuota"): bounds.quota_stays,
    GroupKind("", "Secret"): settings.secret_stays,
    GroupKind("", "Service"): services.service_stays,
    GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): definition_stays,
    GroupKind("apps", "ControllerRevision"): workloads.controller_revision_stays,
    GroupKind("apps", "DaemonSet"): workloads.selector_stays,
    GroupKind("apps", "Deployment"): workloads.selector_stays,
    GroupKind("apps", "ReplicaSet"): workloads.selector_stays,
    GroupKind("apps", "StatefulSet"): workloads.stateful_set_stays,
    GroupKind("autoscaling", "HorizontalPodAutoscaler"): autoscalers.autoscaler_stays,
    GroupKind("batch", "Job"): jobs.job_stays,
    GroupKind("discovery.k8s.io", "EndpointSlice"): networks.endpoint_slice_stays,
    GroupKind("networking.k8s.io", "IngressClass"): networks.ingress_class_stays,
    GroupKind("node.k8s.io", "RuntimeClass"): settings.runtime_class_stays,
    GroupKind("scheduling.k8s.io", "PriorityClass"): settings.priority_class_stays,
    GroupKind("storage.k8s.io", "StorageClass"): volumes.class_stays,
    GroupKind(_RBAC, "ClusterRoleBinding"): settings.role_reference_stays,
    GroupKind(_RBAC, "RoleBinding"): settings.role_reference_stays,
}

# What is checked of a changed object, where it is not what is checked of a new one.
_CHANGED: dict[GroupKind, Check] = {
    GroupKind("", "Pod"): pods.validate_pod_content,
    GroupKind("autoscaling", "HorizontalPodAutoscaler"): autoscalers.validate_changed_autoscaler,
    GroupKind("batch", "CronJob"): jobs.validate_changed_cron_job,
    GroupKind("batch", "Job"): jobs.validate_changed_job,
    GroupKind("networking.k8s.io", "Ingress"): networks.validate_changed_ingress,
}


def validate_create(manifest: Manifest, info: KindInfo, asked: str = "") -> Faults:
    """Everything that is wrong with an object that is to be created; `asked` is the version
    through which it is, where that matters."""
    check = _CONTENT.get(info.group_kind)
    faults = validate_metadata(manifest, info) + (check(manifest) if check else [])
    if asked == events.STRICT and info.group_kind == EVENT:
        faults += events.validate_told_event(manifest)
    return faults


_PARTS: dict[str, Stays] = {
    "ephemeralcontainers": pod_changes.ephemeral_containers_stay,
    "resize": pod_changes.resize_faults,
}


def validate_part_update(old: Manifest, new: Manifest, info: KindInfo, subresource: str) -> Faults:
    """Everything that is wrong with a change through an end point of a part."""
    if subresource == "status":
        faults = validate_metadata_update(old, new, info) * 2
        return faults + status_faults(info.group_kind, old, new)
    rule = _PARTS.get(subresource)
    return rule(old, new) if rule else []


def validate_update(old: Manifest, new: Manifest, info: KindInfo, asked: str = "") -> Faults:
    """Everything that is wrong with a change of an object, apart from its status.

    When only metadata differs, the rest is not looked at again: it was accepted before. Faults of
    metadata, and of a job's spec, come twice, as from kube-apiserver; `invalid_message` tells each
    once.
    """
    faults = validate_metadata_update(old, new, info) * 2
    if all(old.get(key) == new.get(key) for key in {*old, *new} - {"metadata", "status"}):
        return faults
    kind = info.group_kind
    check, stays = _CHANGED.get(kind) or _CONTENT.get(kind), _STAYS.get(kind)
    faults += (check(new) if check else []) * (2 if info.kind == "Job" else 1)
    faults += stays(old, new) if stays else []
    if asked == events.STRICT and kind == EVENT:
        faults += events.told_event_stays(old, new)
    return faults
