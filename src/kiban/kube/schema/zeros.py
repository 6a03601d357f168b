"""Which optional scalars lose their zero value (`""`, `0`, `false`) between request and storage.

In Kubernetes' Go types these are plain values with `omitempty`; all others are pointers and keep
an explicit zero. The published schemas do not say which is which; the lists follow the type
definitions of k8s.io/api.
"""

from typing import Any

# Optional strings that are pointers, by field name or by `Type.field`: an empty text is kept.
_KEPT_STRINGS = frozenset(
    {
        "storageClassName", "ingressClassName", "volumeAttributesClassName", "runtimeClassName",
        "HostPathVolumeSource.type", "GRPCAction.service", "appProtocol",
        "EndpointPort.name", "EndpointPort.protocol",
        "LeaseSpec.holderIdentity", "LeaseSpec.strategy", "CronJobSpec.timeZone",
        "JobSpec.managedBy", "PodSecurityContext.fsGroupChangePolicy", "seLinuxChangePolicy",
        "loadBalancerClass", "ServiceSpec.trafficDistribution", "PodDNSConfigOption.value",
        "hostnameOverride",
    }
)  # fmt: skip

# Optional booleans that are plain values: an explicit false disappears.
_DROPPED_BOOLEANS = frozenset(
    {
        "hostNetwork", "hostPID", "hostIPC", "stdin", "stdinOnce", "tty", "readOnly", "paused",
        "unschedulable", "publishNotReadyAddresses", "globalDefault", "preserveUnknownFields",
        "CustomResourceDefinitionVersion.deprecated", "exclusiveMaximum", "exclusiveMinimum",
        "nullable", "uniqueItems", "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string", "chapAuthDiscovery", "chapAuthSession", "sslEnabled",
        "insecureSkipTLSVerify",
    }
)  # fmt: skip
_KEPT_BOOLEANS_OF = frozenset({"ContainerStatus", "VolumeMountStatus", "CronJobSpec", "JobSpec"})

# Optional numbers that are plain values: an explicit zero disappears.
_DROPPED_NUMBERS = frozenset(
    {
        "minReadySeconds", "initialDelaySeconds", "timeoutSeconds", "periodSeconds",
        "successThreshold", "failureThreshold", "hostPort", "nodePort", "observedGeneration",
        "active", "signal", "healthCheckNodePort",
        "generation", "count", "ServicePort.nodePort", "number", "succeeded", "failed",
        "DeploymentStatus.replicas", "updatedReplicas", "readyReplicas", "availableReplicas",
        "unavailableReplicas", "fullyLabeledReplicas", "StatefulSetStatus.currentReplicas",
        "numberAvailable", "numberUnavailable", "updatedNumberScheduled", "deprecatedCount",
        "partition", "CustomResourceColumnDefinition.priority", "ScaleSpec.replicas",
    }
)  # fmt: skip
_KEPT_NUMBERS_OF = frozenset(
    {
        "JobSpec", "HTTPGetAction", "GRPCAction", "StatefulSetStatus.availableReplicas",
        "ClientIPConfig", "ValidatingWebhook", "MutatingWebhook", "VolumeNodeResources",
        "RollingUpdateStatefulSetStrategy",
    }
)  # fmt: skip


def keeps_empty(owner: str, field: str) -> bool:
    """Whether an empty list in `owner.field` is another thing than none: it takes no default."""
    return field == "policies" and owner.endswith(".HPAScalingRules")


def drops_zero(owner: str, field: str, value: Any) -> bool:
    """Whether `owner.field` disappears when it holds this zero value."""
    type_name = owner.rpartition(".")[2]
    qualified = f"{type_name}.{field}"
    if isinstance(value, bool):
        dropped = field in _DROPPED_BOOLEANS or qualified in _DROPPED_BOOLEANS
        return dropped and type_name not in _KEPT_BOOLEANS_OF
    if isinstance(value, str):
        return bool(owner) and field not in _KEPT_STRINGS and qualified not in _KEPT_STRINGS
    if qualified in _KEPT_NUMBERS_OF or type_name in _KEPT_NUMBERS_OF:
        return False
    return field in _DROPPED_NUMBERS or qualified in _DROPPED_NUMBERS
