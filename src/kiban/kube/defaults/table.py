"""Which defaults belong to which kind."""

from collections.abc import Callable

from kiban.kube.defaults import pods, services, settings, workloads
from kiban.kube.objects import GroupKind, Manifest, group_of

_STORAGE = {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"}


def _with_status(manifest: Manifest) -> Manifest:
    return manifest if "status" in manifest else {**manifest, "status": {}}


def _pod_template(manifest: Manifest) -> Manifest:
    return {**manifest, "template": pods.default_template(manifest.get("template"))}


_DEFAULTS: dict[GroupKind, Callable[[Manifest], Manifest]] = {
    GroupKind("", "Endpoints"): services.default_endpoints,
    GroupKind("", "Event"): settings.default_event,
    GroupKind("", "LimitRange"): settings.default_limit_range,
    GroupKind("", "Namespace"): settings.default_namespace,
    GroupKind("", "Node"): settings.default_node,
    GroupKind("", "PersistentVolume"): settings.default_volume,
    GroupKind("", "PersistentVolumeClaim"): workloads.default_claim,
    GroupKind("", "Pod"): pods.default_pod,
    GroupKind("", "PodTemplate"): _pod_template,
    GroupKind("", "ReplicationController"): workloads.default_replication_controller,
    GroupKind("", "ResourceQuota"): _with_status,
    GroupKind("", "Secret"): settings.default_secret,
    GroupKind("", "Service"): services.default_service,
    GroupKind("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): (
        settings.default_webhooks
    ),
    GroupKind("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): (
        settings.default_webhooks
    ),
    GroupKind("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): (
        settings.default_admission_policy
    ),
    GroupKind("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"): (
        settings.default_policy_binding
    ),
    GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): settings.default_definition,
    GroupKind("apps", "DaemonSet"): workloads.default_daemon_set,
    GroupKind("apps", "Deployment"): workloads.default_deployment,
    GroupKind("apps", "ReplicaSet"): workloads.default_replica_set,
    GroupKind("apps", "StatefulSet"): workloads.default_stateful_set,
    GroupKind("autoscaling", "HorizontalPodAutoscaler"): workloads.default_autoscaler,
    GroupKind("batch", "CronJob"): workloads.default_cron_job,
    GroupKind("batch", "Job"): workloads.default_job,
    GroupKind("certificates.k8s.io", "CertificateSigningRequest"): _with_status,
    GroupKind("discovery.k8s.io", "EndpointSlice"): services.default_endpoint_slice,
    GroupKind("events.k8s.io", "Event"): settings.default_event,
    GroupKind("flowcontrol.apiserver.k8s.io", "FlowSchema"): settings.default_flow_schema,
    GroupKind("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): (
        settings.default_priority_level
    ),
    GroupKind("networking.k8s.io", "Ingress"): services.default_ingress,
    GroupKind("networking.k8s.io", "IngressClass"): settings.default_ingress_class,
    GroupKind("networking.k8s.io", "NetworkPolicy"): services.default_network_policy,
    GroupKind("networking.k8s.io", "ServiceCIDR"): _with_status,
    GroupKind("policy", "PodDisruptionBudget"): settings.default_budget,
    GroupKind("rbac.authorization.k8s.io", "ClusterRole"): settings.default_role,
    GroupKind("rbac.authorization.k8s.io", "ClusterRoleBinding"): settings.default_binding,
    GroupKind("rbac.authorization.k8s.io", "Role"): settings.default_role,
    GroupKind("rbac.authorization.k8s.io", "RoleBinding"): settings.default_binding,
    GroupKind("scheduling.k8s.io", "PriorityClass"): lambda manifest: {
        # A number that is not a pointer: without it, it is zero.
        "value": 0,
        "preemptionPolicy": "PreemptLowerPriority",
        **manifest,
    },
    GroupKind("storage.k8s.io", "CSIDriver"): settings.default_storage_driver,
    GroupKind("storage.k8s.io", "VolumeAttachment"): settings.default_attachment,
    GroupKind("storage.k8s.io", "StorageClass"): lambda manifest: {**_STORAGE, **manifest},
}


# What is left to do when the spec is complete.
_STATUS_ONLY: dict[Callable[[Manifest], Manifest], Callable[[Manifest], Manifest]] = {
    pods.default_pod: pods.default_pod_status
}


def default(manifest: Manifest, known: Manifest | None = None) -> Manifest:
    """The manifest with the defaults of its kind; unknown kinds come back as they are.

    Values must be of the right types (`schema.reading.read` sees to that). `known` has its
    defaults: a part that is its very own needs none.
    """
    fill = _DEFAULTS.get(GroupKind(group_of(manifest["apiVersion"]), manifest["kind"]))
    if fill is None:
        return manifest
    spec = manifest.get("spec")
    if known is not None and spec is not None and spec is known.get("spec"):
        fill = _STATUS_ONLY.get(fill, fill)
    return fill(manifest if "metadata" in manifest else {**manifest, "metadata": {}})
