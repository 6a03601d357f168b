"""The next step for whoever looks at an object that is not well: one thing to do, or nothing where
waiting is right."""

from kiban.kube.health import Health
from kiban.kube.objects import CRON_JOB, Key

_IMAGE = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName")
_CONFIGURATION = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
_BY_REASON = {
    **dict.fromkeys(_IMAGE, "release a tag that exists, or: kiban rollback {service}"),
    **dict.fromkeys(
        _CONFIGURATION, "kubectl describe {kind} {name} -n {namespace} names what is missing"
    ),
    "AtMaximum": "raise `scale.max` of {service} if it stays there",
    "BackoffLimitExceeded": "kubectl logs {kind}/{name} -n {namespace}",
    "CrashLoopBackOff": "kubectl logs {kind}/{name} -n {namespace} --previous, or: "
    "kiban rollback {service}",
    "DeadlineExceeded": "kubectl logs {kind}/{name} -n {namespace}",
    "NoAddress": "kubectl describe {kind} {name} -n {namespace}: does the controller of its class "
    "run?",
    "NoDisruptionAllowed": "run one pod more, or a node cannot be drained",
    "OOMKilled": "raise `resources.memory` of {service}, or: kiban rollback {service}",
    "ProgressDeadlineExceeded": "kiban rollback {service}",
    "Unschedulable": "add nodes, or ask for less in `resources` of {service}",
}
_RUN_NOW = "kubectl create job --from=cronjob/{name} {name}-now -n {namespace} runs it now"
_SERVICELESS = "the workload"


def next_step(key: Key, verdict: Health, service: str) -> str:
    """What to do about a verdict; empty when there is nothing."""
    if verdict.status == "Degraded" and key.group_kind == CRON_JOB:
        text = _RUN_NOW
    else:
        text = _BY_REASON.get(verdict.reason, "")
    return text.format(
        service=service or _SERVICELESS,
        kind=key.kind.lower(),
        name=key.name,
        namespace=key.namespace,
    )
