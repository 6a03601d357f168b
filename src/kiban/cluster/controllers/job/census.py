"""A Job's pods sorted by what they mean for it: active, ending, newly ended, counted already.

Every figure that the controller decides on is taken here, once, from one snapshot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from kiban.cluster.controllers.job.backoff import index_failures_of, later_failure
from kiban.cluster.controllers.job.failure_policy import verdict_on
from kiban.cluster.controllers.job.indexes import index_of, parse_indexes
from kiban.cluster.controllers.job.wishes import (
    backs_off_by_index,
    completions_of,
    is_indexed,
    replaces_only_failed,
)
from kiban.cluster.controllers.pods import is_active, is_ready, is_terminating, phase_of
from kiban.kube.objects import Manifest, get_in, is_deleting, uid_of
from kiban.primitives.instants import Instant

FINALIZER = "batch.kubernetes.io/job-tracking"


def is_tracked(pod: Manifest) -> bool:
    """Whether the pod is kept until it has been counted."""
    return FINALIZER in (pod["metadata"].get("finalizers") or ())


def has_failed(job: Manifest, pod: Manifest) -> bool:
    """Whether a pod counts as failed; one that was asked to go will never succeed."""
    if phase_of(pod) == "Failed":
        return True
    if replaces_only_failed(job):
        return False
    return is_deleting(pod) and phase_of(pod) != "Succeeded"


@dataclass(frozen=True)
class Census:
    """The pods of a Job at one instant."""

    job: Manifest
    pods: Sequence[Manifest]
    now: Instant

    @cached_property
    def active(self) -> list[Manifest]:
        return [pod for pod in self.pods if is_active(pod)]

    @cached_property
    def ready(self) -> int:
        return sum(is_ready(pod) for pod in self.active)

    @cached_property
    def terminating(self) -> int:
        return sum(is_terminating(pod) for pod in self.pods)

    @cached_property
    def tracked(self) -> list[Manifest]:
        return [pod for pod in self.pods if is_tracked(pod)]

    @cached_property
    def uncounted(self) -> dict[str, list[str]]:
        """The uids that the status holds as ended and not yet counted."""
        found = get_in(self.job, "status", "uncountedTerminatedPods", default={})
        return {field: list(found.get(field) or []) for field in ("succeeded", "failed")}

    @cached_property
    def newly_succeeded(self) -> list[Manifest]:
        known = self.uncounted["succeeded"] + self.uncounted["failed"]
        return [
            pod
            for pod in self.tracked
            if phase_of(pod) == "Succeeded" and uid_of(pod) not in known and self.is_valid(pod)
        ]

    @cached_property
    def newly_failed(self) -> list[Manifest]:
        known = self.uncounted["failed"]
        return [
            pod
            for pod in self.tracked
            if has_failed(self.job, pod) and uid_of(pod) not in known and self.is_valid(pod)
        ]

    def is_valid(self, pod: Manifest) -> bool:
        """Whether the pod works on an index that the Job has."""
        if not is_indexed(self.job):
            return True
        index = index_of(pod)
        return index is not None and index < (completions_of(self.job) or 0)

    @cached_property
    def succeeded(self) -> int:
        """Pods that succeeded, counted or not."""
        if is_indexed(self.job):
            return len(self.succeeded_indexes)
        counted = get_in(self.job, "status", "succeeded", default=0)
        return int(counted + len(self.uncounted["succeeded"]) + len(self.newly_succeeded))

    @cached_property
    def failed(self) -> int:
        """Pods that failed, counted or not; those that the policy ignores are none."""
        counted = get_in(self.job, "status", "failed", default=0)
        new = sum(verdict_on(self.job, pod).action != "Ignore" for pod in self.newly_failed)
        return int(counted + len(self.uncounted["failed"]) + new)

    @cached_property
    def succeeded_indexes(self) -> list[int]:
        completions = completions_of(self.job) or 0
        text = get_in(self.job, "status", "completedIndexes", default="")
        found = dict.fromkeys(parse_indexes(text, completions))
        found.update(dict.fromkeys(_indexes(self.newly_succeeded)))
        return sorted(found)

    @cached_property
    def failed_indexes(self) -> list[int]:
        """The indexes that are given up."""
        limit = self.job["spec"].get("backoffLimitPerIndex")
        text = get_in(self.job, "status", "failedIndexes", default="")
        found = dict.fromkeys(parse_indexes(text, completions_of(self.job) or 0))
        for pod in self.newly_failed:
            spent = limit is not None and index_failures_of(pod) >= limit
            if spent or verdict_on(self.job, pod).action == "FailIndex":
                found.update(dict.fromkeys(_indexes([pod])))
        return sorted(found)

    @cached_property
    def active_indexes(self) -> list[int]:
        return sorted(dict.fromkeys(_indexes(self.active)))

    @cached_property
    def remembered(self) -> dict[int, Manifest]:
        """By index, the failed pod that has to stay until its successor carries its count."""
        if not backs_off_by_index(self.job):
            return {}
        settled = {*self.succeeded_indexes, *self.failed_indexes, *self.active_indexes}
        groups: dict[int, list[Manifest]] = {}
        for pod in self.tracked:
            index = index_of(pod)
            failed = has_failed(self.job, pod) and self.is_valid(pod)
            if failed and index is not None and index not in settled:
                groups.setdefault(index, []).append(pod)
        last = {index: later_failure(pods, self.now) for index, pods in groups.items()}
        return {index: pod for index, pod in sorted(last.items()) if pod is not None}


def _indexes(pods: Sequence[Manifest]) -> list[int]:
    return [index for pod in pods if (index := index_of(pod)) is not None]
