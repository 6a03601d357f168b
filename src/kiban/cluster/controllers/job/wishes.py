"""What a Job asks for, with Kubernetes' defaults (pkg/apis/batch/v1/defaults.go)."""

from kiban.kube.objects import Manifest

DEFAULT_BACKOFF_LIMIT = 6
OWN_NAME = "kubernetes.io/job-controller"


def parallelism_of(job: Manifest) -> int:
    """How many pods may run at once."""
    value = job["spec"].get("parallelism")
    return 1 if value is None else int(value)


def completions_of(job: Manifest) -> int | None:
    """How many pods have to succeed; None for a work queue, where the first success ends it."""
    value = job["spec"].get("completions")
    return None if value is None else int(value)


def backoff_limit_of(job: Manifest) -> int:
    """How many pods may fail."""
    value = job["spec"].get("backoffLimit")
    return DEFAULT_BACKOFF_LIMIT if value is None else int(value)


def is_indexed(job: Manifest) -> bool:
    return bool(job["spec"].get("completionMode") == "Indexed")


def is_suspended(job: Manifest) -> bool:
    return bool(job["spec"].get("suspend"))


def backs_off_by_index(job: Manifest) -> bool:
    """Whether every index has a back-off and a limit of its own."""
    return job["spec"].get("backoffLimitPerIndex") is not None


def replaces_only_failed(job: Manifest) -> bool:
    """Whether a pod that is ending is replaced only once it has ended."""
    policy = job["spec"].get("podReplacementPolicy")
    return bool(policy == "Failed" or job["spec"].get("podFailurePolicy") is not None)


def is_managed_elsewhere(job: Manifest) -> bool:
    """Whether somebody else's controller runs the Job."""
    return job["spec"].get("managedBy") not in (None, OWN_NAME)
