"""What a Job's podFailurePolicy says of a pod that failed: the first rule that matches decides.

Source: pkg/controller/job/pod_failure_policy.go.
"""

from dataclasses import dataclass
from typing import Any

from kiban.kube.objects import Manifest, condition_of, get_in


@dataclass(frozen=True, slots=True)
class Verdict:
    """`action` is FailJob, FailIndex, Ignore or Count; `message` says which rule matched."""

    action: str
    message: str = ""


def verdict_on(job: Manifest, pod: Manifest) -> Verdict:
    """What is to be made of a failed pod; it counts when no rule says otherwise."""
    rules = get_in(job, "spec", "podFailurePolicy", "rules", default=[])
    for number, rule in enumerate(rules):
        what = _matched(rule, pod)
        if what is not None:
            action = rule["action"]
            return Verdict(action, f"{what} matching {action} rule at index {number}")
    return Verdict("Count")


def _matched(rule: dict[str, Any], pod: Manifest) -> str | None:
    if codes := rule.get("onExitCodes"):
        return _matched_exit(codes, pod)
    return _matched_condition(rule.get("onPodConditions") or [], pod)


def _matched_exit(codes: dict[str, Any], pod: Manifest) -> str | None:
    status = pod.get("status") or {}
    containers = [
        *(status.get("initContainerStatuses") or []),
        *(status.get("containerStatuses") or []),
    ]
    for container in containers:
        wanted = codes.get("containerName")
        code = get_in(container, "state", "terminated", "exitCode")
        if code in (None, 0) or wanted not in (None, container["name"]):
            continue
        if (code in codes.get("values", [])) == (codes["operator"] == "In"):
            return (
                f"Container {container['name']} for pod {_name(pod)} failed with exit code {code}"
            )
    return None


def _matched_condition(patterns: list[dict[str, Any]], pod: Manifest) -> str | None:
    for pattern in patterns:
        condition = condition_of(pod, pattern["type"])
        if condition is not None and condition["status"] == pattern.get("status", "True"):
            return f"Pod {_name(pod)} has condition {pattern['type']}"
    return None


def _name(pod: Manifest) -> str:
    return f"{pod['metadata'].get('namespace', '')}/{pod['metadata']['name']}"
