"""Which pods a Job deletes or makes next, or how long it waits before it makes any.

Source: manageJob in pkg/controller/job/job_controller.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kiban.cluster.controllers.job.backoff import (
    IGNORED_INDEX_FAILURES,
    INDEX_FAILURES,
    Failures,
    index_failures_of,
    index_remaining_seconds,
)
from kiban.cluster.controllers.job.census import FINALIZER, Census
from kiban.cluster.controllers.job.failure_policy import verdict_on
from kiban.cluster.controllers.job.indexes import INDEX, index_of
from kiban.cluster.controllers.job.wishes import (
    backs_off_by_index,
    completions_of,
    is_indexed,
    is_suspended,
    parallelism_of,
    replaces_only_failed,
)
from kiban.cluster.controllers.pods import PodIdentity, name_base, pod_from_template
from kiban.cluster.controllers.replica_set.ranking import youngest_first
from kiban.kube.objects import Manifest, replaced
from kiban.primitives.chance import Chance

# MaxPodCreateDeletePerSync of the real controller.
BURST = 500


@dataclass(frozen=True, slots=True)
class Sizing:
    """Pods to delete or to make; `wait_seconds` when it is too early to make any."""

    delete: Sequence[Manifest] = ()
    create: Sequence[Manifest] = ()
    wait_seconds: float | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether pods are missing that must not be made yet."""
        return self.wait_seconds is not None


def sized(census: Census, failures: Failures, chance: Chance) -> Sizing:
    """What brings a Job that goes on nearer to what it wants."""
    active = census.active
    if is_suspended(census.job):
        return Sizing(delete=active[:BURST])
    wanted = _wanted(census)
    surplus = _surplus(census, max(0, len(active) - wanted))
    if surplus:
        return Sizing(delete=surplus[:BURST])
    ending = census.terminating if replaces_only_failed(census.job) else 0
    missing = min(wanted - ending - len(active), BURST)
    if missing <= 0:
        return Sizing()
    if not backs_off_by_index(census.job):
        wait = failures.remaining_seconds(census.now)
        if wait > 0:
            return Sizing(wait_seconds=wait)
    return _made(census, missing, chance)


def _wanted(census: Census) -> int:
    parallelism, completions = parallelism_of(census.job), completions_of(census.job)
    if completions is None:
        return len(census.active) if census.succeeded > 0 else parallelism
    return max(0, min(completions - census.succeeded, parallelism))


def _surplus(census: Census, at_least: int) -> list[Manifest]:
    """Pods on an index that another one has too, that is done or unknown; then as many more as
    there are too many."""
    order = youngest_first(census.active)
    chosen: dict[str, Manifest] = {}
    if is_indexed(census.job):
        taken = dict.fromkeys([*census.succeeded_indexes, *census.failed_indexes])
        for pod in reversed(order):
            index = index_of(pod)
            if index is None or index in taken or not census.is_valid(pod):
                chosen[pod["metadata"]["name"]] = pod
            else:
                taken[index] = None
    rest = [pod for pod in order if pod["metadata"]["name"] not in chosen]
    return [*chosen.values(), *rest[: max(0, at_least - len(chosen))]]


def _made(census: Census, missing: int, chance: Chance) -> Sizing:
    if not is_indexed(census.job):
        base = name_base(census.job["metadata"]["name"])
        return Sizing(create=[_pod(census.job, base, chance, {}) for _ in range(missing)])
    indexes = _pending_indexes(census)
    wait: float | None = None
    if backs_off_by_index(census.job):
        waits = {index: _index_wait(census, index) for index in indexes}
        indexes = [index for index in indexes if waits[index] <= 0]
        if not indexes:
            wait = min(waits.values(), default=None)
    pods = [_indexed_pod(census, index, chance) for index in indexes[:missing]]
    return Sizing(create=pods, wait_seconds=wait)


def _pending_indexes(census: Census) -> list[int]:
    """The indexes nobody works on, lowest first."""
    taken = {*census.active_indexes, *census.succeeded_indexes, *census.failed_indexes}
    if replaces_only_failed(census.job):
        taken.update(index for pod in census.pods if (index := index_of(pod)) is not None
                     and "deletionTimestamp" in pod["metadata"] and not _ended(pod))  # fmt: skip
    return [index for index in range(completions_of(census.job) or 0) if index not in taken]


def _ended(pod: Manifest) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _index_wait(census: Census, index: int) -> float:
    return index_remaining_seconds(census.remembered.get(index), census.now)


def _indexed_pod(census: Census, index: int, chance: Chance) -> Manifest:
    job = census.job
    name = job["metadata"]["name"]
    marks = {INDEX: str(index)}
    annotations = {**marks}
    if backs_off_by_index(job):
        annotations |= _failure_counts(census, index)
    pod = _pod(job, name_base(f"{name}-{index}"), chance, annotations, labels=marks)
    pod = replaced(pod, ("spec", "hostname"), pod["spec"].get("hostname") or f"{name}-{index}")
    for field in ("initContainers", "containers"):
        if containers := pod["spec"].get(field):
            told = [_told_its_index(container) for container in containers]
            pod = replaced(pod, ("spec", field), told)
    return pod


def _failure_counts(census: Census, index: int) -> dict[str, str]:
    last = census.remembered.get(index)
    if last is None:
        return {INDEX_FAILURES: "0"}
    counted, ignored = index_failures_of(last), index_failures_of(last, IGNORED_INDEX_FAILURES)
    if verdict_on(census.job, last).action == "Ignore":
        ignored += 1
    else:
        counted += 1
    more = {IGNORED_INDEX_FAILURES: str(ignored)} if ignored else {}
    return {INDEX_FAILURES: str(counted), **more}


def _told_its_index(container: Manifest) -> Manifest:
    name = "JOB_COMPLETION_INDEX"
    env = container.get("env") or []
    if any(entry["name"] == name for entry in env):
        return container
    path = {"apiVersion": "v1", "fieldPath": f"metadata.labels['{INDEX}']"}
    return {**container, "env": [*env, {"name": name, "valueFrom": {"fieldRef": path}}]}


def _pod(
    job: Manifest,
    base: str,
    chance: Chance,
    annotations: dict[str, str],
    labels: dict[str, str] | None = None,
) -> Manifest:
    identity = PodIdentity(
        base + chance.suffix(), base, labels=labels, annotations=annotations,
        finalizers=[FINALIZER],
    )  # fmt: skip
    return pod_from_template(job["spec"]["template"], job, identity)
