"""When versions of the API went, and what took their place.

Source: kubernetes.io, Deprecated API Migration Guide; the release notes of Karpenter, cert-manager
and External Secrets for kinds that are not Kubernetes' own (whose version is the tool's).
"""

from typing import NamedTuple

Version = tuple[int, int]


class Lifetime(NamedTuple):
    """Since when a version of a kind is deprecated and gone (None: not yet), and its successor."""

    deprecated: Version
    removed: Version | None
    successor: str


_GONE: tuple[tuple[Version, Version, str, str, str], ...] = (
    ((1, 8), (1, 16), "extensions/v1beta1", "Deployment DaemonSet ReplicaSet", "apps/v1"),
    ((1, 9), (1, 16), "extensions/v1beta1", "NetworkPolicy", "networking.k8s.io/v1"),
    ((1, 10), (1, 16), "extensions/v1beta1", "PodSecurityPolicy", "pod security admission"),
    ((1, 9), (1, 16), "apps/v1beta1",
     "Deployment StatefulSet ReplicaSet ControllerRevision", "apps/v1"),
    ((1, 9), (1, 16), "apps/v1beta2",
     "Deployment StatefulSet DaemonSet ReplicaSet ControllerRevision", "apps/v1"),
    ((1, 14), (1, 22), "extensions/v1beta1", "Ingress", "networking.k8s.io/v1"),
    ((1, 19), (1, 22), "networking.k8s.io/v1beta1", "Ingress IngressClass", "networking.k8s.io/v1"),
    ((1, 16), (1, 22), "admissionregistration.k8s.io/v1beta1",
     "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
     "admissionregistration.k8s.io/v1"),
    ((1, 16), (1, 22), "apiextensions.k8s.io/v1beta1", "CustomResourceDefinition",
     "apiextensions.k8s.io/v1"),
    ((1, 19), (1, 22), "apiregistration.k8s.io/v1beta1", "APIService", "apiregistration.k8s.io/v1"),
    ((1, 19), (1, 22), "authentication.k8s.io/v1beta1", "TokenReview", "authentication.k8s.io/v1"),
    ((1, 19), (1, 22), "authorization.k8s.io/v1beta1",
     "LocalSubjectAccessReview SelfSubjectAccessReview SubjectAccessReview SelfSubjectRulesReview",
     "authorization.k8s.io/v1"),
    ((1, 19), (1, 22), "certificates.k8s.io/v1beta1", "CertificateSigningRequest",
     "certificates.k8s.io/v1"),
    ((1, 19), (1, 22), "coordination.k8s.io/v1beta1", "Lease", "coordination.k8s.io/v1"),
    ((1, 17), (1, 22), "rbac.authorization.k8s.io/v1beta1",
     "ClusterRole ClusterRoleBinding Role RoleBinding", "rbac.authorization.k8s.io/v1"),
    ((1, 17), (1, 22), "rbac.authorization.k8s.io/v1alpha1",
     "ClusterRole ClusterRoleBinding Role RoleBinding", "rbac.authorization.k8s.io/v1"),
    ((1, 14), (1, 22), "scheduling.k8s.io/v1beta1", "PriorityClass", "scheduling.k8s.io/v1"),
    ((1, 19), (1, 22), "storage.k8s.io/v1beta1", "CSIDriver CSINode StorageClass VolumeAttachment",
     "storage.k8s.io/v1"),
    ((1, 21), (1, 25), "batch/v1beta1", "CronJob", "batch/v1"),
    ((1, 21), (1, 25), "discovery.k8s.io/v1beta1", "EndpointSlice", "discovery.k8s.io/v1"),
    ((1, 19), (1, 25), "events.k8s.io/v1beta1", "Event", "events.k8s.io/v1"),
    ((1, 22), (1, 25), "autoscaling/v2beta1", "HorizontalPodAutoscaler", "autoscaling/v2"),
    ((1, 21), (1, 25), "policy/v1beta1", "PodDisruptionBudget", "policy/v1"),
    ((1, 21), (1, 25), "policy/v1beta1", "PodSecurityPolicy", "pod security admission"),
    ((1, 22), (1, 25), "node.k8s.io/v1beta1", "RuntimeClass", "node.k8s.io/v1"),
    ((1, 23), (1, 26), "autoscaling/v2beta2", "HorizontalPodAutoscaler", "autoscaling/v2"),
    ((1, 23), (1, 26), "flowcontrol.apiserver.k8s.io/v1beta1",
     "FlowSchema PriorityLevelConfiguration", "flowcontrol.apiserver.k8s.io/v1"),
    ((1, 24), (1, 27), "storage.k8s.io/v1beta1", "CSIStorageCapacity", "storage.k8s.io/v1"),
    ((1, 26), (1, 29), "flowcontrol.apiserver.k8s.io/v1beta2",
     "FlowSchema PriorityLevelConfiguration", "flowcontrol.apiserver.k8s.io/v1"),
    ((1, 29), (1, 32), "flowcontrol.apiserver.k8s.io/v1beta3",
     "FlowSchema PriorityLevelConfiguration", "flowcontrol.apiserver.k8s.io/v1"),
)  # fmt: skip
_DEPRECATED: tuple[tuple[Version, str, str, str], ...] = (
    ((1, 19), "v1", "ComponentStatus", "the health endpoints of the components"),
    ((1, 33), "v1", "Endpoints", "discovery.k8s.io/v1 EndpointSlice"),
)
# Kinds of others: gone with a version of the tool, whatever the cluster's version is.
_OTHERS: tuple[tuple[str, str, str], ...] = (
    ("karpenter.sh/v1alpha5", "Provisioner Machine", "karpenter.sh/v1 NodePool"),
    ("karpenter.k8s.aws/v1alpha1", "AWSNodeTemplate", "karpenter.k8s.aws/v1 EC2NodeClass"),
    ("karpenter.sh/v1beta1", "NodePool NodeClaim", "karpenter.sh/v1"),
    ("karpenter.k8s.aws/v1beta1", "EC2NodeClass", "karpenter.k8s.aws/v1"),
    ("cert-manager.io/v1alpha2", "Certificate Issuer ClusterIssuer", "cert-manager.io/v1"),
    ("cert-manager.io/v1alpha3", "Certificate Issuer ClusterIssuer", "cert-manager.io/v1"),
    ("cert-manager.io/v1beta1", "Certificate Issuer ClusterIssuer", "cert-manager.io/v1"),
    ("external-secrets.io/v1alpha1", "ExternalSecret SecretStore ClusterSecretStore",
     "external-secrets.io/v1"),
    ("external-secrets.io/v1beta1", "ExternalSecret SecretStore ClusterSecretStore",
     "external-secrets.io/v1"),
    ("gateway.networking.k8s.io/v1alpha2", "Gateway GatewayClass HTTPRoute",
     "gateway.networking.k8s.io/v1"),
)  # fmt: skip

_ALWAYS: Version = (0, 0)
LIFETIMES: dict[tuple[str, str], Lifetime] = {
    (version, kind): Lifetime(deprecated, removed, successor)
    for deprecated, removed, version, kinds, successor in _GONE
    for kind in kinds.split()
}
LIFETIMES |= {
    (version, kind): Lifetime(deprecated, None, successor)
    for deprecated, version, kinds, successor in _DEPRECATED
    for kind in kinds.split()
}
LIFETIMES |= {
    (version, kind): Lifetime(_ALWAYS, _ALWAYS, successor)
    for version, kinds, successor in _OTHERS
    for kind in kinds.split()
}
