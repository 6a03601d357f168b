"""What of a cluster delivery needs to see: every kind that it applies or may have to prune, in the
namespaces of the environment, and the pods that explain why a workload is not well."""

from kiban.compiler.bundle import Bundle
from kiban.delivery.marks import Scope
from kiban.delivery.messages import Follow
from kiban.kube.kinds import standard_kinds
from kiban.kube.objects import NAMESPACE, POD, GroupKind, key_of

# What the compiler emits, and so what an earlier commit may have left behind.
EMITTED_KINDS: tuple[GroupKind, ...] = tuple(
    GroupKind(group, kind)
    for group, kind in (
        ("", "ConfigMap"), ("", "LimitRange"), ("", "Namespace"), ("", "PersistentVolumeClaim"),
        ("", "ResourceQuota"), ("", "Secret"), ("", "Service"), ("", "ServiceAccount"),
        ("apps", "Deployment"), ("apps", "StatefulSet"),
        ("autoscaling", "HorizontalPodAutoscaler"), ("batch", "CronJob"), ("batch", "Job"),
        ("gateway.networking.k8s.io", "HTTPRoute"),
        ("networking.k8s.io", "Ingress"), ("networking.k8s.io", "NetworkPolicy"),
        ("policy", "PodDisruptionBudget"), ("rbac.authorization.k8s.io", "Role"),
        ("rbac.authorization.k8s.io", "RoleBinding"),
    )
)  # fmt: skip


def follows_of(bundle: Bundle, scope: Scope) -> tuple[Follow, ...]:
    """The lists and watches that show everything about one environment, sorted.

    They are not narrowed to our labels: an object of that name that is somebody else's must be
    seen before it is written to.
    """
    keys = [key_of(manifest) for manifest in bundle.manifests]
    kinds = {key.group_kind for key in keys} | set(EMITTED_KINDS)
    # Kinds of no table: whether they live in namespaces is seen by their objects.
    wide = {key.group_kind for key in keys if not key.namespace}
    spaces = {key.namespace for key in keys} | {need.namespace for need in bundle.secrets}
    spaces = (spaces | {scope.namespace}) - {""}
    found = [Follow(kind) for kind in kinds if kind in wide or not is_namespaced(kind)]
    found += [
        Follow(kind, space)
        for kind in kinds | {POD}
        for space in spaces
        if kind not in wide and is_namespaced(kind)
    ]
    return tuple(sorted(found, key=lambda follow: (follow.kind, follow.namespace)))


def is_namespaced(kind: GroupKind) -> bool:
    """Whether objects of the kind live in namespaces; those of unknown kinds are taken to."""
    info = standard_kinds().of(kind)
    return info.namespaced if info is not None else kind != NAMESPACE
