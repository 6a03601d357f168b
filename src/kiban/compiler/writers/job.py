"""The CronJob of a job. One that is run by hand is a suspended CronJob: a template from which
`kubectl create job --from` makes a run."""

from collections.abc import Iterator
from math import ceil

from kiban.compiler.pod import pod_template
from kiban.compiler.target import Target
from kiban.kube.objects import Manifest
from kiban.spec import ServiceSpec

# A run that could not start so long after its time is skipped; without a deadline, a controller
# that was away for 100 runs never starts one again.
STARTING_DEADLINE_SECONDS = 300
KEPT_SUCCESSES, KEPT_FAILURES = 3, 5
# A CronJob must have a schedule; a suspended one ignores it.
NEVER = "0 0 1 1 *"


def write(target: Target, service: ServiceSpec) -> Iterator[Manifest]:
    if service.kind != "job":
        return
    template = pod_template(target, service)
    template["spec"]["restartPolicy"] = "Never"
    run = {
        "backoffLimit": service.retries,
        "activeDeadlineSeconds": max(1, ceil(service.deadline)),
        "ttlSecondsAfterFinished": ceil(service.keep),
        "template": template,
    }
    if service.parallel > 1 or service.runs > 1:
        run |= {"parallelism": max(1, service.parallel), "completions": max(1, service.runs)}
    spec = {
        "schedule": service.schedule or NEVER,
        "timeZone": service.timezone or "Etc/UTC",
        "suspend": service.suspended or service.schedule is None,
        "concurrencyPolicy": service.concurrency.capitalize(),
        "startingDeadlineSeconds": STARTING_DEADLINE_SECONDS,
        "successfulJobsHistoryLimit": KEPT_SUCCESSES,
        "failedJobsHistoryLimit": KEPT_FAILURES,
        "jobTemplate": {"metadata": {"labels": target.labels(service.service)}, "spec": run},
    }
    yield target.manifest(
        "batch/v1", "CronJob", service.service, service=service.service, spec=spec
    )
