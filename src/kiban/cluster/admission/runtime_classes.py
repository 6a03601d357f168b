"""What a pod's runtime class gives it: the overhead of its sandbox, and where it can run.

Source: kubernetes/plugin/pkg/admission/runtimeclass.
"""

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.admission.pods import is_new_pod
from kiban.cluster.api.failures import Failure, forbidden
from kiban.kube.objects import GroupKind, Key, Manifest
from kiban.primitives.quantities import parse_quantity

RUNTIME_CLASS = GroupKind("node.k8s.io", "RuntimeClass")


def apply_runtime_class(attempt: Attempt, pod: Manifest) -> Manifest:
    """The pod with the overhead and the scheduling of its runtime class."""
    if not is_new_pod(attempt):
        return pod
    spec = pod["spec"]
    name = spec.get("runtimeClassName")
    if name is None:
        if spec.get("overhead"):
            raise _rejected(
                attempt,
                "Pod Overhead set without corresponding RuntimeClass defined Overhead",
            )
        return pod
    found = attempt.store.get(Key(*RUNTIME_CLASS, "", name))
    if found is None:
        raise _rejected(attempt, f'RuntimeClass "{name}" not found')
    return {**pod, "spec": _scheduled(attempt, _with_overhead(attempt, spec, found), found)}


def _with_overhead(attempt: Attempt, spec: Manifest, runtime_class: Manifest) -> Manifest:
    overhead = (runtime_class.get("overhead") or {}).get("podFixed")
    if not overhead:
        if spec.get("overhead"):
            raise _rejected(
                attempt,
                "Pod Overhead set without corresponding RuntimeClass defined Overhead",
            )
        return spec
    if spec.get("overhead") and _amounts(spec["overhead"]) != _amounts(overhead):
        raise _rejected(
            attempt,
            "Pod's Overhead doesn't match RuntimeClass's defined Overhead",
        )
    return {**spec, "overhead": overhead}


def _amounts(overhead: Manifest) -> dict[str, object]:
    return {name: parse_quantity(amount) for name, amount in overhead.items()}


def _scheduled(attempt: Attempt, spec: Manifest, runtime_class: Manifest) -> Manifest:
    scheduling = runtime_class.get("scheduling") or {}
    wanted, own = scheduling.get("nodeSelector") or {}, spec.get("nodeSelector") or {}
    for key, value in wanted.items():
        if own.get(key, value) != value:
            raise _rejected(
                attempt,
                f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
                f"pod.spec.nodeSelector[{key}] = {own[key]}",
            )
    if wanted:
        spec = {**spec, "nodeSelector": {**own, **wanted}}
    present = spec.get("tolerations") or []
    added = [entry for entry in scheduling.get("tolerations") or () if entry not in present]
    return {**spec, "tolerations": [*present, *added]} if added else spec


def _rejected(attempt: Attempt, why: str) -> Failure:
    return forbidden(attempt.info, attempt.name, f"pod rejected: {why}")
