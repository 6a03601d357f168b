"""An Ingress that names no class gets the cluster's default one.

Source: kubernetes/plugin/pkg/admission/network/defaultingressclass/admission.go.
"""

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.admission.standard_classes import standard_class
from kiban.kube.objects import GroupKind, Manifest, annotations_of, get_in, replaced

INGRESS_CLASS = GroupKind("networking.k8s.io", "IngressClass")
_STANDARD = ("ingressclass.kubernetes.io/is-default-class",)
_OLD_ANNOTATION = "kubernetes.io/ingress.class"


def use_standard_ingress_class(attempt: Attempt, ingress: Manifest) -> Manifest:
    if attempt.verb != "CREATE" or attempt.subresource:
        return ingress
    if get_in(ingress, "spec", "ingressClassName") is not None:
        return ingress
    if _OLD_ANNOTATION in annotations_of(ingress):
        return ingress
    name = standard_class(attempt.store, INGRESS_CLASS, _STANDARD)
    return replaced(ingress, ("spec", "ingressClassName"), name) if name else ingress
