"""What delivery needs to know of how a service's pods are replaced: the policy as an annotation of
its Deployment, and a revision on its pods by which old and new can be told apart."""

from typing import Any

from kiban.compiler.target import Target
from kiban.kube.objects import Manifest, annotations_of, replaced
from kiban.primitives.canonical import canonical_json, digest
from kiban.spec import ServiceSpec

ROLLOUT_ANNOTATION = "kiban.dev/rollout"
REVISION_LABEL = "kiban.dev/revision"
# Who serves routes by weights: the AWS load balancer controller, and the embedded gateway.
WEIGHING_CLASSES = ("alb", "kiban")
DEFAULT_SHARES = (10.0, 50.0)


def is_gradual(service: ServiceSpec) -> bool:
    """Whether new pods take over in steps that delivery takes."""
    return service.kind != "job" and _strategy(service) in ("canary", "blue-green")


def is_recreated(service: ServiceSpec) -> bool:
    """Whether all pods end before the new ones start."""
    return _strategy(service) == "recreate"


def rollout_annotation(target: Target, service: ServiceSpec) -> dict[str, str]:
    """The policy as canonical JSON."""
    rollout = service.rollout
    if rollout is None or not is_gradual(service):
        return {}
    kind = "kiban" if target.local else target.cluster.ingress_class
    weighs = bool(service.routes) and kind in WEIGHING_CLASSES
    by = rollout.by or ("weights" if weighs else "replicas")
    policy: dict[str, Any] = {
        "strategy": rollout.strategy,
        "shares": [0, 100] if rollout.strategy == "blue-green" else _shares(rollout.steps),
        "pauseSeconds": rollout.pause,
        "gates": rollout.gates,
        "by": by if weighs else "replicas",
    }
    return {ROLLOUT_ANNOTATION: canonical_json(policy).decode()}


def with_revision(manifest: Manifest) -> Manifest:
    """A Deployment with a policy gets a label on its pods that is made of their template, when
    nothing changes that any more; anything else stays as it is."""
    if manifest["kind"] != "Deployment" or ROLLOUT_ANNOTATION not in annotations_of(manifest):
        return manifest
    template = manifest["spec"]["template"]
    labels = {**template["metadata"]["labels"], REVISION_LABEL: digest(template, 8)}
    return replaced(manifest, ("spec", "template", "metadata", "labels"), labels)


def _strategy(service: ServiceSpec) -> str:
    return service.rollout.strategy if service.rollout else "rolling"


def _shares(steps: list[float]) -> list[int]:
    return [max(1, round(share)) for share in (steps or DEFAULT_SHARES)]
