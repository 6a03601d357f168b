"""What belongs to the environment itself: its Namespace, and that nobody comes in unasked."""

from collections.abc import Iterator

from kiban.compiler.target import Target
from kiban.kube.objects import Manifest


def write(target: Target) -> Iterator[Manifest]:
    labels = {
        **target.labels(),
        "pod-security.kubernetes.io/enforce": "restricted",
        # Pods wait for the load balancer to know them before they count as ready.
        "elbv2.k8s.aws/pod-readiness-gate-inject": "enabled",
    }
    yield {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": target.namespace, "labels": labels},
    }
    yield target.manifest(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "default-deny",
        spec={"podSelector": {}, "policyTypes": ["Ingress"]},
    )
